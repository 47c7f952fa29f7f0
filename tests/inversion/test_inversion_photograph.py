import numpy as np
import torch
from PIL import Image

from insetgan.inversion.alignment import Alignment
from insetgan.inversion.given import find_images
from insetgan.inversion.photograph import Photographs, fading
from insetgan.inversion.sample_images import AlignedImage


def photographs(tmp_path, blend="paste"):
    pixels = np.random.RandomState(0).randint(0, 256, (40, 32, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "p.png")
    (given,) = find_images(str(tmp_path / "p.png"))
    alignment = Alignment((4, 4, 28, 36), (16, 12))
    aligned = AlignedImage(given, alignment.take(given.read()), alignment)
    return Photographs([aligned], {5: 0}, blend), pixels


def test_a_canvas_that_stood_still_leaves_the_photograph_to_the_bit(tmp_path):
    photos, pixels = photographs(tmp_path)
    still = torch.rand(3, 16, 12)
    assert (photos.compose(5, {}, {}, before=still, after=still) == pixels).all()


def test_insets_lie_where_their_boxes_are_in_the_photograph(tmp_path):
    photos, pixels = photographs(tmp_path)
    still = torch.zeros(3, 16, 12)
    found = photos.compose(5, {"face": torch.ones(3, 8, 8)}, {"face": (2, 3, 6, 7)}, before=still, after=still)
    inside = np.zeros((40, 32), bool)
    inside[10:18, 8:16] = True  # twice the box, and 4 more
    assert (found[inside] == 255).all() and (found[~inside] == pixels[~inside]).all()


def test_a_change_of_the_canvas_is_added_in_the_window_alone(tmp_path):
    photos, pixels = photographs(tmp_path)
    before = torch.zeros(3, 16, 12)
    found = photos.compose(5, {}, {}, before=before, after=before + 51 / 127.5)
    inside = np.zeros((40, 32), bool)
    inside[4:36, 4:28] = True
    assert (found[inside] == np.minimum(pixels[inside].astype(int) + 51, 255)).all()
    assert (found[~inside] == pixels[~inside]).all()


def test_a_feathered_inset_fades_towards_its_border(tmp_path):
    weight = fading((16, 16))[0]
    assert weight[8, 0] == 0.25 and weight[8, 1] == 0.75 and (weight[2:14, 2:14] == 1).all()
    assert torch.equal(weight, weight.T) and torch.equal(weight, weight.flip(0))
    photos, pixels = photographs(tmp_path, "feather")
    still = torch.zeros(3, 16, 12)
    found = photos.compose(5, {"face": torch.ones(3, 16, 16)}, {"face": (0, 0, 8, 8)}, before=still, after=still)
    assert (found[10:14, 10:14] == 255).all()
    assert np.abs(found[4, 4:20].astype(int) - pixels[4, 4:20]).mean() < 64
