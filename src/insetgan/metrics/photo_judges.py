"""Judges of photographs: MediaPipe's detector of faces, and its BlazePose."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from insetgan.detection.litert import FACE, LANDMARKS, PERSON
from insetgan.detection.poses import PoseFinder
from insetgan.detection.single_shot import THRESHOLD, SingleShot, face_finder


class Faces(NamedTuple):
    """The likeliest face of each image.

    Attributes:
        scores: float32 [n], 0..1.
        boxes: float32 [n, 4], (x0, y0, x1, y1) in pixels of the image; says little where the score is low.
    """

    scores: Tensor
    boxes: Tensor


class FaceJudge:
    """MediaPipe's full-range face detector (BlazeFace, Bazarevsky et al. 2019, for faces up to 5 metres away), by LiteRT.

    It learnt photographs, so that a face which it sees is one that people would call a face. Images are fitted into its
    square whole, with black beside them, as MediaPipe does it.

    Args:
        threshold: the score, 0..1, from which on a face counts.
        finder: in its place; for tests.

    Raises:
        UserError: LiteRT is not installed.
        ValueError: a threshold that is none.
    """

    title = "Face (MediaPipe)"

    def __init__(self, threshold: float = THRESHOLD, *, finder: SingleShot | None = None) -> None:
        _check(threshold)
        self.threshold = threshold
        if finder is None:
            FACE.load()  # says at the start what is missing
        self._finder = finder or face_finder()

    def seen(self, images: Tensor) -> Tensor:
        """Whether a face is in each of the images uint8 [n, 3, h, w]: bool [n]."""
        return self.look(images).scores >= self.threshold

    def files(self) -> Sequence[Path]:
        """The model."""
        return [FACE.path]

    def look(self, images: Tensor) -> Faces:
        """Find the likeliest face in each of the images uint8 [n, 3, h, w]."""
        found = [self._finder.best(image) for image in images]
        return Faces(torch.tensor([face.score for face in found]), torch.tensor([face.box for face in found]))


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
        threshold: what the score and the presence, both 0..1, must reach.
        finder: in its place; for tests.

    Raises:
        UserError: LiteRT is not installed.
        ValueError: a threshold that is none.
    """

    title = "Pose (MediaPipe)"

    def __init__(self, threshold: float = THRESHOLD, *, finder: PoseFinder | None = None) -> None:
        _check(threshold)
        self.threshold = threshold
        if finder is None:
            PERSON.load()
        self._finder = finder or PoseFinder()

    def seen(self, images: Tensor) -> Tensor:
        """Whether a body is in each of the images uint8 [n, 3, h, w]: bool [n]."""
        poses = self.look(images)
        return (poses.scores >= self.threshold) & (poses.presence >= self.threshold)

    def files(self) -> Sequence[Path]:
        """Both models."""
        return [PERSON.path, LANDMARKS.path]

    def look(self, images: Tensor) -> Poses:
        """Find the likeliest body in each of the images uint8 [n, 3, h, w]."""
        found = [self._finder.best(image) for image in images]
        points = torch.stack([torch.from_numpy(pose.points).float() for pose in found])
        return Poses(
            torch.tensor([pose.score for pose in found]), torch.tensor([pose.presence for pose in found]), points
        )


def _check(threshold: float) -> None:
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold={threshold}: must be from 0 to 1")
