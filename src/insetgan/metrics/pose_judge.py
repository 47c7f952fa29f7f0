"""A judge of bodies: MediaPipe's pose detector and its landmarks."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from insetgan.metrics.litert import Package, sigmoid
from insetgan.metrics.photo_judges import letterboxed

PACKAGE = Package("@mediapipe/pose", "0.5.1675469404")
DETECTOR, LANDMARKS = "pose_solution_packed_assets.data", "pose_landmark_full.tflite"
DETECTED, LOOKED = 224, 256  # sides of both models' images, in pixels
GRIDS = (
    (28, 2),
    (14, 2),
    (7, 6),
)  # of the detector: cells of a side, and anchors a cell (strides 8, 16 and three of 32)
ANCHORS = sum(side**2 * count for side, count in GRIDS)
POINTS, _ALL_POINTS = 33, 39  # of a body, and with those that the model needs for itself
MARGIN = 1.25  # MediaPipe's: how much larger than the circle round the body the image for the landmarks is
THRESHOLD = 0.5  # MediaPipe's default, of both models

Detects = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""float32 [1, 224, 224, 3] in [-1, 1] -> regressions [1, ANCHORS, 12] and logits [1, ANCHORS, 1]."""

Looks = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""float32 [1, 256, 256, 3] in [0, 1] -> points [1, 195] (39 of x, y, z, visibility, presence) and presence [1, 1] in 0..1."""


class Poses(NamedTuple):
    """The likeliest body of each image.

    Attributes:
        scores: float32 [n], 0..1, by the detector.
        presence: float32 [n], 0..1, of a body by the landmarks' model, which sees the place that the detector names.
        points: float32 [n, 33, 2], (x, y) of MediaPipe's points in pixels of the image; says little without a body.
    """

    scores: Tensor
    presence: Tensor
    points: Tensor


class PoseJudge:
    """MediaPipe's BlazePose (Bazarevsky et al. 2020) by LiteRT: a detector, and landmarks that confirm what it found.

    Args:
        path: the archive of the npm package @mediapipe/pose, or the folder that it unpacks to; None looks in
            ~/.cache/insetgan.
        threshold: what the score and the presence, both 0..1, must reach.
        key: what the setting is called, for messages.
        runners: compute the detector and the landmarks in their place; for tests.

    Raises:
        UserError: no such file, other models, or LiteRT is not installed.
        ValueError: a threshold that is none.
    """

    title = "Pose (MediaPipe)"

    def __init__(
        self,
        path: str | Path | None = None,
        threshold: float = THRESHOLD,
        *,
        key: str = "judges.pose.path",
        runners: tuple[Detects, Looks] | None = None,
    ) -> None:
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold={threshold}: must be from 0 to 1")
        self.threshold = threshold
        self._file = None if runners else PACKAGE.find(path, key)
        self._detect, self._look = runners or _runners(self._file, key)
        self._anchors = anchors()

    def seen(self, images: Tensor) -> Tensor:
        """Whether a body is in each of the images uint8 [n, 3, h, w]: bool [n]."""
        poses = self.look(images)
        return (poses.scores >= self.threshold) & (poses.presence >= self.threshold)

    def files(self) -> Sequence[Path]:
        """The archive, or both models of the folder."""
        if self._file is None:
            return []
        return [self._file / DETECTOR, self._file / LANDMARKS] if self._file.is_dir() else [self._file]

    def look(self, images: Tensor) -> Poses:
        """Find the likeliest body in each of the images uint8 [n, 3, h, w]."""
        squares = letterboxed(images, DETECTED)
        scores, presence, points = zip(*map(self._best, images, squares), strict=True)
        return Poses(torch.tensor(scores), torch.tensor(presence), torch.stack(points))

    def _best(self, image: Tensor, square: Tensor) -> tuple[float, float, Tensor]:
        """Score, presence and points of the likeliest body in an image, of which the square is the detector's."""
        regressions, logits = self._detect(square.permute(1, 2, 0)[None].contiguous().numpy())
        index = int(logits[0, :, 0].argmax())
        height, width = image.shape[1:]
        # Behind the box, four points: the middle of the hips, and one straight above on the circle round the body.
        hips, above = self._anchors[index] + regressions[0, index, 4:8].reshape(2, 2) / DETECTED
        middle = torch.tensor([width / 2, height / 2])
        hips, above = ((torch.from_numpy(each).float() - 0.5) * max(height, width) + middle for each in (hips, above))
        across, up = (above - hips).tolist()
        side = max(2 * MARGIN * math.hypot(across, up), 1.0)
        turn = math.atan2(across, -up)
        crop = turned_crop(image, hips, side, turn)
        found, presence = self._look(crop.permute(1, 2, 0)[None].contiguous().numpy())
        inner = torch.from_numpy(found[0].reshape(_ALL_POINTS, 5)[:POINTS, :2].copy()).float() / LOOKED - 0.5
        return sigmoid(logits[0, index, 0]), float(presence[0, 0]), hips + side * inner @ _rotation(turn).T


def anchors() -> np.ndarray:
    """Centres (x, y) of the detector's anchors in units of its square, float32 [ANCHORS, 2]."""
    grids = []
    for side, count in GRIDS:
        places = (np.arange(side, dtype=np.float32) + 0.5) / side
        y, x = np.meshgrid(places, places, indexing="ij")
        grids.append(np.repeat(np.stack([x.ravel(), y.ravel()], 1), count, axis=0))
    return np.concatenate(grids)


def turned_crop(image: Tensor, centre: Tensor, side: float, turn: float) -> Tensor:
    """A square out of an image, turned so that a body stands upright: float32 [3, LOOKED, LOOKED] in [0, 1].

    Args:
        image: uint8 [3, h, w].
        centre: (x, y) of the square, in pixels of the image.
        side: of the square, in pixels of the image.
        turn: of the square, clockwise, in radians.
    """
    height, width = image.shape[1:]
    x = image[None].float() / 255
    shrink = LOOKED / side
    if shrink < 1:
        size = (max(1, round(height * shrink)), max(1, round(width * shrink)))
        x = functional.interpolate(x, size, mode="bilinear", antialias=True, align_corners=False)
    places = (torch.arange(LOOKED) + 0.5) / LOOKED - 0.5
    v, u = torch.meshgrid(places, places, indexing="ij")
    grid = centre + side * torch.stack([u, v], -1) @ _rotation(turn).T
    grid = 2 * grid / torch.tensor([width, height]) - 1
    return functional.grid_sample(x, grid[None], mode="bilinear", padding_mode="zeros", align_corners=False)[0]


def _rotation(turn: float) -> Tensor:
    return torch.tensor([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])


def _runners(file: Path | None, key: str) -> tuple[Detects, Looks]:
    assert file is not None
    boxes, logits, points, presence = (1, ANCHORS, 12), (1, ANCHORS, 1), (1, _ALL_POINTS * 5), (1, 1)
    others = [(1, LOOKED, LOOKED, 1), (1, 64, 64, _ALL_POINTS), (1, _ALL_POINTS * 3)]  # mask, heat, points in metres
    detector = PACKAGE.load(file, DETECTOR, [(1, DETECTED, DETECTED, 3), boxes, logits], key)
    landmarks = PACKAGE.load(file, LANDMARKS, [(1, LOOKED, LOOKED, 3), points, presence, *others], key)

    def detect(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = detector(image)
        return found[boxes], found[logits]

    def look(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = landmarks(image)
        return found[points], found[presence]

    return detect, look
