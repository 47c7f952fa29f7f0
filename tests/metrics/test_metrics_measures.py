"""The registry of measures: keys, what is said of them, and numbers worked out by hand."""

import pytest
import torch

from insetgan.metrics.measures import MEASURES, Composites, Measure, Quantity, quantities, read_quantities


class Darkest(Measure):
    name, title, unit, better = "darkest", "darkest pixel", "grey levels of 255", "higher"

    def compute(self, images):
        return images.composite.double().amin((1, 2, 3))


def composites(**changes):
    start = torch.zeros(2, 8, 8, 3, dtype=torch.uint8)
    canvas, composite = start + 10, start + 10
    composite[:, 2:6, 2:6] = 30
    inset = torch.full((2, 4, 4, 3), 30, dtype=torch.uint8)
    given = {
        "start": start, "canvas": canvas, "composite": composite,
        "boxes": {"face": torch.tensor([[2, 2, 6, 6]] * 2)}, "present": {"face": torch.tensor([True, True])},
        "insets": {"face": inset}, "start_insets": {"face": inset - 4},
        "interiors": {"face": torch.ones(2, 1, 4, 4)},
    }  # fmt: skip
    return Composites(**{**given, **changes})


def test_measures_of_a_square_on_a_plain_canvas():
    found = {measure.name: measure.compute(composites()) for measure in MEASURES}
    assert found["seam"]["face"].tolist() == [20, 20], "a step of 20 on a canvas whose own step counts as 1"
    assert found["band"]["face"].tolist() == [20, 20]
    assert found["part_change"]["face"].tolist() == [4, 4]
    assert found["body_change"].tolist() == [10, 10]


def test_a_part_that_is_not_there_is_not_cut_out_of_the_canvas():
    canvas = torch.zeros(2, 8, 8, 3, dtype=torch.uint8)
    canvas[:, 2:6, 2:6] = 12
    images = composites(canvas=canvas, present={"face": torch.tensor([True, False])})
    (change,) = (measure for measure in MEASURES if measure.name == "body_change")
    assert change.compute(images).tolist() == [0, 12 * 16 / 64]


def test_what_nothing_fills_has_no_change_of_the_part():
    images = composites(insets={}, start_insets={}, interiors={})
    (change,) = (measure for measure in MEASURES if measure.name == "part_change")
    assert change.compute(images) == {}


def test_a_measure_is_taken_twice_unless_it_compares_with_the_start():
    assert [key for measure in MEASURES for key in measure.keys] == [
        "seam_before", "seam_after", "band_before", "band_after", "part_change", "body_change",
    ]  # fmt: skip
    for measure in MEASURES:
        assert {measure.key("before"), measure.key("after")} == set(measure.keys)


def test_what_is_said_of_a_measure_survives_results_json():
    known = quantities([*MEASURES, Darkest()])
    assert list(known) == ["seam", "band", "part_change", "body_change", "darkest", "spread", "objective", "steps"]
    again = read_quantities({name: each.plain() for name, each in known.items()})
    assert again == known
    assert again["darkest"] == Quantity("darkest pixel", "", "grey levels of 255", "higher")
    assert again["darkest"].heading == "darkest pixel, grey levels of 255"
    assert read_quantities(None) == quantities(), "results of an earlier version say nothing"
    for damaged in (3, ["seam"], {"seam": 3}, {"seam": {"colour": "red"}}):
        with pytest.raises(TypeError):
            read_quantities(damaged)
