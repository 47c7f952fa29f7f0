"""How well an inset sits in its canvas: seam, border band, and what happened to the rest.

All measures look at images as they are saved, uint8 [n, H, W, 3], and give one number a sample.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from insetgan.ops.boxes import band_thickness, border_band, inside_boxes

SMALLEST_STEP = 1.0
"""Of 255: the least natural step that a seam is compared with; on a flat canvas the ratio would mean nothing."""


def seam(canvas: Tensor, composite: Tensor, boxes: Tensor) -> Tensor:
    """Step across the border of the box in the composite, over the same on the canvas alone.

    Args:
        canvas: uint8 [n, H, W, 3], without inset.
        composite: uint8 [n, H, W, 3], with inset.
        boxes: int64 [n, 4].

    Returns:
        float64 [n]: mean absolute difference between horizontally or vertically adjacent pixels of which one lies in
        the box and the other does not, divided by that of the canvas, which counts as 1 of 255 at least. Sides of
        the box on the border of the image have no such pixels. NaN where no side has any.
    """
    return step_across(composite, boxes) / step_across(canvas, boxes).clamp(min=SMALLEST_STEP)


def step_across(images: Tensor, boxes: Tensor) -> Tensor:
    """Mean absolute difference, 0 to 255, of neighbours across the border of the box, [n]; NaN without any."""
    return step_across_rim(images, inside_boxes(boxes, images.shape[1], images.shape[2])[:, 0])


def step_across_rim(images: Tensor, inside: Tensor) -> Tensor:
    """The same across the rim of a region of any shape, bool [n, H, W]."""
    exact = images.double()
    across_x, step_x = inside[:, :, 1:] != inside[:, :, :-1], (exact[:, :, 1:] - exact[:, :, :-1]).abs().mean(3)
    across_y, step_y = inside[:, 1:] != inside[:, :-1], (exact[:, 1:] - exact[:, :-1]).abs().mean(3)
    total = (step_x * across_x).sum((1, 2)) + (step_y * across_y).sum((1, 2))
    return total / (across_x.sum((1, 2)) + across_y.sum((1, 2)))


def band(canvas: Tensor, composite: Tensor, boxes: Tensor) -> Tensor:
    """Mean absolute difference, 0 to 255, of inset and canvas in E_8: an eighth of the box inside its border, [n].

    Args:
        canvas: uint8 [n, H, W, 3], without inset.
        composite: uint8 [n, H, W, 3], with inset.
        boxes: int64 [n, 4].
    """
    where = border_band(boxes, canvas.shape[1], canvas.shape[2], band_thickness(boxes))[:, 0]
    return _masked_change(canvas, composite, where)


def body_change(start: Tensor, canvas: Tensor, boxes: Iterable[Tensor]) -> Tensor:
    """Mean absolute change, 0 to 255, of the canvas outside all boxes, [n].

    Args:
        start: uint8 [n, H, W, 3], the canvas before.
        canvas: uint8 [n, H, W, 3], the canvas after.
        boxes: of each part, int64 [n, 4].
    """
    height, width = start.shape[1:3]
    covered = torch.stack([inside_boxes(box, height, width)[:, 0] for box in boxes]).any(0)
    return _masked_change(start, canvas, ~covered)


def part_change(start: Tensor, inset: Tensor, interior: Tensor) -> Tensor:
    """Mean absolute change, 0 to 255, of an inset in its interior, [n].

    Args:
        start: uint8 [n, h, w, 3], the inset before.
        inset: uint8 [n, h, w, 3], the inset after.
        interior: weights in 0..1, [n, 1, h, w].
    """
    return _masked_change(start, inset, interior[:, 0].double())


def _masked_change(ours: Tensor, theirs: Tensor, where: Tensor) -> Tensor:
    difference = (ours.double() - theirs.double()).abs().mean(3)
    return (difference * where).sum((1, 2)) / where.sum((1, 2))
