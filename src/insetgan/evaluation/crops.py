"""The regions that are compared: the whole image, and the crops of parts with what is round their borders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from insetgan.detection.detector import Detector
from insetgan.detection.placement import PlacementRule
from insetgan.evaluation.patches import AROUND_PARTS, Patches, Squares
from insetgan.ops.boxes import square_boxes
from insetgan.ops.images import from_uint8, to_uint8
from insetgan.ops.resampling import crop_matrix, resample

BODY = "body"
"""The region that is the whole image."""

BORDER = 1 / 8
"""What a crop shows beyond the box on every side, as a fraction of the box: as much as the band E_8 takes inside."""


@dataclass(frozen=True)
class Seen:
    """One region of a block of images.

    Attributes:
        images: uint8 [m, 3, h, w], of those images on which the region was found.
        found: bool [n], which these are.
    """

    images: Tensor
    found: Tensor


class Crops:
    """Cuts the regions out of images, by one rule for all images, real and generated.

    The box of a part is where a refinement would place its inset, by the same detector and the same placement; it is grown
    by `BORDER`, so that the seam is seen, and pushed inwards where it would leave the image. An image on which the part is
    not found has no such crop.

    Args:
        detector: finds the parts.
        placements: by part, how its box follows from what was found; a region for each.
        size: pixels to which crops are resized, antialiased.
        body: whether the whole image is a region as well, called "body".
        patches: squares that are cut out of whole images besides; None for none.
    """

    def __init__(
        self,
        detector: Detector,
        placements: Mapping[str, PlacementRule],
        size: int,
        *,
        body: bool = True,
        patches: Patches | None = None,
    ) -> None:
        self.detector, self.placements, self.size, self.body = detector, dict(placements), size, body
        self.patches = patches

    @property
    def names(self) -> tuple[str, ...]:
        """The regions."""
        return (*([BODY] if self.body else []), *self.placements)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> dict[str, Seen]:
        """Regions of images uint8 [n, 3, H, W], by name."""
        regions = {}
        if self.body:
            everywhere = torch.ones(len(images), dtype=torch.bool, device=images.device)
            regions[BODY] = Seen(images, everywhere)
        if not self.placements:
            return regions
        scaled = from_uint8(images.permute(0, 2, 3, 1))
        height, width = scaled.shape[2:]
        detections = self.detector.detect(scaled)
        for name, placement in self.placements.items():
            placed = placement.place(detections[name], height, width)
            boxes = square_boxes(placed.boxes, BORDER, height, width)[placed.seen]
            regions[name] = Seen(cut(scaled[placed.seen], boxes, self.size), placed.seen)
        return regions

    @torch.no_grad()
    def squares(self, images: Tensor, numbers: Sequence[int]) -> dict[str, Squares]:
        """Squares of images uint8 [n, 3, H, W] with these seeds or numbers, by set; see `Patches.cut`."""
        if self.patches is None:
            return {}
        asked = AROUND_PARTS in self.patches.sets
        detections = self.detector.detect(from_uint8(images.permute(0, 2, 3, 1))) if asked else {}
        return self.patches.cut(images, detections, numbers)


def cut(images: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Crops of images [n, 3, H, W] in [-1, 1] at boxes int64 [n, 4]: uint8 [n, 3, size, size]."""
    height, width = images.shape[2:]
    rows = crop_matrix(boxes[:, 1], boxes[:, 3], height, size)
    columns = crop_matrix(boxes[:, 0], boxes[:, 2], width, size)
    return to_uint8(resample(images, rows, columns)).permute(0, 3, 1, 2).to(images.device)
