"""Homogeneous matrices of the plane and of colours, one for each sample."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def matrix(rows: Sequence[Sequence[Tensor | float]], like: Tensor) -> Tensor:
    """Matrices [n, rows, columns] of entries that are numbers or [n]; `like`, [n], gives n, type and device."""
    entries = [entry if isinstance(entry, Tensor) else torch.full_like(like, entry) for row in rows for entry in row]
    return torch.stack(entries, dim=1).view(-1, len(rows), len(rows[0]))


def product(left: Tensor, right: Tensor) -> Tensor:
    """Matrix product in full precision, which neither autocast nor TF32 lowers."""
    return (left[..., :, :, None] * right[..., None, :, :]).sum(dim=-2)


def translation(x: Tensor, y: Tensor) -> Tensor:
    """Move by (x, y): [n, 3, 3]."""
    return matrix([[1, 0, x], [0, 1, y], [0, 0, 1]], x)


def scaling(x: Tensor, y: Tensor) -> Tensor:
    """Stretch by x along the width and y along the height: [n, 3, 3]."""
    return matrix([[x, 0, 0], [0, y, 0], [0, 0, 1]], x)


def rotation(angle: Tensor) -> Tensor:
    """Turn from x towards y by an angle in radians: [n, 3, 3]."""
    cos, sin = angle.cos(), angle.sin()
    return matrix([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], angle)


def colour_shift(amount: Tensor) -> Tensor:
    """Add to all channels: [n, 4, 4]."""
    return matrix([[1, 0, 0, amount], [0, 1, 0, amount], [0, 0, 1, amount], [0, 0, 0, 1]], amount)


def colour_scaling(factor: Tensor) -> Tensor:
    """Multiply all channels: [n, 4, 4]."""
    return matrix([[factor, 0, 0, 0], [0, factor, 0, 0], [0, 0, factor, 0], [0, 0, 0, 1]], factor)


def about_grey(along: Tensor, across: Tensor, angle: Tensor) -> Tensor:
    """Multiply the part of a colour along the grey axis and the part across it, and turn it about that axis: [n, 4, 4].

    Args:
        along: [n].
        across: [n].
        angle: [n] radians; a third of a turn takes red to green to blue.
    """
    # Rodrigues' formula for the axis (1, 1, 1) / sqrt(3): the matrix is circulant.
    cos, sin = across * angle.cos(), across * angle.sin() / math.sqrt(3)
    same = (along - cos) / 3 + cos
    back, forth = (along - cos) / 3 - sin, (along - cos) / 3 + sin
    rows: list[list[Tensor | float]] = [[same, back, forth, 0], [forth, same, back, 0], [back, forth, same, 0]]
    return matrix([*rows, [0, 0, 0, 1]], along)
