"""Boxes as numbers: (x0, y0, x1, y1), half-open pixels of the image they lie on."""

import torch
from torch import Tensor

MARGIN = 0.15
"""Added round the box of a part on every side, as a fraction of its longer side, where nothing else is said."""


def square_boxes(boxes: Tensor, margin: float, height: int, width: int) -> Tensor:
    """Put a square with a margin round each box, on whole pixels and inside the image.

    The square keeps the centre of the box; it is pushed inwards where it would leave the image, and is no larger than
    the image's shorter side. The data of an inset generator and the placement of its images share this rule, so
    that a generated inset fits where it is put.

    Args:
        boxes: [n, 4], tight boxes in pixels, whole or not.
        margin: what is added on every side, as a fraction of the longer side of the box.
        height: rows of the image.
        width: columns of the image.

    Returns:
        int64 [n, 4], with x1 - x0 == y1 - y0 >= 1.

    Raises:
        ValueError: when the margin is so negative that nothing would be left.
    """
    if margin <= -0.5:
        raise ValueError(f"margin={margin} leaves nothing of the box; it must be above -0.5")
    exact = boxes.double()
    longer = torch.maximum(exact[:, 2] - exact[:, 0], exact[:, 3] - exact[:, 1])
    side = round_half_up(longer * (1 + 2 * margin)).clamp(1, min(height, width))
    left = round_half_up((exact[:, 0] + exact[:, 2] - side) / 2)
    top = round_half_up((exact[:, 1] + exact[:, 3] - side) / 2)
    left = torch.minimum(left.clamp(min=0), width - side)
    top = torch.minimum(top.clamp(min=0), height - side)
    return torch.stack((left, top, left + side, top + side), dim=1)


def round_half_up(values: Tensor) -> Tensor:
    """Round to the nearest integer, halves upwards wherever they lie, so that a shift by whole pixels stays one."""
    return torch.floor(values + 0.5).long()


def inside_boxes(boxes: Tensor, height: int, width: int) -> Tensor:
    """Mark the pixels that lie in a box.

    Args:
        boxes: [n, 4]; a box with x1 <= x0 or y1 <= y0 is empty.
        height: rows of the image.
        width: columns of the image.

    Returns:
        bool [n, 1, height, width].
    """
    rows = torch.arange(height, device=boxes.device)
    columns = torch.arange(width, device=boxes.device)
    in_rows = (rows >= boxes[:, 1, None]) & (rows < boxes[:, 3, None])
    in_columns = (columns >= boxes[:, 0, None]) & (columns < boxes[:, 2, None])
    return (in_rows[:, :, None] & in_columns[:, None, :])[:, None]


def shrink_boxes(boxes: Tensor, pixels: Tensor | int) -> Tensor:
    """Move every side of each box inwards: boxes [n, 4], pixels a number or [n]; a box may become empty."""
    inwards = torch.as_tensor(pixels, device=boxes.device, dtype=boxes.dtype).expand(boxes.shape[0])
    return boxes + torch.stack((inwards, inwards, -inwards, -inwards), dim=1)


def band_thickness(boxes: Tensor, fraction: float = 1 / 8) -> Tensor:
    """Thickness of the border band E_8, in pixels of the image the boxes lie on.

    The paper's 8 pixels belong to an inset of 64; on the canvas they are an eighth of the box, and at least 1 pixel.

    Returns:
        int64 [n].
    """
    sides = torch.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    return round_half_up(sides.double() * fraction).clamp(min=1)


def border_band(boxes: Tensor, height: int, width: int, thickness: Tensor | int) -> Tensor:
    """Mark the pixels of each box that lie within `thickness` pixels of its border: bool [n, 1, height, width]."""
    outer = inside_boxes(boxes, height, width)
    return outer & ~inside_boxes(shrink_boxes(boxes, thickness), height, width)
