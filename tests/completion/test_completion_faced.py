"""Images with the box of a part, and masks in files of their own."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from insetgan.completion.faced import FacedImages
from insetgan.completion.mask_files import read_known
from insetgan.data.datasets import ImageDataset
from insetgan.runtime.errors import UserError


@pytest.fixture
def archive(tmp_path):
    """Six images 32 x 16; all but the third have a face."""
    folder, entries = tmp_path / "archive", {}
    folder.mkdir()
    for index in range(6):
        Image.fromarray(np.full((32, 16, 3), 40 * index, np.uint8)).save(folder / f"{index}.png")
        entries[f"{index}.png"] = {"boxes": {"face": None if index == 2 else [4, 2, 12, 10 + index]}, "masks": {}}
    (folder / "parts.json").write_text(json.dumps({"size": [32, 16], "parts": ["face"], "images": entries}))
    return folder


def test_the_last_images_are_held_out(archive):
    training = FacedImages(archive, 32, 16, held_out=2)
    held_out = FacedImages(archive, 32, 16, held_out=2, take="held_out")
    assert (training.indices, held_out.indices) == ([0, 1, 2, 3], [4, 5])
    assert held_out.names == ["4.png", "5.png"]
    assert held_out[1][0].unique().tolist() == [200]
    assert FacedImages(archive, 32, 16).indices == list(range(6))


def test_boxes_follow_the_size_of_the_items(archive):
    assert FacedImages(archive, 32, 16)[1][1].tolist() == [4, 2, 12, 11]
    image, box = FacedImages(archive, 16, 8)[1]
    assert image.shape == (3, 16, 8)
    assert box.tolist() == [2, 1, 6, 5.5]
    assert FacedImages(archive, 16, 8)[2][1].tolist() == [0, 0, 0, 0]


def test_a_part_of_an_archive_by_its_ends(archive):
    assert ImageDataset(archive, 32, 16, first=-2).indices == [4, 5]
    assert ImageDataset(archive, 32, 16, first=1, last=-3).indices == [1, 2]
    with pytest.raises(UserError, match="holds 6 images, but more than 7 are needed"):
        ImageDataset(archive, 32, 16, first=7)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"part": "nose"}, "part=nose: must be one of face"),
        ({"use_labels": True}, "data.labels=true: must be false"),
        ({"take": "some"}, "take=some"),
        ({"held_out": -1}, "held_out=-1"),
        ({"held_out": 6}, "more than 6 are needed"),
    ],
)
def test_what_does_not_fit_is_refused(archive, options, said):
    with pytest.raises(UserError, match=said):
        FacedImages(archive, 32, 16, **options)


def test_masks_are_found_by_name_thresholded_and_resized(tmp_path):
    mask = np.zeros((8, 8), np.uint8)
    mask[:, 4:] = 200
    (tmp_path / "there").mkdir()
    Image.fromarray(mask).save(tmp_path / "there" / "a.png")
    known = read_known(tmp_path, ["here/a.webp"], 4, 4)
    assert torch.equal(known, torch.tensor([0.0, 0, 1, 1]).expand(1, 1, 4, 4))
    with pytest.raises(UserError, match=r"no mask for b\.png"):
        read_known(tmp_path, ["b.png"], 4, 4)
    Image.fromarray(np.full((8, 8), 255, np.uint8)).save(tmp_path / "c.png")
    with pytest.raises(UserError, match=r"c\.png is white, so nothing is to be filled"):
        read_known(tmp_path, ["c.png"], 4, 4)
