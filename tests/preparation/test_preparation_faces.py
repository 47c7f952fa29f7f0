"""FFHQ's alignment of faces, against the formula by hand and on a photograph."""

import math

import numpy as np
import pytest

from insetgan.preparation.faces import face_frame
from insetgan.preparation.verdict import Rejected


def test_an_upright_face_by_hand():
    # Eyes 20 apart, mouth 24 below: half side max(2 * 20, 1.8 * 24) = 43.2, centre 2.4 below the eyes, not turned.
    points = np.array([[40.0, 50], [60, 50], [50, 60], [50, 74], [0, 0], [0, 0]])
    frame = face_frame(points, 128)
    assert (frame.x, frame.y, frame.high, frame.turn) == pytest.approx((50, 52.4, 86.4, 0))
    wide = points.copy()
    wide[:2, 0] = (35, 65)
    assert face_frame(wide, 128).high == pytest.approx(2 * 60)


@pytest.mark.parametrize("turn", [0.4, -1.2, 3.0])
def test_a_turned_face_becomes_upright(turn):
    points = np.array([[40.0, 50], [60, 50], [50, 60], [50, 74], [30, 50], [70, 50]])
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    frame, turned = face_frame(points, 100), face_frame(points @ rotation.T, 100)
    np.testing.assert_allclose(turned.to_image(points @ rotation.T), frame.to_image(points), atol=1e-9)


def test_a_face_without_extent_is_rejected():
    with pytest.raises(Rejected, match="on top of each other"):
        face_frame(np.zeros((6, 2)), 64)
