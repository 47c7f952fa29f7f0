"""The place of an inset on its canvas: how to crop it, how to paste into it, and its masks."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from insetgan.ops.boxes import band_thickness, border_band, inside_boxes
from insetgan.ops.resampling import crop_matrix, paste_matrix, resample

WORKING_SIZE = 64
"""Side of D_64, the low resolution at which canvas and inset are compared."""

WORKING_BAND = 8
"""Thickness of E_8 at the working size."""

Blend = Literal["paste", "feather", "mask"]
"""How an inset covers the canvas: all of its box (the paper's), fading out over E_8, or by a mask."""

BLENDS: tuple[Blend, ...] = ("paste", "feather", "mask")


@dataclass(frozen=True)
class Region:
    """One box a sample, with everything that follows from it; where the part is absent its masks are empty.

    Attributes:
        boxes: int64 [n, 4] on the canvas.
        present: bool [n], whether the part is on the canvas at all.
        crop_rows: [n, 64, height of the canvas], crops and resizes to the working size.
        crop_columns: [n, 64, width of the canvas].
        paste_rows: [n, height of the canvas, height of the inset], places the inset on the canvas.
        paste_columns: [n, width of the canvas, width of the inset].
        shrink_rows: [1, 64, height of the inset], the inset alone to the working size.
        shrink_columns: [1, 64, width of the inset].
        inside: bool [n, 1, height, width], the pixels of the box.
        cover: [n, 1, height, width] in 0..1, how much of each pixel the inset stands for; `inside`, or a mask within it.
        band: bool [n, 1, height, width], E_8 scaled to the box: an eighth of its side inside the border.
        edge: bool [n, 1, height, width], the outermost pixels of the box.
        working_band: bool [1, 1, 64, 64], E_8 at the working size.
        window: (top, bottom, left, right), the least rectangle of the canvas that holds the boxes of all samples in which
            the part is present; what is compared in a band need not be worked out beyond it.
    """

    boxes: Tensor
    present: Tensor
    crop_rows: Tensor
    crop_columns: Tensor
    paste_rows: Tensor
    paste_columns: Tensor
    shrink_rows: Tensor
    shrink_columns: Tensor
    inside: Tensor
    cover: Tensor
    band: Tensor
    edge: Tensor
    working_band: Tensor
    window: tuple[int, int, int, int]

    @classmethod
    def at(
        cls,
        boxes: Tensor,
        canvas_size: tuple[int, int],
        inset_size: tuple[int, int],
        present: Tensor | None = None,
    ) -> "Region":
        """Work out everything that follows from the boxes.

        Args:
            boxes: int64 [n, 4], inside the canvas, not empty.
            canvas_size: (height, width).
            inset_size: (height, width).
            present: bool [n]; everywhere when absent.

        Raises:
            ValueError: when a box is empty or leaves the canvas.
        """
        height, width = canvas_size
        _check(boxes, height, width)
        x0, y0, x1, y1 = boxes.unbind(1)
        whole = boxes.new_tensor([[0, 0, WORKING_SIZE, WORKING_SIZE]])
        zero = boxes.new_zeros(1)
        inset_height, inset_width = (boxes.new_tensor([side]) for side in inset_size)
        if present is None:
            present = torch.ones(len(boxes), dtype=torch.bool, device=boxes.device)
        there = present[:, None, None, None]
        inside = inside_boxes(boxes, height, width) & there
        return cls(
            boxes=boxes,
            present=present,
            crop_rows=crop_matrix(y0, y1, height, WORKING_SIZE).float(),
            crop_columns=crop_matrix(x0, x1, width, WORKING_SIZE).float(),
            paste_rows=paste_matrix(y0, y1, height, inset_size[0]).float(),
            paste_columns=paste_matrix(x0, x1, width, inset_size[1]).float(),
            shrink_rows=crop_matrix(zero, inset_height, inset_size[0], WORKING_SIZE).float(),
            shrink_columns=crop_matrix(zero, inset_width, inset_size[1], WORKING_SIZE).float(),
            inside=inside,
            cover=inside.float(),
            band=border_band(boxes, height, width, band_thickness(boxes)) & there,
            edge=border_band(boxes, height, width, 1) & there,
            working_band=border_band(whole, WORKING_SIZE, WORKING_SIZE, WORKING_BAND),
            window=_window(boxes[present]),
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

    def masked(self, mask: Tensor) -> "Region":
        """The same region covered by a soft mask [n, 1, H, W] in 0..1 instead of the whole box; nothing else changes."""
        return replace(self, cover=mask * self.inside)

    def seen_from_inset(self, mask: Tensor) -> Tensor:
        """A soft mask on the canvas [n, 1, H, W] as it lies on the inset, [n, 1, h, w]."""
        x0, y0, x1, y1 = self.boxes.unbind(1)
        height, rows = self.paste_rows.shape[1:]
        width, columns = self.paste_columns.shape[1:]
        return resample(mask, crop_matrix(y0, y1, height, rows), crop_matrix(x0, x1, width, columns))

    def through_window(self, images: Tensor) -> Tensor:
        """The part of images or masks [n, c, H, W] that lies in the window."""
        top, bottom, left, right = self.window
        return images[:, :, top:bottom, left:right]

    def paste_in_window(self, inset: Tensor) -> Tensor:
        """What `through_window` shows of `paste`, without drawing the rest."""
        top, bottom, left, right = self.window
        return resample(inset, self.paste_rows[:, top:bottom], self.paste_columns[:, left:right])

    def composite(self, canvas: Tensor, inset: Tensor, blend: Blend = "paste") -> Tensor:
        """Canvas and inset in one image; canvas pixels outside the box stay untouched.

        Args:
            canvas: [n, c, H, W].
            inset: [n, c, h, w].
            blend: "paste" is the paper's result, inset pixels in the box without blending; "feather" fades the inset out over
                E_8; "mask" shows it where `cover` is.
        """
        if blend == "paste":
            return torch.where(self.inside, self.paste(inset), canvas)
        share = self.cover if blend == "mask" else feather(self.boxes, canvas.shape[2], canvas.shape[3])
        return torch.where(self.inside, torch.lerp(canvas, self.paste(inset), share.to(canvas)), canvas)


def outside_all(regions: Iterable[Region]) -> Tensor:
    """R^O of the paper: how little each pixel is covered by any region, in 0..1, [n, 1, height, width]."""
    covers = [region.cover for region in regions]
    if not covers:
        raise ValueError("outside_all needs at least one region")
    return torch.stack([1 - cover for cover in covers]).prod(dim=0)


def feather(boxes: Tensor, height: int, width: int) -> Tensor:
    """Weights that rise linearly from the border of each box to 1 at the inner end of E_8, [n, 1, height, width].

    A side of the box on the border of the image does not fade: there is nothing behind it.
    """
    far = float(height + width)
    thick = band_thickness(boxes)[:, None].double()
    x, y = (torch.arange(length, device=boxes.device) + 0.5 for length in (width, height))
    x0, y0, x1, y1 = boxes.double()[:, :, None].unbind(1)
    left, right = torch.where(x0 > 0, x - x0, far), torch.where(x1 < width, x1 - x, far)
    top, bottom = torch.where(y0 > 0, y - y0, far), torch.where(y1 < height, y1 - y, far)
    across = (torch.minimum(left, right) / thick).clamp(0, 1)[:, None, :]
    down = (torch.minimum(top, bottom) / thick).clamp(0, 1)[:, :, None]
    return torch.minimum(across, down)[:, None].float()


def _window(boxes: Tensor) -> tuple[int, int, int, int]:
    if not len(boxes):
        return 0, 1, 0, 1
    left, top = boxes[:, :2].amin(0).tolist()
    right, bottom = boxes[:, 2:].amax(0).tolist()
    return top, bottom, left, right


def _check(boxes: Tensor, height: int, width: int) -> None:
    x0, y0, x1, y1 = boxes.unbind(1)
    good = (x0 >= 0) & (y0 >= 0) & (x1 <= width) & (y1 <= height) & (x1 > x0) & (y1 > y0)
    if not bool(good.all()):
        wrong = boxes[~good][0].tolist()
        raise ValueError(f"box {wrong} is empty or leaves the canvas of {height} x {width}")
