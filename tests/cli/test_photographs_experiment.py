"""The report on photographs, from two small renders made by hand."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from insetgan.data.archive import PEOPLE, Archive

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def report(monkeypatch):
    spec = importlib.util.spec_from_file_location("photographs", ROOT / "experiments" / "photographs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_boxes_move_with_the_person_and_hidden_parts_stay_hidden(report, tmp_path):
    archive = Archive(PEOPLE)
    image = np.repeat(np.repeat(archive.image(1), 2, 0), 2, 1)
    labels = np.zeros((512, 256), np.uint8)
    labels[100:110, 50:60] = 1
    boxes = {"face": [50, 100, 60, 110], "hand_left": None, "hand_right": None, "feet": [40, 480, 90, 500]}
    np.savez_compressed(tmp_path / "a.npz", image=image, labels=labels, boxes=np.array(json.dumps(boxes)))
    photo, moved, mask = report.photograph(tmp_path / "a.npz", 3)
    x0, y0, x1, y1 = moved["face"]
    assert mask.sum() == 100 and mask[y0:y1, x0:x1].all() and moved["hand_left"] is None
    inside = photo[:, y0 + 2 : y1 - 2, x0 + 2 : x1 - 2].permute(1, 2, 0).numpy().astype(int)
    assert np.abs(inside - image[102:108, 52:58]).mean() < 20, "the person is in the photograph, as a JPEG gives it"


def test_missed_parts_count_as_nothing_and_hidden_ones_are_counted_apart(report):
    from insetgan.detection.part_box import PartBox
    from insetgan.detection.people import Person

    boxes = {"face": [0, 0, 10, 10], "hand_left": None, "hand_right": None, "feet": [0, 80, 10, 90]}
    person = Person({"face": PartBox((0, 0, 10, 20), 0.9), "hand_left": PartBox((5, 5, 6, 6), 0.6)})
    row = report.compare([person], boxes, np.ones((90, 10), bool)) | {"seconds": 1.0}
    assert row["iou"] == {"face": 0.5, "feet": 0.0} and row["hidden"] == {"hand_left": True, "hand_right": False}
    rows = [{**row, "iou": {**row["iou"], "hand_left": 1.0, "hand_right": 1.0}}]
    found = report.summary(rows, [0, 1])
    assert found["parts"]["face"]["median"] == 0.5 and found["parts"]["feet"]["missed"] == 1
    assert found["parts"]["hand_left"]["reported though hidden"] == 1
    assert found["people in empty scenes"] == [0, 1] and found["one person"] == 1
