"""Boxes of a labelling tool, by the names of the photographs."""

import json

import pytest
import torch

from insetgan.detection.coco_people import CocoPeople
from insetgan.runtime.errors import UserError


@pytest.fixture
def labelled(tmp_path):
    """Write a file of three images of two sizes: labelled(**changes) -> its path."""

    def write(**changes):
        square = [2, 2, 8, 2, 8, 8, 2, 8]
        table = {
            "images": [
                {"id": 1, "file_name": "a/one.jpg", "height": 20, "width": 10},
                {"id": 2, "file_name": "two.jpg", "height": 12, "width": 12},
                {"id": 3, "file_name": "three.jpg", "height": 12, "width": 12},
            ],
            "categories": [{"id": 7, "name": "face"}, {"id": 8, "name": "person"}],
            "annotations": [
                {"image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4]},
                {"image_id": 1, "category_id": 7, "bbox": [1, 2, 2, 2]},
                {"image_id": 2, "category_id": 8, "bbox": [2, 2, 6, 6], "segmentation": [square]},
                {"image_id": 2, "category_id": 7, "bbox": [0, 0, 9, 9], "iscrowd": 1},
            ],
        } | changes
        path = tmp_path / "labels.json"
        path.write_text(json.dumps(table))
        return path

    return write


def test_the_largest_box_of_each_category_counts_and_crowds_do_not(labelled):
    finder = CocoPeople(labelled())
    (person,) = finder.find(torch.zeros(3, 20, 10, dtype=torch.uint8), "a/one.jpg")
    assert {name: box.box for name, box in person.boxes.items()} == {"face": (1, 2, 4, 6)}
    (person,) = finder.find(torch.zeros(3, 12, 12, dtype=torch.uint8), "folder/two.jpg")
    assert set(person.boxes) == {"person"} and person.mask.sum() == 36 and person.mask[2:8, 2:8].min() == 1
    for unlabelled in ("three.jpg", "four.jpg"):
        assert finder.find(torch.zeros(3, 12, 12, dtype=torch.uint8), unlabelled) == []


def test_another_size_is_refused(labelled):
    with pytest.raises(ValueError, match=r"labels.json gives it \(20, 10\) \(height, width\), but it has \(12, 10\)"):
        CocoPeople(labelled()).find(torch.zeros(3, 12, 10, dtype=torch.uint8), "a/one.jpg")


def test_files_that_are_none_are_one_line(labelled, tmp_path):
    with pytest.raises(UserError, match=r"finder\.path=null: must be a file"):
        CocoPeople(None)
    with pytest.raises(UserError, match=r"finder.path=.*none.json: No such file"):
        CocoPeople(tmp_path / "none.json")
    with pytest.raises(UserError, match=r"labels.json is not in COCO's format \(images: "):
        CocoPeople(labelled(images={}))
    twice = [{"id": number, "file_name": "one.jpg", "height": 2, "width": 2} for number in (1, 2)]
    with pytest.raises(UserError, match="has two images of one file_name"):
        CocoPeople(labelled(images=twice, annotations=[]))
