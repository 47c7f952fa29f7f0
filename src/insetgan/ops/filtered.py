"""A leaky ReLU between two low-pass filters at a higher sampling rate (Karras et al. 2021, section 3.2).

A nonlinearity makes frequencies that the grid of its input cannot hold, and which would come back as other ones. So the
features are upsampled before it, and what is too fine is filtered away before they are sampled down again. Outside the
features counts as zero. All of it is plain convolutions, with gradients of every order.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

Padding = tuple[int, int]
"""Zeros before and after each axis at the raised sampling rate; negative ones cut."""


def upsample(x: Tensor, taps: Tensor, factor: int, padding: Padding) -> Tensor:
    """Put zeros between the samples, pad, and filter; the mean is kept.

    Args:
        x: [n, c, h, w].
        taps: of the filter along both axes, [t].
        factor: how often as many samples, 1 or more.
        padding: see `Padding`.

    Returns:
        [n, c, h factor + before + after - t + 1, and so for w].
    """
    x = x.contiguous(memory_format=torch.channels_last)  # depthwise convolutions are several times faster in it
    before, after = padding
    start = len(taps) - 1 - before  # of what is kept of the full convolution
    for axis in (2, 3):
        length = x.shape[axis] * factor + before + after - len(taps) + 1
        kernel, stride = _along(axis, taps * factor, x), (factor, 1) if axis == 2 else (1, factor)
        x = F.conv_transpose2d(x, kernel, stride=stride, groups=x.shape[1])
        ends = (-start, length - (x.shape[axis] - start))
        x = F.pad(x, (0, 0, *ends) if axis == 2 else ends)
    return x


def downsample(x: Tensor, taps: Tensor, factor: int) -> Tensor:
    """Filter, and take every `factor`-th sample, from the first.

    Args:
        x: [n, c, h, w].
        taps: of the filter along both axes [t], or of the plane [t, t].
        factor: how often as few samples, 1 or more.

    Returns:
        [n, c, (h - t) // factor + 1, (w - t) // factor + 1].
    """
    x = x.contiguous(memory_format=torch.channels_last)
    if taps.ndim == 2:
        return F.conv2d(x, taps.to(x.dtype).expand(x.shape[1], 1, -1, -1), stride=factor, groups=x.shape[1])
    x = F.conv2d(x, _along(2, taps, x), stride=(factor, 1), groups=x.shape[1])
    return F.conv2d(x, _along(3, taps, x), stride=(1, factor), groups=x.shape[1])


def _along(axis: int, taps: Tensor, x: Tensor) -> Tensor:
    """A filter along the rows' or the columns' axis for each channel of x, of its type."""
    kernel = taps[:, None] if axis == 2 else taps[None]
    return kernel.to(x.dtype).expand(x.shape[1], 1, -1, -1)


def filtered_leaky_relu(
    x: Tensor,
    up_taps: Tensor,
    down_taps: Tensor,
    *,
    up: int,
    down: int,
    padding: Padding,
    slope: float,
    gain: float,
    clamp: float | None,
) -> Tensor:
    """Raise the sampling rate `up` times, apply gain * leaky ReLU within +-clamp, and lower the rate `down` times."""
    # A factor above 0 commutes with the leaky ReLU: it acts on the small features. In place, since they are large by then.
    x = F.leaky_relu(upsample(x * gain, up_taps, up, padding), slope, inplace=True)
    if clamp is not None:
        x = x.clamp(-clamp, clamp)
    return downsample(x, down_taps, down)
