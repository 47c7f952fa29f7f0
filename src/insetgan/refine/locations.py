"""Where the insets are on their canvases: B(I_A) and all that follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from insetgan.detection.placement import Placement
from insetgan.ops.regions import Region, outside_all


@dataclass(frozen=True, eq=False)
class Locations:
    """Where the parts are on a batch of canvases. Each detection makes a new object.

    Attributes:
        placements: where each part is, by name.
        regions: the boxes with their crops and masks, by name; where masks are asked for they are the regions' covers.
        masked: bool [n], whether every part that is there has a mask that is not empty; all true without a segmenter.
    """

    placements: Mapping[str, Placement]
    regions: Mapping[str, Region]
    masked: Tensor

    @property
    def boxes(self) -> dict[str, Tensor]:
        """Boxes by part, int64 [n, 4]."""
        return {name: placement.boxes for name, placement in self.placements.items()}

    @cached_property
    def outside(self) -> Tensor:
        """R^O: the pixels that no inset covers, weights in 0..1, [n, 1, H, W]."""
        return outside_all(self.regions.values())

    def same_boxes(self, other: "Locations") -> bool:
        """Whether no box has moved."""
        return all(torch.equal(boxes, other.boxes[name]) for name, boxes in self.boxes.items())
