"""The judge of poses: its anchors, where it looks, what counts as a body, and missing files."""

import math

import numpy as np
import pytest
import torch

from insetgan.metrics.pose_judge import ANCHORS, PoseJudge, anchors, turned_crop
from insetgan.runtime.errors import UserError


def sees(index, logit, hips, above, presence, shown=None):
    """A detector that finds hips and the point above at offsets in its pixels, and landmarks in the corners of an image."""

    def detect(image):
        assert (image.shape, image.dtype) == ((1, 224, 224, 3), np.float32)
        regressions, logits = np.zeros((1, ANCHORS, 12), np.float32), np.full((1, ANCHORS, 1), -20, np.float32)
        regressions[0, index, 4:8], logits[0, index, 0] = (*hips, *above), logit
        return regressions, logits

    def look(image):
        assert (image.shape, image.dtype) == ((1, 256, 256, 3), np.float32)
        if shown is not None:
            shown.append(image[0])
        points = np.zeros((39, 5), np.float32)
        points[0, :2], points[1, :2] = (128, 128), (128, 0)
        return points.reshape(1, 195), np.full((1, 1), presence, np.float32)

    return PoseJudge(runners=(detect, look))


def test_there_are_as_many_anchors_as_the_model_has_in_the_middle_of_cells():
    found = anchors()
    assert found.shape == (2254, 2)
    np.testing.assert_allclose(found[[0, 1, 2]], [[4 / 224, 4 / 224], [4 / 224, 4 / 224], [12 / 224, 4 / 224]])
    np.testing.assert_allclose(found[2 * 28], [4 / 224, 12 / 224])
    np.testing.assert_allclose(found[-6:], [[208 / 224, 208 / 224]] * 6)


def test_points_lie_where_the_turned_square_was():
    # The last anchor is at (208, 208) of 224. In an image of 448 rows and 224 columns a pixel there is 2, and the
    # square begins 112 columns before the image.
    judge = sees(ANCHORS - 1, 3.0, (-96, -96), (-96, -126), 1.0)
    image = torch.zeros(1, 3, 448, 224, dtype=torch.uint8)
    upright = judge.look(image).points[0]
    torch.testing.assert_close(upright[0], torch.tensor([112.0, 224]))  # (112, 112) of the square
    torch.testing.assert_close(upright[1], torch.tensor([112.0, 224 - 1.25 * 60]))
    # Lying to the right: what is above in the turned square is to the right in the image.
    lying = sees(ANCHORS - 1, 3.0, (-96, -96), (-66, -96), 1.0).look(image).points[0]
    torch.testing.assert_close(lying[1], torch.tensor([112 + 1.25 * 60, 224.0]), atol=1e-3, rtol=0)


def test_the_square_that_is_looked_at_is_turned_and_black_outside_the_image():
    image = torch.zeros(3, 64, 64, dtype=torch.uint8)
    image[:, :, 32:] = 255  # the right half is white
    upright = turned_crop(image, torch.tensor([32.0, 32.0]), 64.0, 0.0)
    assert upright[:, :, :120].max() == 0 and upright[:, 8:-8, 136:-8].min() > 0.99
    turned = turned_crop(image, torch.tensor([32.0, 32.0]), 32.0, math.pi / 2)
    assert turned[:, :120].min() > 0.99 and turned[:, 136:].max() == 0, "what was on the right is above"
    outside = turned_crop(image, torch.tensor([64.0, 32.0]), 64.0, 0.0)
    assert outside[:, 8:-8, 8:120].min() > 0.99 and outside[:, :, 136:].max() == 0


@pytest.mark.parametrize(("logit", "presence", "seen"), [(1.0, 0.9, True), (-1.0, 0.9, False), (1.0, 0.4, False)])
def test_a_body_counts_where_both_models_see_it(logit, presence, seen):
    judge = sees(0, logit, (0, 0), (0, -10), presence)
    assert judge.seen(torch.zeros(2, 3, 32, 16, dtype=torch.uint8)).tolist() == [seen, seen]


def test_a_body_of_no_size_ends_in_numbers():
    poses = sees(0, 1.0, (0, 0), (0, 0), 0.0).look(torch.zeros(1, 3, 32, 16, dtype=torch.uint8))
    assert bool(poses.points.isfinite().all())


def test_without_the_models_one_line_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(UserError, match=r"^judges.pose.path=None: no file .*npm pack .*@mediapipe/pose@0.5") as caught:
        PoseJudge()
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"holds no readable pose_solution_packed_assets\.data"):
        PoseJudge(tmp_path)
