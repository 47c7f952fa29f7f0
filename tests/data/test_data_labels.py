import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insetgan.data.archive import Archive
from insetgan.data.labels import parse_labels
from insetgan.runtime.errors import UserError

NAMES = ["00000/a.png", "00000/b.png", "c.png"]


def _text(*labels, names=NAMES):
    return json.dumps({"labels": [[name, label] for name, label in zip(names, labels, strict=True)]})


def test_classes_become_one_hot_vectors():
    labels = parse_labels(_text(2, 0, 2), NAMES)
    assert labels.dtype == np.float32
    assert labels.tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 1]]
    assert parse_labels(_text(0, 0, 0), NAMES).tolist() == [[1], [1], [1]]


def test_vectors_stay_as_they_are():
    labels = parse_labels(_text([0.5, -1], [0, 2], [3, 1e-3]), NAMES)
    assert labels.dtype == np.float32
    assert np.array_equal(labels, np.array([[0.5, -1], [0, 2], [3, 1e-3]], np.float32))


@given(st.lists(st.integers(0, 40), min_size=1, max_size=30), st.randoms())
def test_labels_follow_the_names_whatever_the_order_of_the_entries(classes, random):
    names = [f"{index}.png" for index in range(len(classes))]
    entries = [[*pair] for pair in zip(names, classes, strict=True)] + [["elsewhere.png", 99]]
    random.shuffle(entries)
    labels = parse_labels(json.dumps({"labels": entries}), names)
    assert labels.shape == (len(classes), max(classes) + 1)
    assert labels.argmax(axis=1).tolist() == classes and (labels.sum(axis=1) == 1).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        ("[]", "must be"),
        ("{}", "must be"),
        ('{"labels": 3}', "labels will not do"),
        ('{"labels": []}', "labels will not do"),
        ('{"labels": {"c.png": 1}}', "labels will not do"),
        ('{"labels": ["c.png"]}', r'the entry "c\.png" will not do'),
        ('{"labels": [["c.png", 1, 2]]}', r'the entry \["c\.png", 1, 2\] will not do'),
        ('{"labels": [[1, 2]]}', "the entry"),
        (_text(0, 1, -1), "the entry"),
        (_text(0, 1, True), "the entry"),
        (_text(0, 1, 1.5), "the entry"),
        (_text(0, 1, "cat"), "the entry"),
        (_text(0, 1, None), "the entry"),
        (_text([0], [1], []), "the entry"),
        (_text([0], [1], [float("nan")]), "the entry"),
        (_text([0], [1], [10**400]), "the entry"),
        (_text([0], [1], [[1]]), "the entry"),
        (_text(0, [1.0], 1), "classes beside vectors will not do"),
        (_text([0], [1], [1, 2]), "vectors of several lengths will not do"),
        (_text(0, 1, names=NAMES[:2]), r"no label for c\.png;"),
        (_text(0, names=NAMES[2:]), r"no label for 00000/a\.png and 1 more;"),
        (_text(0, 1, 1, names=["00000\\a.png", *NAMES[1:]]), r"no label for 00000/a\.png;"),
        (_text(0, 1, 10**9), "class 1000000000 is too high"),
    ],
)
def test_another_form_is_refused_in_one_line(text, said):
    with pytest.raises(ValueError, match=said) as caught:
        parse_labels(text, NAMES)
    assert "\n" not in str(caught.value) and "dataset.json" in str(caught.value)


def test_an_archive_has_the_labels_of_its_images(zipped, encoded, tmp_path):
    images = {name: encoded() for name in NAMES}
    archive = Archive(zipped({**images, "dataset.json": json.loads(_text(1, 0, 3))}))
    assert archive.c_dim == 4
    assert archive.labels.argmax(axis=1).tolist() == [1, 0, 3]
    for name, without in (("null.zip", {"dataset.json": {"labels": None}}), ("none.zip", {})):
        archive = Archive(zipped({**images, **without}, name))
        assert archive.labels is None and archive.c_dim == 0


def test_only_who_asks_for_labels_hears_of_broken_ones(zipped, encoded):
    archive = Archive(zipped({"a.png": encoded(), "dataset.json": b"{"}))
    assert archive.image(0).shape == (16, 8, 3)
    with pytest.raises(UserError, match=rf"^archive {archive.path}: dataset\.json is not JSON"):
        _ = archive.labels
