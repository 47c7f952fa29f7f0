"""Bodies: 33 points and a mask of each person, by MediaPipe's BlazePose (Bazarevsky et al. 2020)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from insetgan.detection.litert import LANDMARKS, sigmoid
from insetgan.detection.single_shot import Found, Numbers, SingleShot, body_finder
from insetgan.detection.square import Square

POINTS, _ALL_POINTS = 33, 39  # of a body, and with those that the model needs for itself
MARGIN = 1.25  # MediaPipe's: how much larger than the circle round the body the square for the landmarks is
_LOOKED = LANDMARKS.given[1]

Looks = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""float32 [1, 256, 256, 3] in [0, 1] -> points [1, 195], presence [1, 1] in 0..1, logits of the mask [1, 256, 256, 1]."""

(NOSE, EYE_LEFT, EYE_RIGHT, EAR_LEFT, EAR_RIGHT, MOUTH_LEFT, MOUTH_RIGHT) = (0, 2, 5, 7, 8, 9, 10)
SHOULDERS, ELBOWS, WRISTS, LITTLE_FINGERS, INDEX_FINGERS = (11, 12), (13, 14), (15, 16), (17, 18), (19, 20)
HIPS, KNEES, ANKLES, HEELS, TOES = (23, 24), (25, 26), (27, 28), (29, 30), (31, 32)
"""Numbers of points: the person's own left, then right."""


@dataclass(frozen=True)
class Pose:
    """A body.

    Attributes:
        score: 0..1, by the detector.
        presence: 0..1, of a body by the network of the landmarks, which looks where the detector points.
        points: float64 [33, 2], (x, y) in pixels of the image, also of parts that are hidden or outside.
        visible: float64 [33], 0..1, that a point is in the image and not hidden; what clothes cover counts as visible.
        mask: float32 [h, w], how much of each pixel of the image belongs to the person, 0..1.
    """

    score: float
    presence: float
    points: Numbers
    visible: Numbers
    mask: Tensor


class PoseFinder:
    """Finds people, and in the square round each its points and its mask.

    Args:
        bodies: finds where to look; MediaPipe's detector unless given.
        looks: computes the landmarks in the model's place; for tests.
    """

    def __init__(self, bodies: SingleShot | None = None, looks: Looks | None = None) -> None:
        self.bodies = bodies or body_finder()
        self._looks = looks or _look

    def find(self, image: Tensor, *, threshold: float = 0.5, most: int = 4) -> list[Pose]:
        """The people in an image uint8 [3, h, w] whose score and presence reach the threshold, the likeliest first."""
        poses = [self.pose(image, found) for found in self.bodies.find(image, threshold=threshold, most=most)]
        return [pose for pose in poses if pose.presence >= threshold]

    def best(self, image: Tensor) -> Pose:
        """The likeliest body in an image uint8 [3, h, w], however unlikely."""
        return self.pose(image, self.bodies.best(image))

    def pose(self, image: Tensor, found: Found) -> Pose:
        """Look closely at the body that the detector found in an image uint8 [3, h, w]."""
        square = body_square(found)
        view = square.view(image, _LOOKED).permute(1, 2, 0)[None].contiguous().numpy()
        numbers, presence, mask = self._looks(view)
        rows = numbers[0].reshape(_ALL_POINTS, 5)[:POINTS].astype(np.float64)
        logits = torch.from_numpy(np.ascontiguousarray(mask[0, :, :, 0], np.float32))
        return Pose(
            found.score,
            float(presence[0, 0]),
            square.to_image(rows[:, :2] / _LOOKED),
            sigmoid(rows[:, 3]) * sigmoid(rows[:, 4]),
            square.unview(logits.sigmoid(), image.shape[1], image.shape[2]),
        )


def body_square(found: Found) -> Square:
    """The square in which the landmarks are looked for, turned so that the body stands upright.

    The detector's first point is the middle of the hips, its second lies straight above on the circle round the body.
    """
    (x, y), (above_x, above_y) = found.points[:2].tolist()
    across, up = above_x - x, above_y - y
    return Square(x, y, max(2 * MARGIN * math.hypot(across, up), 1.0), math.atan2(across, -up))


def _look(view: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = LANDMARKS.load()(view)
    points, presence, mask = LANDMARKS.found[:3]
    return found[points], found[presence], found[mask]
