"""Filters along one axis: reflection at the border, and one small matrix slid along.

A filter that is the same everywhere takes each window of a signal to a stretch of the result by the same matrix, so a
few products with windows of some hundred pixels do the work of a polyphase filter at the speed of matrix products.
"""

from typing import Any

import torch
from torch import Tensor

WINDOW = 128


class _Slide(torch.autograd.Function):
    """Its adjoint is itself, matrices transposed and strides swapped, so every order of derivative is a slide.

    The products are written in place: that saves a copy, and autocast around a backward pass leaves them alone.
    """

    @staticmethod
    def forward(ctx: Any, signal: Tensor, matrix: Tensor, strides: tuple[int, int], count: int, axis: int) -> Tensor:
        ctx.save_for_backward(matrix)
        ctx.strides, ctx.count, ctx.axis = strides, count, axis
        n, c, h, w = signal.shape
        size_out, size_in = matrix.shape[1:]
        length = (count - 1) * strides[1] + size_out
        overlap = count > 1 and size_out > strides[1]
        shape = (n * c, length, w) if axis == 2 else (n * c, h, length)
        result = signal.new_zeros(shape) if overlap else signal.new_empty(shape)
        planes = signal.reshape(n * c, h, w)
        matrices = matrix[:, None].expand(n, c, size_out, size_in).reshape(n * c, size_out, size_in)
        beta = 1 if overlap else 0
        for index in range(count):
            window = planes.narrow(axis - 1, index * strides[0], size_in)
            target = result.narrow(axis - 1, index * strides[1], size_out)
            left, right = (matrices, window) if axis == 2 else (window, matrices.mT)
            target.baddbmm_(left, right, beta=beta)
        return result.view(n, c, *shape[1:])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None, None]:
        (matrix,) = ctx.saved_tensors
        adjoint = _Slide.apply(grad, matrix.mT, ctx.strides[::-1], ctx.count, ctx.axis)  # type: ignore[no-untyped-call]
        return adjoint, None, None, None, None


def slide(signal: Tensor, matrix: Tensor, *, strides: tuple[int, int], count: int, axis: int) -> Tensor:
    """Sum over windows i: result[i * step_out:][:size_out] += matrix @ signal[i * step_in:][:size_in].

    Args:
        signal: [n, c, h, w].
        matrix: [n or 1, size_out, size_in], a constant: it gets no gradient.
        strides: (step_in, step_out).
        count: number of windows; together they cover the axis.
        axis: 2 slides down the height, 3 along the width.

    Returns:
        [n, c, h, w] with (count - 1) * step_out + size_out pixels along the axis.
    """
    result: Tensor = _Slide.apply(signal, matrix, strides, count, axis)  # type: ignore[no-untyped-call]
    return result


class _Reflect(torch.autograd.Function):
    """Its adjoint is `_Fold`, whose adjoint it is in turn; the gradient of slices would fill and add whole signals."""

    @staticmethod
    def forward(ctx: Any, signal: Tensor, start: int, length: int, axis: int) -> Tensor:
        ctx.places = signal.shape[axis], start, length, axis
        pieces = []
        for first, taken, mirrored in _pieces(signal.shape[axis], start, length):
            piece = signal.narrow(axis, first, taken)
            pieces.append(piece.flip(axis) if mirrored else piece)
        return torch.cat(pieces, axis)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        return _Fold.apply(grad, *ctx.places), None, None, None  # type: ignore[no-untyped-call]


class _Fold(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, grad: Tensor, size: int, start: int, length: int, axis: int) -> Tensor:
        ctx.places = start, length, axis
        shape = list(grad.shape)
        shape[axis] = size
        result = grad.new_zeros(shape)
        done = 0
        for first, taken, mirrored in _pieces(size, start, length):
            piece = grad.narrow(axis, done, taken)
            result.narrow(axis, first, taken).add_(piece.flip(axis) if mirrored else piece)
            done += taken
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None, None]:
        return _Reflect.apply(grad, *ctx.places), None, None, None, None  # type: ignore[no-untyped-call]


def _pieces(size: int, start: int, length: int) -> list[tuple[int, int, bool]]:
    """First pixel, number of pixels and direction of the pieces of a line that make up its mirror images."""
    period, pieces = 2 * (size - 1), []
    while length > 0:
        phase = start % period
        mirrored = phase >= size
        taken = min((period if mirrored else size) - phase, length)
        pieces.append((period - phase - taken + 1 if mirrored else phase, taken, mirrored))
        start, length = start + taken, length - taken
    return pieces


def reflected(signal: Tensor, start: int, length: int, *, axis: int) -> Tensor:
    """Pixels [start, start + length) of a signal mirrored at the centres of its border pixels, again and again.

    Args:
        signal: [n, c, h, w], at least 2 pixels along the axis.
        start: first pixel, of any sign.
        length: pixels of the result, any number.
        axis: 2 or 3.
    """
    result: Tensor = _Reflect.apply(signal, start, length, axis)  # type: ignore[no-untyped-call]
    return result


def windows(length: int, size: int | None = None) -> tuple[int, int]:
    """Number and step of the windows that cover a length, measured on CPUs: an eighth of an image, 32 pixels at least.

    Args:
        length: that they cover together, or just exceed.
        size: of the image; None: the length itself.

    Returns:
        Their number and a step of at most `WINDOW`.
    """
    count = -(-length // min(max((size or length) // 8, 32), WINDOW))
    return count, -(-length // count)
