"""The placement rule: from what a detector sees to the box that an inset is pasted into."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

import torch
from pydantic import Field
from torch import Tensor

from insetgan.detection.detector import Detection
from insetgan.ops.boxes import MARGIN, square_boxes
from insetgan.runtime.settings import SettingError, settings


@dataclass(frozen=True)
class Placement:
    """Where a part is placed, and what that rests on.

    Attributes:
        boxes: int64 [n, 4], square, inside the canvas.
        anchors: float [n, 4], the detection each box was made from.
        placed: bool [n], whether the part was ever found; elsewhere the box is a stand-in that means nothing.
        seen: bool [n], whether the last look found it.
    """

    boxes: Tensor
    anchors: Tensor
    placed: Tensor
    seen: Tensor

    def rows(self, chosen: Tensor) -> "Placement":
        """The placement of the samples numbered in `chosen`, int64 [m]."""
        return Placement(self.boxes[chosen], self.anchors[chosen], self.placed[chosen], self.seen[chosen])

    def to(self, device: torch.device) -> "Placement":
        """The same placement on a device."""
        return Placement(self.boxes.to(device), self.anchors.to(device), self.placed.to(device), self.seen.to(device))

    def replaced(self, where: Tensor, other: "Placement") -> "Placement":
        """This placement, with that of `other` for the samples marked in `where`, bool [n]."""
        return Placement(
            torch.where(where[:, None], other.boxes, self.boxes),
            torch.where(where[:, None], other.anchors, self.anchors),
            torch.where(where, other.placed, self.placed),
            torch.where(where, other.seen, self.seen),
        )


class PlacementRule(Protocol):
    """From what a detector sees to the boxes that insets are pasted into."""

    def place(self, detection: Detection, height: int, width: int, previous: Placement | None = None) -> Placement:
        """Place a part on canvases of `height` x `width` pixels, starting from where it was."""
        ...


@settings
class SquarePlacement:
    """A square round the detected part, which moves only when the part has really moved.

    Detections differ by rounding between batch sizes, and a box that flips by a pixel changes the image; so a box
    keeps still until its detection has moved by more than `hysteresis`. A part that is not seen, or seen where or as large
    as it cannot be, keeps its box.
    """

    margin: Annotated[
        float,
        Field(gt=-0.5, le=10, description="added on every side, as a fraction of the longer side of the detected box"),
    ] = MARGIN
    min_score: Annotated[float, Field(ge=0, le=1, description="confidence from which a detection counts")] = 0.5
    hysteresis: Annotated[
        float,
        Field(ge=0, le=1e6, description="pixels that any side of the detection must move by before the box follows"),
    ] = 0.75
    damping: Annotated[float, Field(ge=0, lt=1, description="share of a movement that is not followed")] = 0.0
    smallest: Annotated[
        float,
        Field(ge=0, le=1e6, description="least side of a detected box, as a fraction of the canvas's shorter side"),
    ] = 0.0
    largest: Annotated[float, Field(ge=0, le=1e6, description="greatest side, likewise")] = 2.0
    within: Annotated[
        tuple[float, float, float, float],
        Field(description="left, top, right, bottom as fractions of the canvas: where the centre of a part may be"),
    ] = (0.0, 0.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        """Refuse bounds between which nothing lies."""
        if self.smallest > self.largest:
            raise SettingError("smallest", f"must be between 0 and largest={self.largest}", self.smallest)
        if not _is_window(self.within):
            raise SettingError("within", "must be left, top, right, bottom between 0 and 1", self.within)

    def place(self, detection: Detection, height: int, width: int, previous: Placement | None = None) -> Placement:
        """Place a part on canvases of `height` x `width` pixels, starting from where it was."""
        boxes, scores = detection.boxes.detach().double(), detection.scores.detach()
        seen = (scores >= self.min_score) & boxes.isfinite().all(1) & _not_empty(boxes, height, width)
        seen = seen & self._believed(boxes, height, width)
        if previous is None:
            stand_in = boxes.new_tensor([0.25 * width, 0.25 * height, 0.75 * width, 0.75 * height])
            anchors = torch.where(seen[:, None], boxes, stand_in)
            return Placement(square_boxes(anchors, self.margin, height, width), anchors, seen, seen)
        moved = (boxes - previous.anchors).abs().amax(1) > self.hysteresis
        target = previous.anchors + (1 - self.damping) * (boxes - previous.anchors)
        target = torch.where(previous.placed[:, None], target, boxes)
        follow = seen & (moved | ~previous.placed)
        anchors = torch.where(follow[:, None], target, previous.anchors)
        return Placement(square_boxes(anchors, self.margin, height, width), anchors, previous.placed | seen, seen)

    def _believed(self, boxes: Tensor, height: int, width: int) -> Tensor:
        """Whether the longer side and the centre of each detection are within bounds, bool [n]."""
        side = (boxes[:, 2:] - boxes[:, :2]).amax(1) / min(height, width)
        x, y = (boxes[:, 0] + boxes[:, 2]) / (2 * width), (boxes[:, 1] + boxes[:, 3]) / (2 * height)
        left, top, right, bottom = self.within
        there = (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
        return there & (side >= self.smallest) & (side <= self.largest)


def _is_window(values: Sequence[float]) -> bool:
    return len(values) == 4 and 0 <= values[0] < values[2] <= 1 and 0 <= values[1] < values[3] <= 1


def _not_empty(boxes: Tensor, height: int, width: int) -> Tensor:
    """Whether at least a pixel's worth of each box lies on the canvas, bool [n]."""
    x = boxes[:, 0::2].clamp(0, width)
    y = boxes[:, 1::2].clamp(0, height)
    return (x[:, 1] - x[:, 0] >= 1) & (y[:, 1] - y[:, 0] >= 1)
