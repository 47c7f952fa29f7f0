"""The affine warp of appendix B: reflect, upsample by 2, sample, downsample by 2.

An image mirrored at its borders again and again is periodic, and so is what upsampling makes of it. One period is all
that has to be computed, and a sample's place is found modulo that period: the mirror image reaches as far as any warp
wants, and all shapes follow from the image's alone.
"""

from typing import Any

import torch
from torch import Tensor, nn

from insetgan.training.augment.sliding import WINDOW, reflected, slide, windows
from insetgan.training.augment.wavelets import downsampling, upsampling


class _Sample(torch.autograd.Function):
    """Bilinear lookup, linear in the image: its adjoint is `_Spread`, whose adjoint it is in turn.

    torch differentiates `grid_sample` twice only from 2.12 or so on.
    """

    @staticmethod
    def forward(ctx: Any, images: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.shape = images.shape
        return torch.grid_sampler_2d(images, grid, 0, 1, True)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        return _Spread.apply(grad, grid, ctx.shape), None  # type: ignore[no-untyped-call]


class _Spread(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, grad: Tensor, grid: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(grid)
        like = grad.new_empty(()).expand(shape)  # only its shape is read
        spread: Tensor = torch.ops.aten.grid_sampler_2d_backward(grad, like, grid, 0, 1, True, [True, False])[0]
        return spread

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return _Sample.apply(grad, grid), None, None  # type: ignore[no-untyped-call]


class Warp(nn.Module):
    """Sample images along affine maps, with sym6 wavelets against aliasing."""

    up: Tensor
    down: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("up", upsampling(WINDOW), persistent=False)
        self.register_buffer("down", downsampling(WINDOW), persistent=False)

    def forward(self, images: Tensor, inverse: Tensor) -> Tensor:
        """Take each pixel from where its map says.

        Args:
            images: [n, c, h, w], h and w at least 2, float32 or float64.
            inverse: [n, 3, 3], from places in the result to places in the image, in pixels (x to the right, y down)
                from the centre.

        Returns:
            [n, c, h, w].
        """
        height, width = images.shape[2:]
        for axis in (3, 2):
            images = self._doubled_period(images, axis)
        images = _Sample.apply(images, self._grid(inverse, (height, width), images.shape))  # type: ignore[no-untyped-call]
        for axis, size in ((2, height), (3, width)):
            images = self._halved(images, axis, size)
        return images

    def _doubled_period(self, images: Tensor, axis: int) -> Tensor:
        """One period of the mirrored and upsampled images along an axis: 4 (size - 1) pixels, and one or more beyond."""
        size = images.shape[axis]
        count, step = windows(2 * size - 1, size)
        extended = reflected(images, -3, count * step + 6, axis=axis)
        matrix = self.up[:, : 2 * step, : step + 6].to(images.dtype)
        return slide(extended, matrix, strides=(step, 2 * step), count=count, axis=axis)

    def _halved(self, images: Tensor, axis: int, size: int) -> Tensor:
        count, step = windows(size)
        matrix = self.down[:, :step, : 2 * step + 10].to(images.dtype)
        return slide(images, matrix, strides=(2 * step, step), count=count, axis=axis).narrow(axis, 0, size)

    @torch.no_grad()
    def _grid(self, inverse: Tensor, size: tuple[int, int], tile: torch.Size) -> Tensor:
        """Where in the upsampled period the samples lie, [n, 2 h + 10 or more, 2 w + 10 or more, 2] in [-1, 1]."""
        places = []
        for length in size[::-1]:
            count, step = windows(length)
            # Samples are half a pixel apart and begin five of them before the first pixel.
            samples = torch.arange(2 * count * step + 10, device=inverse.device, dtype=inverse.dtype)
            places.append((samples - (5 + length - 1)) / 2)
        x, y = places
        grid = inverse.new_empty(len(inverse), len(y), len(x), 2)
        for axis, length in enumerate(size[::-1]):
            period = 2 * (length - 1)
            along_x, along_y, origin = (inverse[:, axis, :, None] / period).unbind(1)
            rows = along_y * y + origin + (length - 1) / 2 / period
            periods = (along_x * x)[:, None, :] + rows[:, :, None]
            periods -= periods.floor()
            grid[..., axis] = periods * (4 * period / (tile[3 - axis] - 1)) - 1
        return grid
