"""Cropping, resizing and pasting as products with per-sample matrices.

A crop-and-resize is separable, so it is `rows @ image @ columns.T` with one matrix an axis. The matrices are
constants while the boxes stand still, exact, and a batch may hold a different box in every sample.
The filter is the triangle: bilinear when enlarging, widened by the ratio when shrinking (antialiased), with weights
that fall outside the source left out and the rest normalised; pixel centres lie at half-integers (align_corners=False).
"""

import torch
from torch import Tensor


def crop_matrix(start: Tensor, stop: Tensor, length: int, size: int) -> Tensor:
    """Matrix that takes the window [start, stop) of a line to `size` pixels.

    Args:
        start: integer [n], first pixel of the window.
        stop: integer [n], one past its last pixel.
        length: pixels of the whole line.
        size: pixels of the result.

    Returns:
        float64 [n, size, length]; rows sum to 1; nothing outside the window is read.
    """
    first, last = start.double()[:, None], stop.double()[:, None]
    step = (last - first) / size
    targets = torch.arange(size, device=start.device, dtype=torch.float64) + 0.5
    sources = torch.arange(length, device=start.device, dtype=torch.float64) + 0.5
    centres = first + targets * step
    weights = _triangle(centres, sources, step.clamp(min=1))
    window = (sources > first) & (sources < last)
    return _normalised(weights * window[:, None, :])


def paste_matrix(start: Tensor, stop: Tensor, length: int, size: int) -> Tensor:
    """Matrix that takes a line of `size` pixels to the window [start, stop) of a longer one.

    Args:
        start: integer [n], first pixel of the window.
        stop: integer [n], one past its last pixel.
        length: pixels of the whole target line.
        size: pixels of the source.

    Returns:
        float64 [n, length, size]; rows of the window sum to 1, the others are zero.
    """
    first, last = start.double()[:, None], stop.double()[:, None]
    step = size / (last - first)
    targets = torch.arange(length, device=start.device, dtype=torch.float64) + 0.5
    sources = torch.arange(size, device=start.device, dtype=torch.float64) + 0.5
    window = (targets > first) & (targets < last)
    weights = _triangle((targets - first) * step, sources, step.clamp(min=1))
    return _normalised(weights * window[:, :, None])


def resample(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Apply a matrix to each axis, in full precision whatever the autocast around it.

    Args:
        images: [n, c, h, w].
        rows: [n, h', h] or [1, h', h].
        columns: [n, w', w] or [1, w', w].

    Returns:
        [n, c, h', w'] of the images' own type, float32 at least.
    """
    exact = images.to(torch.promote_types(images.dtype, torch.float32))
    with torch.autocast(images.device.type, enabled=False):
        left = rows.to(exact)[:, None]
        right = columns.to(exact)[:, None].transpose(2, 3)
        return left @ exact @ right


def _triangle(centres: Tensor, sources: Tensor, support: Tensor) -> Tensor:
    """Triangle weights [n, targets, sources] of centres [n, targets], half width `support` [n, 1]."""
    distance = (centres[:, :, None] - sources).abs()
    return (1 - distance / support[:, :, None]).clamp(min=0)


def _normalised(weights: Tensor) -> Tensor:
    total = weights.sum(dim=2, keepdim=True)
    return torch.where(total > 0, weights / total.clamp(min=1e-12), weights)
