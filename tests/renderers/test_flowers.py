"""Painted flowers: what the painter promises, and that their archive is one like any other."""

import numpy as np
import pytest
import torch

from insetgan.data.archive import Archive
from insetgan.data.crops import part_dataset
from insetgan.data.datasets import ImageDataset
from insetgan.ops.boxes import square_boxes
from insetgan.runtime.errors import UserError
from insetgan_renderers.flowers.dataset import PART, write_flowers
from insetgan_renderers.flowers.flower import paint_flower


@pytest.fixture(scope="module")
def flowers():
    return [paint_flower(seed, 64, 64) for seed in range(24)]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("flowers") / "flowers.zip"
    assert write_flowers(path, num_images=3, height=64, width=64, seed=5, image_format="png", workers=1)
    return path


def test_a_seed_is_one_image():
    first, again, other = paint_flower(3, 32, 32), paint_flower(3, 32, 32), paint_flower(4, 32, 32)
    assert first.image.dtype == np.uint8
    assert first.image.shape == (32, 32, 3)
    assert np.array_equal(first.image, again.image)
    assert first.box == again.box
    assert np.abs(first.image.astype(int) - other.image).mean() > 5


@pytest.mark.parametrize("seed", range(3))
def test_a_larger_image_shows_the_same_flower(seed):
    small, large = paint_flower(seed, 64, 64), paint_flower(seed, 128, 128)
    halved = large.image.reshape(64, 2, 64, 2, 3).mean((1, 3))
    assert np.abs(halved - small.image).mean() < 3
    assert np.abs(np.array(large.box) / 2 - small.box).max() <= 1


def test_one_box_suits_all(flowers):
    boxes = np.array([flower.box for flower in flowers])
    sides = boxes[:, 2:] - boxes[:, :2]
    middles = (boxes[:, 2:] + boxes[:, :2]) / 2
    assert np.array_equal(sides[:, 0], sides[:, 1])
    assert 24 <= sides.min() <= sides.max() <= 26
    assert np.abs(middles - (32, 0.42 * 64)).max() <= 2


def test_the_head_fills_its_box_and_stays_inside(flowers):
    for image, (x0, y0, x1, y1), mask in flowers:
        inside = mask[y0:y1, x0:x1]
        assert inside.mean() > 0.4
        assert mask.sum() - inside.sum() <= 2, "broad petals may reach a pixel further"
        assert inside.any(axis=1).sum() >= y1 - y0 - 4
        assert inside.any(axis=0).sum() >= x1 - x0 - 4
        corners = ~mask[y0:y1, x0:x1]
        corners[4:-4] = corners[:, 4:-4] = False
        crop = image[y0:y1, x0:x1].astype(float)
        around = crop[corners].mean(axis=0)
        assert np.abs(np.median(crop[inside], axis=0) - around).max() > 12, "petals stand out from what is behind them"


def test_images_may_be_oblong_as_long_as_the_flower_has_room():
    image, (x0, _, x1, _), _ = paint_flower(0, 64, 32)
    assert image.shape == (64, 32, 3)
    assert 0 <= x0 < x1 <= 32
    with pytest.raises(UserError, match=r"data.width=31: must be at least half of data.height=64"):
        paint_flower(0, 64, 31)


def test_the_archive_holds_the_flowers_with_their_blossoms(archive):
    read = Archive(archive)
    assert (len(read), read.size, read.parts) == (3, (64, 64), (PART,))
    assert read.recipe is not None
    assert read.recipe["source"] == "flowers"
    for index in range(3):
        flower = paint_flower(5 + index, 64, 64)
        x0, y0, x1, y1 = flower.box
        assert np.array_equal(read.image(index), flower.image)
        assert read.boxes(index) == {PART: flower.box}
        assert np.array_equal(read.mask(index, PART)[y0:y1, x0:x1], flower.mask[y0:y1, x0:x1])


def test_canvas_and_blossom_are_read_as_bodies_and_faces_are(archive):
    canvas, blossom = ImageDataset(archive, 32, 32), part_dataset(archive, PART, 64, 64, margin=0.15)
    assert canvas[0].shape == (3, 32, 32)
    assert blossom[0].shape == (3, 64, 64)
    boxes = torch.tensor([paint_flower(5 + index, 64, 64).box for index in range(3)])
    assert torch.equal(blossom.boxes, square_boxes(boxes, 0.15, 64, 64))
    with pytest.raises(UserError, match="no image has a box of face"):
        part_dataset(archive, "face", 64, 64)
    with pytest.raises(UserError, match=r"part=nose: must be one of face, .*, blossom"):
        part_dataset(archive, "nose", 64, 64)


def test_the_archive_goes_on_and_does_not_depend_on_the_workers(archive, tmp_path):
    settings = {"num_images": 3, "height": 64, "width": 64, "seed": 5, "image_format": "png"}
    again = tmp_path / "again.zip"

    def stop(done, total):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_flowers(again, **settings, workers=1, on_progress=stop)
    assert not again.exists()
    shown = []
    assert write_flowers(again, **settings, workers=2, on_progress=lambda done, total: shown.append((done, total)))
    assert shown == [(1, 3), (2, 3), (3, 3)]
    assert again.read_bytes() == archive.read_bytes()
    assert not write_flowers(again, **settings)
    with pytest.raises(UserError, match=r"data\.workers=0"):
        write_flowers(tmp_path / "b.zip", **settings, workers=0)
