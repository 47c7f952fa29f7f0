"""Where parts are on a canvas: the protocol, and the detector that is told."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from insetgan.runtime.settings import SettingError


@dataclass(frozen=True)
class Detection:
    """One part in each image of a batch.

    Attributes:
        boxes: float [n, 4], tight boxes in pixels of the images; meaningless where the score is low.
        scores: float [n], confidence in 0..1 that the part is there.
    """

    boxes: Tensor
    scores: Tensor


class Detector(Protocol):
    """What finds parts. All parts of one image come from one call."""

    @property
    def names(self) -> tuple[str, ...]:
        """The parts it knows."""
        ...

    def detect(self, images: Tensor) -> Mapping[str, Detection]:
        """Find every part it knows in images [n, 3, H, W] in [-1, 1], by the name of the part."""
        ...

    def files(self) -> Sequence[Path]:
        """The files that it reads; see `runtime.fingerprint`."""
        ...


class FixedBoxes:
    """The detector that is told where the parts are, and sees them there in every image.

    Args:
        boxes: by part, one box (x0, y0, x1, y1) for all images.

    Raises:
        UserError: a box that is none.
    """

    def __init__(self, boxes: Mapping[str, Sequence[float]]) -> None:
        for part, box in boxes.items():
            if isinstance(box, str) or not isinstance(box, Sequence):
                raise SettingError(f"boxes.{part}", "must be a list, x0, y0, x1, y1", box)
            if not all(isinstance(value, int | float) and math.isfinite(value) for value in box):
                raise SettingError(f"boxes.{part}", "must be finite numbers, x0, y0, x1, y1", list(box))
        self.boxes = {part: tuple(float(value) for value in box) for part, box in boxes.items()}
        for part, box in self.boxes.items():
            if len(box) != 4 or box[2] <= box[0] or box[3] <= box[1]:
                raise SettingError(f"boxes.{part}", "must be x0, y0, x1, y1 with x0 < x1 and y0 < y1", list(box))

    @property
    def names(self) -> tuple[str, ...]:
        """The parts it was told of."""
        return tuple(self.boxes)

    def files(self) -> list[Path]:
        """It reads no file."""
        return []

    def detect(self, images: Tensor) -> dict[str, Detection]:
        """Return the given boxes with full confidence."""
        count = images.shape[0]
        return {
            part: Detection(
                torch.tensor([box], device=images.device).expand(count, 4), torch.ones(count, device=images.device)
            )
            for part, box in self.boxes.items()
        }


class AlignedBoxes(FixedBoxes):
    """The detector of images that are all aligned alike: it is told where the parts are in shares of the canvas.

    Args:
        boxes: by part, (x0, y0, x1, y1); x in shares of the width, y in shares of the height, each 0..1.

    Raises:
        UserError: a box that is none, or leads out of the image.
    """

    def __init__(self, boxes: Mapping[str, Sequence[float]]) -> None:
        super().__init__(boxes)
        for part, box in self.boxes.items():
            if min(box) < 0 or max(box) > 1:
                raise SettingError(f"boxes.{part}", "must be shares of width and height, from 0 to 1", list(box))

    def detect(self, images: Tensor) -> dict[str, Detection]:
        """Return the given boxes in pixels of the images, with full confidence."""
        height, width = images.shape[2:]
        factors = (width, height, width, height)
        pixels = {
            part: [share * side for share, side in zip(box, factors, strict=True)] for part, box in self.boxes.items()
        }
        return FixedBoxes(pixels).detect(images)
