import io
import math
import warnings

import numpy as np
import pytest
from PIL import Image

from insetgan.refine.terms.paper import PAPER
from insetgan.reports.curves import LONGEST_WORDS, _apart, _over_samples, plot_curves

TERMS = {"border_l1": [4.0, 2.0, 1.0], "offset": [0.0, 0.1, 0.2], "total": [8.0, 4.1, 2.2]}
WEIGHTS = {"border_l1": 2.0, "offset": 1.0}


def image(*arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = Image.open(io.BytesIO(plot_curves(*arguments)))
    assert (image.format, image.size) == ("PNG", (900, 500))
    return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize(
    "curves",
    [
        {"0": TERMS},
        {"0": TERMS, "1": {**TERMS, "total": [8.0]}, "2": {name: [1.0] * 9 for name in TERMS}},
        {"0": {name: [0.0] * 3 for name in TERMS}},
        {"0": {**TERMS, "total": [8.0, math.inf, math.nan], "offset": [math.nan] * 3}},
        {"0": {"total": [3.0]}},
        {"0": {name: [] for name in TERMS}},
        {},
    ],
)
def test_anything_becomes_an_image(curves):
    assert image(curves, WEIGHTS).min() < 128, "something is drawn"


def test_a_term_of_weight_0_is_left_out():
    without = {"0": {name: values for name, values in TERMS.items() if name != "offset"}}
    dropped = image({"0": TERMS}, {**WEIGHTS, "offset": 0.0})
    assert (dropped == image(without, WEIGHTS)).all()
    assert (dropped != image({"0": TERMS}, WEIGHTS)).any()
    with pytest.raises(KeyError):
        plot_curves({"0": TERMS}, {"offset": 1.0})


def test_the_same_curves_give_the_same_bytes_and_leave_no_figure():
    assert plot_curves({"0": TERMS}, WEIGHTS) == plot_curves({"0": TERMS}, WEIGHTS)
    import matplotlib.pyplot as plt

    assert not plt.get_fignums()


def test_samples_that_stopped_keep_their_last_value():
    samples = [[4.0, 2.0], [8.0, math.inf, math.nan, math.inf], [math.nan, 6.0, 1.0, 1.0]]
    low, middle, high = _over_samples(samples, weight=10)
    assert middle.tolist() == [60, 60, 20, 20]  # medians of (4, 8), (2, 8, 6), (2, 8, 1), (2, 8, 1)
    assert low == pytest.approx([44, 28, 12, 12])
    assert high == pytest.approx([76, 76, 68, 68])
    assert np.isnan(_over_samples([[math.nan, 1.0]], 1)[:, 0]).all()


def test_labels_are_moved_apart_and_no_further():
    assert _apart([0.1, 0.5, 0.9], 0.1) == [0.1, 0.5, 0.9]
    assert _apart([0.5, 0.5], 0.1) == pytest.approx([0.45, 0.55])
    assert _apart([0.0, 0.0, 1.0, 1.0], 0.2) == pytest.approx([0.0, 0.2, 0.8, 1.0])
    crowded = _apart(sorted(np.random.default_rng(0).random(20)), 0.05)
    assert np.diff(crowded).min() > 0.05 - 1e-9
    assert crowded[0] > -1e-9
    assert crowded[-1] < 1 + 1e-9


def test_words_stand_below_the_names_where_there_is_room():
    words = {"border_l1": "colours along the border"}
    plain, said = image({"0": TERMS}, WEIGHTS), image({"0": TERMS}, WEIGHTS, words)
    changed = np.argwhere((plain != said).any(2))
    assert len(changed) and changed[:, 1].min() > 600, "only what stands to the right of the axes"
    many = {"0": {f"term_{index}": [1.0 + index] for index in range(16)} | {"total": [20.0]}}
    weights = dict.fromkeys(many["0"], 1.0)
    assert (image(many, weights) == image(many, weights, {"term_3": "words"})).all()


def test_the_terms_of_the_paper_are_said_in_words():
    assert all(0 < len(term.words) <= LONGEST_WORDS for term in PAPER.values())
