"""Squares of an image: what is seen in them, and where it lies in the image."""

import math

import numpy as np
import pytest
import torch

from insetgan.detection.square import Square, letterboxed


def test_images_lie_in_the_middle_with_black_beside_them():
    tall = torch.full((2, 3, 400, 200), 255, dtype=torch.uint8)
    boxed = letterboxed(tall, 192)
    assert boxed.shape == (2, 3, 192, 192)
    torch.testing.assert_close(boxed[..., 48:144], torch.ones(2, 3, 192, 96))
    assert bool((boxed[..., :48] == -1).all())
    assert bool((boxed[..., 144:] == -1).all())
    wide = letterboxed(torch.zeros(1, 3, 64, 128, dtype=torch.uint8) + 255, 192)
    assert bool((wide[:, :, 48:144] > 0.99).all())
    assert bool((wide[:, :, :48] == -1).all())


def test_the_view_is_turned_and_black_outside_the_image():
    image = torch.zeros(3, 64, 64, dtype=torch.uint8)
    image[:, :, 32:] = 255  # the right half is white
    upright = Square(32.0, 32.0, 64.0).view(image, 256)
    assert upright[:, :, :120].max() == 0 and upright[:, 8:-8, 136:-8].min() > 0.99
    turned = Square(32.0, 32.0, 32.0, math.pi / 2).view(image, 256)
    assert turned[:, :120].min() > 0.99 and turned[:, 136:].max() == 0, "what was on the right is above"
    outside = Square(64.0, 32.0, 64.0).view(image, 256)
    assert outside[:, 8:-8, 8:120].min() > 0.99 and outside[:, :, 136:].max() == 0
    assert Square(500.0, 500.0, 10.0).view(image, 16).max() == 0


def test_a_large_square_is_seen_without_aliasing():
    stripes = torch.zeros(3, 512, 512, dtype=torch.uint8)
    stripes[:, :, ::2] = 255  # finer than the view can show
    seen = Square(256.0, 255.0, 400.0).view(stripes, 64)
    assert (seen - 0.5).abs().max() < 0.05


@pytest.mark.parametrize("square", [Square(10, 20, 8), Square(10, 20, 8, 0.7), Square(-3, 5, 30, -2.0)])
def test_points_come_back(square):
    points = np.array([[0.0, 0.0], [0.25, 1.0], [2.0, -1.0]])
    np.testing.assert_allclose(square.to_square(square.to_image(points)), points, atol=1e-12)


def test_points_by_hand():
    np.testing.assert_allclose(Square(10, 20, 8).to_image([[0.5, 0.5], [1, 0]]), [[10, 20], [14, 16]])
    np.testing.assert_allclose(Square(10, 20, 8, math.pi / 2).to_image([[0.5, 0.0]]), [[14, 20]], atol=1e-12)


@pytest.mark.parametrize("turn", [0.0, 0.6])
def test_what_was_found_in_the_view_is_laid_where_it_was_seen(turn):
    image = torch.zeros(3, 60, 40, dtype=torch.uint8)
    image[:, 20:34, 12:20] = 255
    square = Square(18.0, 28.0, 32.0, turn)
    back = square.unview(square.view(image, 256)[0], 60, 40)
    assert back.shape == (60, 40)
    assert back[22:32, 14:18].min() > 0.9 and back[:17].max() == 0 and back[:, 24:].max() < 0.1
