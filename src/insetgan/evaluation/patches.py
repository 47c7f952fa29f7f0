"""Squares cut out of images at full size: round the parts, and at random places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from insetgan.detection.detector import Detection
from insetgan.runtime.errors import UserError

AROUND_PARTS, AT_RANDOM = "around_parts", "at_random"
"""Names of both sets of squares."""

SETS = {"kfd": AROUND_PARTS, "pfd": AT_RANDOM}
"""Metrics whose Fréchet distances are of squares, by the name that `metrics=` has for them."""

SURE = 0.5
"""The score from which on a part counts as found."""


@dataclass(frozen=True)
class Squares:
    """Squares of a block of images.

    Attributes:
        images: uint8 [m, 3, size, size], those of the first image first.
        counts: int64 [n], how many each image gave.
    """

    images: Tensor
    counts: Tensor


@dataclass(frozen=True)
class Patches:
    """Cuts squares out of images without resizing them, by one rule for all images, real and generated.

    UnitedHuman (ICCV 2023) reports distances of such squares as kFID and pFID: whole images are reduced before a network
    describes them, which hides what a face or a seam looks like. Its sizes, data and network are others: figures cannot be
    compared with its own.

    Args:
        size: side of the squares, in pixels.
        sets: of `AROUND_PARTS` and `AT_RANDOM`.
        number: squares at random places of each image.
    """

    size: int
    sets: Sequence[str] = (AROUND_PARTS, AT_RANDOM)
    number: int = 4

    def check(self, height: int, width: int) -> None:
        """Refuse squares that images of this size cannot hold.

        Raises:
            UserError: likewise.
        """
        if self.size > min(height, width):
            raise UserError(
                f"patch_size={self.size}: must be at most {min(height, width)}, the shorter side of {height} x {width}"
            )

    def cut(self, images: Tensor, detections: Mapping[str, Detection], numbers: Sequence[int]) -> dict[str, Squares]:
        """Squares of images uint8 [n, 3, H, W], by set.

        Args:
            images: see above.
            detections: of the parts; empty where no set asks for them.
            numbers: seeds of the images, or their numbers in a data set, which decide the random places.
        """
        found = {}
        if AROUND_PARTS in self.sets:
            found[AROUND_PARTS] = self._around(images, list(detections.values()))
        if AT_RANDOM in self.sets:
            found[AT_RANDOM] = self._at_random(images, numbers)
        return found

    def _around(self, images: Tensor, detections: Sequence[Detection]) -> Squares:
        """A square round the middle of each part that is found, pushed inwards at the edges of the image."""
        room = torch.tensor([images.shape[3] - self.size, images.shape[2] - self.size])
        squares, counts = [], []
        for index, image in enumerate(images):
            boxes = [each.boxes[index].cpu() for each in detections if float(each.scores[index]) >= SURE]
            counts.append(len(boxes))
            for box in boxes:
                corner = ((box[:2] + box[2:] - self.size) / 2).round().long()
                squares.append(self._at(image, *torch.minimum(corner.clamp(min=0), room).tolist()))
        return self._squares(images, squares, counts)

    def _at_random(self, images: Tensor, numbers: Sequence[int]) -> Squares:
        """Squares at places that depend on the number of the image alone, each place as likely as any other."""
        height, width = images.shape[2:]
        squares = []
        for image, number in zip(images, numbers, strict=True):
            random: Any = np.random.RandomState(number)
            for _ in range(self.number):
                left, top = random.randint(width - self.size + 1), random.randint(height - self.size + 1)
                squares.append(self._at(image, left, top))
        return self._squares(images, squares, [self.number] * len(images))

    def _at(self, image: Tensor, left: int, top: int) -> Tensor:
        return image[:, top : top + self.size, left : left + self.size]

    def _squares(self, images: Tensor, squares: list[Tensor], counts: list[int]) -> Squares:
        empty = images.new_zeros(0, 3, self.size, self.size)
        return Squares(torch.stack(squares) if squares else empty, torch.tensor(counts, dtype=torch.int64))
