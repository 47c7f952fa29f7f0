"""Resampling with StyleGAN2's low-pass filter [1, 3, 3, 1], and its blur alone.

Outside an image counts as zero, as in the published networks. The filter is separable and symmetric, so correlation
and convolution agree and the gradient of a blur is a blur: that keeps every order of derivative cheap. While a network is
exported the functions are called without gradients of their own, which an exporter cannot read.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

TAPS = (1.0, 3.0, 3.0, 1.0)


def fir_kernel() -> Tensor:
    """Return the 4 x 4 filter, summing to one, as published networks store it (`resample_filter`)."""
    taps = torch.tensor(TAPS)
    kernel = torch.outer(taps, taps)
    return kernel / kernel.sum()


def _kernel_for(x: Tensor, gain: float) -> Tensor:
    """The filter times `gain`, one for each channel of x: [c, 1, 4, 4] of its type.

    It is written on the device of x: a copy from the host would make the host wait, and cannot be part of a CUDA graph.
    """
    taps = x.new_full((4,), TAPS[1])
    taps[::3].fill_(TAPS[0])
    return (torch.outer(taps, taps) * (gain / sum(TAPS) ** 2)).expand(x.shape[1], 1, 4, 4)


def _blur(x: Tensor, padding: int, gain: float) -> Tensor:
    return F.conv2d(x, _kernel_for(x, gain), padding=padding, groups=x.shape[1])


class _Blur(torch.autograd.Function):
    """Blur whose gradient is again this function; the depthwise convolution's own gradient is half as fast."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, padding: int, gain: float) -> Tensor:
        ctx.padding, ctx.gain = padding, gain
        return _blur(x, padding, gain)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return blur2d(grad, padding=3 - ctx.padding, gain=ctx.gain), None, None


def blur2d(x: Tensor, *, padding: int = 1, gain: float = 1.0) -> Tensor:
    """Filter every channel.

    Args:
        x: [n, c, h, w].
        padding: zeros added on each of the four sides, 0 to 3.
        gain: factor on the result.

    Returns:
        [n, c, h + 2 * padding - 3, w + 2 * padding - 3].
    """
    if torch.compiler.is_exporting():
        return _blur(x, padding, gain)
    blurred: Tensor = _Blur.apply(x, padding, gain)  # type: ignore[no-untyped-call]
    return blurred


class _Downsample(torch.autograd.Function):
    """Its adjoint is a quarter of `upsample2d`, far faster in bf16 than the gradient of a strided depthwise convolution."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: float) -> Tensor:
        ctx.gain = gain
        return F.conv2d(x, _kernel_for(x, gain), padding=1, stride=2, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return upsample2d(grad * (ctx.gain / 4)), None


def downsample2d(x: Tensor, *, gain: float = 1.0) -> Tensor:
    """Halve height and width, which must be even: [n, c, h, w] -> [n, c, h / 2, w / 2], times `gain`."""
    halved: Tensor = _Downsample.apply(x, gain)  # type: ignore[no-untyped-call]
    return halved


def _upsample(x: Tensor) -> Tensor:
    y = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    for edge in (y[:, :, 0], y[:, :, -1], y[..., 0], y[..., -1]):
        edge.mul_(0.75)
    return y


class _Upsample(torch.autograd.Function):
    """Bilinear interpolation, which repeats the edge beyond the border; the FIR filter pads with zeros."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return _upsample(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return downsample2d(grad, gain=4)


def upsample2d(x: Tensor) -> Tensor:
    """Double height and width: [n, c, h, w] -> [n, c, 2 h, 2 w], mean kept away from the border.

    With these taps this is bilinear interpolation (align_corners=False) of an image surrounded by zeros.
    """
    if torch.compiler.is_exporting():
        return _upsample(x)
    doubled: Tensor = _Upsample.apply(x)  # type: ignore[no-untyped-call]
    return doubled
