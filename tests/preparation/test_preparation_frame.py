"""Frames: where points and boxes go, what is seen beyond the photograph, and what is filled."""

import math

import numpy as np
import pytest
import torch

from insetgan.detection.part_box import PartBox
from insetgan.preparation.frame import Frame, blurred, fill


def test_points_by_hand():
    frame = Frame(10, 20, 8, (16, 8))  # twice as large; the centre is at (4, 8)
    np.testing.assert_allclose(frame.to_image(np.array([[10, 20], [12, 17]])), [[4, 8], [8, 2]])
    turned = Frame(10, 20, 8, (16, 8), math.pi / 2)  # what is to the right in the photograph lies above
    np.testing.assert_allclose(turned.to_image(np.array([[12, 20]])), [[4, 4]], atol=1e-12)


@pytest.mark.parametrize("frame", [Frame(10, 20, 8, (16, 8)), Frame(-3, 5, 30, (8, 8), -2.0)])
def test_points_come_back(frame):
    points = np.array([[0.0, 0.0], [3.5, -7], [100, 40]])
    np.testing.assert_allclose(frame.to_photo(frame.to_image(points)), points, atol=1e-9)


def test_pixels_go_where_points_go():
    photo = torch.zeros(1, 40, 30)
    photo[0, 12:16, 20:24] = 1  # centre (22, 14)
    for turn in (0.0, 0.5, math.pi / 2):
        frame = Frame(15, 20, 40, (80, 60), turn)
        seen = frame.sample(photo)[0]
        rows, columns = (seen > 0.5).nonzero().float().mean(0) + 0.5
        expected = frame.to_image(np.array([[22.0, 14.0]]))[0]
        assert (columns.item(), rows.item()) == pytest.approx(tuple(expected), abs=0.6)
        assert (seen > 0.5).sum() == pytest.approx(16 * 4, abs=8)


def test_beyond_the_photograph_it_goes_on_as_in_a_mirror_or_ends():
    photo = torch.arange(8.0).repeat(8, 1)[None]
    frame = Frame(0, 4, 8, (8, 8))  # the left half lies outside
    assert frame.sample(photo)[0, 4].tolist() == pytest.approx([3, 2, 1, 0, 0, 1, 2, 3], abs=1e-4)
    assert frame.sample(photo, padding="zeros")[0, 4].tolist() == pytest.approx([0, 0, 0, 0, 0, 1, 2, 3], abs=1e-4)
    assert frame.outside(8, 8) == 0.5
    assert Frame(4, 4, 8, (8, 8)).outside(8, 8) == 0


def test_shrinking_is_antialiased():
    stripes = torch.zeros(1, 64, 64)
    stripes[:, :, ::2] = 1
    assert (Frame(32, 32, 64, (16, 16)).sample(stripes) - 0.5).abs().max() < 0.05


def test_boxes_go_with_the_points_and_end_at_the_image():
    frame = Frame(10, 20, 8, (16, 8))
    assert frame.box(PartBox((10, 20, 11, 22), 0.5)) == PartBox((4, 8, 6, 12), 0.5)
    assert frame.box(PartBox((10, 20, 12.5, 22), 0.5)) == PartBox((4, 8, 8, 12), 0.5)
    assert frame.box(PartBox((11.5, 20, 14, 22), 0.5)) is None


def test_what_is_unknown_is_filled_from_round_it():
    pixels = torch.zeros(2, 16, 16)
    pixels[0], pixels[1, :, 8:] = 5.0, 1.0
    weight = torch.ones(16, 16)
    weight[4:12, 4:12] = 0
    spoiled = pixels.clone()
    spoiled[:, 4:12, 4:12] = 99
    filled = fill(spoiled, weight)
    known = weight.bool()
    torch.testing.assert_close(filled[:, known], pixels[:, known])
    torch.testing.assert_close(filled[0], pixels[0], atol=1e-4, rtol=0)
    assert 0 <= filled[1].min() and filled[1].max() <= 1.001
    assert filled[1, 8, 4] < filled[1, 8, 11]
    assert fill(pixels, torch.ones(16, 16)).equal(pixels)
    assert bool(fill(spoiled, torch.zeros(16, 16)).isfinite().all())


def test_a_blur_keeps_the_mean_of_a_flat_image_and_spreads_a_point():
    torch.testing.assert_close(blurred(torch.full((3, 9, 9), 7.0), 2.0), torch.full((3, 9, 9), 7.0))
    point = torch.zeros(1, 33, 33)
    point[0, 16, 16] = 1
    spread = blurred(point, 2.0)[0]
    # Of a Gaussian: 1 / (2 pi sigma^2) in the middle.
    assert spread[16, 16].item() == pytest.approx(1 / (2 * math.pi * 4), rel=0.02)
    assert spread.sum().item() == pytest.approx(1, abs=1e-4)
    assert blurred(point, 0.0) is point
