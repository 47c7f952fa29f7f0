"""Bodies: where they are looked at, and where their points and masks lie."""

import numpy as np
import pytest
import torch

from insetgan.detection.poses import PoseFinder
from insetgan.detection.single_shot import body_finder


def sees(index, logit, hips, above, presence=1.0):
    """A detector that finds hips and the point above at offsets in its pixels, and landmarks in the corners of a view."""

    def detect(view):
        assert (view.shape, view.dtype) == ((1, 224, 224, 3), np.float32)
        regressions, logits = np.zeros((1, 2254, 12), np.float32), np.full((1, 2254, 1), -20, np.float32)
        regressions[0, index, 4:8], logits[0, index, 0] = (*hips, *above), logit
        return regressions, logits

    def look(view):
        assert (view.shape, view.dtype) == ((1, 256, 256, 3), np.float32)
        points, mask = np.zeros((39, 5), np.float32), np.full((1, 256, 256, 1), -50, np.float32)
        points[0, :2], points[1, :2] = (128, 128), (128, 0)
        points[0, 3:] = (np.log(3.0), 50)  # visible with 3/4, present for sure
        mask[:, :128] = 50  # the upper half
        return points.reshape(1, 195), np.full((1, 1), presence, np.float32), mask

    return PoseFinder(body_finder(detect), look)


def test_points_and_mask_lie_where_the_turned_square_was():
    # The last anchor is at (208, 208) of 224. In an image of 448 rows and 224 columns a pixel there is 2, and the
    # square begins 112 columns before the image.
    image = torch.zeros(3, 448, 224, dtype=torch.uint8)
    (upright,) = sees(2253, 3.0, (-96, -96), (-96, -126)).find(image)
    np.testing.assert_allclose(upright.points[:2], [[112, 224], [112, 224 - 1.25 * 60]])
    assert upright.visible[:2] == pytest.approx([0.75, 0.25])  # the second has logits 0 and 0
    assert upright.mask.shape == (448, 224)
    assert upright.mask[160:220, 50:170].min() > 0.99 and upright.mask[230:].max() < 0.01
    # Lying to the right: what is above in the turned square is to the right in the image.
    (lying,) = sees(2253, 3.0, (-96, -96), (-66, -96)).find(image)
    np.testing.assert_allclose(lying.points[1], [112 + 1.25 * 60, 224], atol=1e-6)
    assert lying.mask[200:250, 120:170].min() > 0.99 and lying.mask[:, :105].max() < 0.01


@pytest.mark.parametrize(("logit", "presence", "count"), [(1.0, 0.9, 1), (-1.0, 0.9, 0), (1.0, 0.4, 0)])
def test_a_body_counts_where_both_networks_see_it(logit, presence, count):
    finder = sees(0, logit, (0, 0), (0, -10), presence)
    assert len(finder.find(torch.zeros(3, 32, 16, dtype=torch.uint8))) == count


def test_a_body_of_no_size_ends_in_numbers():
    pose = sees(0, 1.0, (0, 0), (0, 0), 0.0).best(torch.zeros(3, 32, 16, dtype=torch.uint8))
    assert np.isfinite(pose.points).all() and bool(pose.mask.isfinite().all())
