import json
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from insetgan.data.datasets import ImageDataset, PartCrops
from insetgan.errors import UserError
from insetgan.ops.boxes import square_boxes

HEIGHT, WIDTH = 64, 32
FACES = [[10, 4, 20, 16], [2, 0, 14, 10], None, [12, 8, 14, 10]]


@pytest.fixture
def archive(tmp_path):
    """Four pictures 64 x 32: random, but red in the face's box."""
    path, entries = tmp_path / "people.zip", {}
    with zipfile.ZipFile(path, "w") as file:
        for index, face in enumerate(FACES):
            pixels = np.random.default_rng(index).integers(0, 50, (HEIGHT, WIDTH, 3), dtype=np.uint8)
            if face:
                pixels[face[1] : face[3], face[0] : face[2]] = (255, 0, 0)
            name = f"00000/img{index:08d}.png"
            with file.open(name, "w") as target:
                Image.fromarray(pixels).save(target, format="png")
            boxes = {"face": face, "hand_left": None, "hand_right": None, "feet": None}
            entries[name] = {"boxes": boxes, "masks": {}}
        parts = ["face", "hand_left", "hand_right", "feet"]
        file.writestr("dataset.json", json.dumps({"labels": None}))
        file.writestr("parts.json", json.dumps({"size": [HEIGHT, WIDTH], "parts": parts, "images": entries}))
    return path


def test_whole_pictures_at_their_own_size_are_untouched(archive):
    dataset = ImageDataset(archive, HEIGHT, WIDTH)
    expected = np.random.default_rng(2).integers(0, 50, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    assert len(dataset) == 4
    assert dataset[2].dtype == torch.uint8
    assert torch.equal(dataset[2], torch.from_numpy(expected).permute(2, 0, 1))


def test_smaller_pictures_are_antialiased_and_made_once(archive, monkeypatch):
    dataset = ImageDataset(archive, 16, 8)
    small = dataset[2].float()
    expected = torch.from_numpy(np.random.default_rng(2).integers(0, 50, (HEIGHT, WIDTH, 3), dtype=np.uint8)).float()
    assert small.shape == (3, 16, 8)
    assert small.mean() == pytest.approx(float(expected.mean()), abs=1)
    assert small.std() < 0.4 * expected.std(), "neighbours are averaged"
    monkeypatch.setattr(dataset.archive, "image", None)
    assert torch.equal(dataset[2].float(), small)


def test_another_ratio_is_refused(archive):
    with pytest.raises(UserError, match=r"data.height=64 data.width=64.*64 x 32"):
        ImageDataset(archive, 64, 64)


def test_every_picture_keeps_its_ratio(tmp_path):
    for name, size in (("a", (32, 64)), ("b", (16, 32)), ("c", (32, 40))):
        Image.new("RGB", size).save(tmp_path / f"{name}.png")
    with pytest.raises(UserError, match=r"data.height=64 data.width=32: c\.png in .* is 40 x 32 .*distorted"):
        ImageDataset(tmp_path, 64, 32)
    (tmp_path / "c.png").unlink()
    assert [item.shape for item in map(ImageDataset(tmp_path, 64, 32).__getitem__, range(2))] == [(3, 64, 32)] * 2


def test_crops_follow_the_rule_of_placement(archive):
    crops = PartCrops(archive, "face", 16, 16, margin=0.0, smallest=4)
    assert len(crops) == 2, "pictures without a face, or with one too small, are left out"
    faces = torch.tensor([FACES[0], FACES[1]])
    assert torch.equal(crops.boxes, square_boxes(faces, 0.0, HEIGHT, WIDTH))
    x0, y0, x1, y1 = crops.boxes[0].tolist()
    assert (x1 - x0, y1 - y0) == (12, 12)
    red = (crops[0][0] > 200).float().mean(dim=(0, 1))
    assert float(red) == pytest.approx(10 / 12, abs=0.1), "the face, and a little beside it to make a square"


def test_margin_shows_more(archive):
    def share(margin):
        return float((PartCrops(archive, "face", 16, 16, margin=margin, smallest=4)[0][0] > 128).float().mean())

    assert share(0.0) > share(0.25) > share(0.5) > 0


@pytest.mark.parametrize(
    ("part", "height", "message"),
    [("nose", 16, "part=nose: must be one of"), ("feet", 16, "no picture has a box of feet"), ("face", 32, "square")],
)
def test_mistakes_are_one_line(archive, part, height, message):
    with pytest.raises(UserError, match=message):
        PartCrops(archive, part, height, 16)
