"""The place of an inset on its canvas: how to crop it, how to paste into it, and its masks."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from insetgan.ops.boxes import band_thickness, border_band, inside_boxes
from insetgan.ops.resampling import crop_matrix, paste_matrix, resample

WORKING_SIZE = 64
"""Side of D_64, the low resolution at which canvas and inset are compared."""

WORKING_BAND = 8
"""Thickness of E_8 at the working size."""


@dataclass(frozen=True)
class Region:
    """One box a sample, with everything that follows from it.

    Attributes:
        boxes: int64 [n, 4] on the canvas.
        crop_rows: [n, 64, height of the canvas], crops and resizes to the working size.
        crop_columns: [n, 64, width of the canvas].
        paste_rows: [n, height of the canvas, height of the inset], places the inset on the canvas.
        paste_columns: [n, width of the canvas, width of the inset].
        shrink_rows: [1, 64, height of the inset], the inset alone to the working size.
        shrink_columns: [1, 64, width of the inset].
        inside: bool [n, 1, height, width], the pixels of the box.
        band: bool [n, 1, height, width], E_8 scaled to the box: an eighth of its side inside the border.
        edge: bool [n, 1, height, width], the outermost pixels of the box.
        working_band: bool [1, 1, 64, 64], E_8 at the working size.
    """

    boxes: Tensor
    crop_rows: Tensor
    crop_columns: Tensor
    paste_rows: Tensor
    paste_columns: Tensor
    shrink_rows: Tensor
    shrink_columns: Tensor
    inside: Tensor
    band: Tensor
    edge: Tensor
    working_band: Tensor

    @classmethod
    def at(cls, boxes: Tensor, canvas_size: tuple[int, int], inset_size: tuple[int, int]) -> "Region":
        """Work out everything that follows from the boxes.

        Args:
            boxes: int64 [n, 4], inside the canvas, not empty.
            canvas_size: (height, width).
            inset_size: (height, width).

        Raises:
            ValueError: when a box is empty or leaves the canvas.
        """
        height, width = canvas_size
        _check(boxes, height, width)
        x0, y0, x1, y1 = boxes.unbind(1)
        whole = boxes.new_tensor([[0, 0, WORKING_SIZE, WORKING_SIZE]])
        zero = boxes.new_zeros(1)
        inset_height, inset_width = (boxes.new_tensor([side]) for side in inset_size)
        return cls(
            boxes=boxes,
            crop_rows=crop_matrix(y0, y1, height, WORKING_SIZE).float(),
            crop_columns=crop_matrix(x0, x1, width, WORKING_SIZE).float(),
            paste_rows=paste_matrix(y0, y1, height, inset_size[0]).float(),
            paste_columns=paste_matrix(x0, x1, width, inset_size[1]).float(),
            shrink_rows=crop_matrix(zero, inset_height, inset_size[0], WORKING_SIZE).float(),
            shrink_columns=crop_matrix(zero, inset_width, inset_size[1], WORKING_SIZE).float(),
            inside=inside_boxes(boxes, height, width),
            band=border_band(boxes, height, width, band_thickness(boxes)),
            edge=border_band(boxes, height, width, 1),
            working_band=border_band(whole, WORKING_SIZE, WORKING_SIZE, WORKING_BAND),
        )

    def crop(self, canvas: Tensor) -> Tensor:
        """D_64(B(I_A)): the box of the canvas [n, c, H, W] at the working size, [n, c, 64, 64]."""
        return resample(canvas, self.crop_rows, self.crop_columns)

    def shrink(self, inset: Tensor) -> Tensor:
        """D_64(I_B): the whole inset [n, c, h, w] at the working size, [n, c, 64, 64]."""
        if inset.shape[2:] == (WORKING_SIZE, WORKING_SIZE):
            return inset
        return resample(inset, self.shrink_rows, self.shrink_columns)

    def paste(self, inset: Tensor) -> Tensor:
        """The inset [n, c, h, w] resized to its box on an empty canvas, [n, c, H, W], zero outside the box."""
        return resample(inset, self.paste_rows, self.paste_columns)

    def composite(self, canvas: Tensor, inset: Tensor) -> Tensor:
        """The paper's result: inset pixels in the box, canvas pixels, untouched, outside it; no blending."""
        return torch.where(self.inside, self.paste(inset), canvas)


def outside_all(regions: Iterable[Region]) -> Tensor:
    """Mark the pixels that lie in no region, R^O of the paper: bool [n, 1, height, width]."""
    masks = [region.inside for region in regions]
    if not masks:
        raise ValueError("outside_all needs at least one region")
    return ~torch.stack(masks).any(dim=0)


def _check(boxes: Tensor, height: int, width: int) -> None:
    x0, y0, x1, y1 = boxes.unbind(1)
    good = (x0 >= 0) & (y0 >= 0) & (x1 <= width) & (y1 <= height) & (x1 > x0) & (y1 > y0)
    if not bool(good.all()):
        wrong = boxes[~good][0].tolist()
        raise ValueError(f"box {wrong} is empty or leaves the canvas of {height} x {width}")
