"""Convolutions that stay fast at every order of derivative.

A convolution is one trilinear form of its input, its weight and what reads its output, t(x, w, g) = <conv(x, w), g>. The
three partial derivatives are the convolution, its adjoint and the gradient of the weight, and the derivatives of each are
the other two. PyTorch's own second derivatives instead swap batch and channels and convolve with whole images as
kernels, in another memory order, several times slower. Gradient penalties (R1, path length) are made of them.

Call outside autocast, with tensors of one type.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Size, Tensor


def wanted(ctx: Any, index: int) -> bool:
    """Whether the backward pass under way needs the gradient of a Function's tensor argument.

    `ctx.needs_input_grad` says only whether the argument has gradients at all. The inner pass of a penalty is after the
    gradient of images or latents and has no use for those of the weights, a third of its work.

    Args:
        ctx: of a Function's backward.
        index: of the argument; all arguments before it must be tensors or None too.
    """
    if not ctx.needs_input_grad[index]:
        return False
    if torch.compiler.is_compiling():
        return True
    try:  # the test by which `torch.autograd.graph.register_multi_grad_hook` knows for which tensors to wait
        return bool(torch._C._will_engine_execute_node(ctx.next_functions[index][0]))
    except RuntimeError:  # a leaf that torch.autograd.grad was asked for
        return True


def leaky_relu_mask(grad: Tensor, y: Tensor, slope: float) -> Tensor:
    """Hand `grad` through leaky ReLU backwards, y being its result; y itself gets no gradient (it would be zero)."""
    if slope == 1:
        return grad
    masked: Tensor = torch.ops.aten.leaky_relu_backward(channels_last(grad), y.detach(), slope, True)
    return masked


def correlate(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, *, stride: int = 1, padding: int = 0, slope: float = 1.0
) -> Tensor:
    """Correlate (as `conv2d`), then apply leaky ReLU.

    Args:
        x: [n, in, h, w], fastest in channels-last memory.
        weight: [out, in, k, k].
        bias: [out].
        stride: steps between outputs.
        padding: zeros on each side.
        slope: of leaky ReLU; 1 leaves it out.

    Returns:
        [n, out, (h + 2 padding - k) // stride + 1, likewise].
    """
    if torch.compiler.is_exporting():  # an exporter cannot read gradients of our own
        return _correlate(x, weight, bias, stride, padding, slope)
    y: Tensor = _Correlation.apply(x, weight, bias, stride, padding, slope)  # type: ignore[no-untyped-call]
    return y


def correlate_adjoint(y: Tensor, weight: Tensor, size: Size, *, stride: int = 1, padding: int = 0) -> Tensor:
    """Apply the adjoint of `correlate` without bias and activation, also known as transposed convolution.

    Args:
        y: [n, out, h, w], of the shape that `correlate` gives.
        weight: [out, in, k, k].
        size: (height, width) of the result.
        stride: of `correlate`.
        padding: of `correlate`.

    Returns:
        [n, in, *size].
    """
    if torch.compiler.is_exporting():
        return _transposed(y, weight, size, stride, padding)
    x: Tensor = _Adjoint.apply(y, weight, size, stride, padding)  # type: ignore[no-untyped-call]
    return x


def _correlate(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int, slope: float) -> Tensor:
    y = F.conv2d(x, weight, bias, stride, padding)
    if slope != 1:  # in place it would be slower in bfloat16
        y = F.leaky_relu_(y, slope) if y.dtype == torch.float32 else F.leaky_relu(y, slope)
    return y


def _transposed(y: Tensor, weight: Tensor, size: Size, stride: int, padding: int) -> Tensor:
    """The adjoint as the operation that exporters know; its size is what is left of `size` over the smallest result."""
    extra = [
        wanted - ((given - 1) * stride + kernel - 2 * padding)
        for wanted, given, kernel in zip(size, y.shape[2:], weight.shape[2:], strict=True)
    ]
    return F.conv_transpose2d(y, weight, stride=stride, padding=padding, output_padding=extra)


class _Correlation(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int, slope: float
    ) -> Tensor:
        y = _correlate(x, weight, bias, stride, padding, slope)
        ctx.save_for_backward(x, weight, y if slope != 1 else None)
        ctx.options, ctx.slope = (stride, padding), slope
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, y = ctx.saved_tensors
        stride, padding = ctx.options
        grad = leaky_relu_mask(grad, y, ctx.slope)
        for_x, for_weight, for_bias = (wanted(ctx, index) for index in range(3))
        x_grad = correlate_adjoint(grad, weight, x.shape[2:], stride=stride, padding=padding) if for_x else None
        weight_grad = _weight_gradient(x, grad, weight.shape, stride, padding) if for_weight else None
        return x_grad, weight_grad, grad.sum((0, 2, 3)) if for_bias else None, None, None, None


class _Adjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, weight: Tensor, size: Size, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(y, weight)
        ctx.options = (stride, padding)
        like = _empty((len(y), weight.shape[1], *size), y)
        x: Tensor = _backward(y, like, weight, stride, padding, [True, False, False])[0]
        return x

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        y, weight = ctx.saved_tensors
        stride, padding = ctx.options
        grad = channels_last(grad)
        y_grad = correlate(grad, weight, stride=stride, padding=padding) if wanted(ctx, 0) else None
        weight_grad = _weight_gradient(grad, y, weight.shape, stride, padding) if wanted(ctx, 1) else None
        return y_grad, weight_grad, None, None, None


class _WeightGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, shape: Size, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, y)
        ctx.options = (stride, padding)
        if _as_product(x, y, stride):
            return _product(x, y, shape, stride, padding)
        weight: Tensor = _backward(y, x, _empty(shape, x), stride, padding, [False, True, False])[1]
        return weight

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, y = ctx.saved_tensors
        stride, padding = ctx.options
        x_grad = correlate_adjoint(y, grad, x.shape[2:], stride=stride, padding=padding) if wanted(ctx, 0) else None
        y_grad = correlate(x, grad, stride=stride, padding=padding) if wanted(ctx, 1) else None
        return x_grad, y_grad, None, None, None


def _weight_gradient(x: Tensor, y: Tensor, shape: Size, stride: int, padding: int) -> Tensor:
    """The weight's part of the form: x [n, in, h, w] and y as `correlate` gives -> `shape`, [out, in, k, k]."""
    grad: Tensor = _WeightGradient.apply(x, channels_last(y), shape, stride, padding)  # type: ignore[no-untyped-call]
    return grad


def _as_product(x: Tensor, y: Tensor, stride: int) -> bool:
    """Whether the weight's gradient is faster as a matrix product than by oneDNN, as measured on a CPU with AVX-512 and AMX.

    It is where few pixels meet many weights, and in float32 for wide strided convolutions.
    """
    channels = y.shape[1]
    few = y.numel() // channels <= 4 * channels
    return x.device.type == "cpu" and (few or (stride > 1 and x.dtype == torch.float32 and channels >= 128))


def _product(x: Tensor, y: Tensor, shape: Size, stride: int, padding: int) -> Tensor:
    """The gradient of the weight as a product of matrices: y [out, pixels] by windows of x [pixels, k * k * in]."""
    out_channels, in_channels, size, _ = shape
    n, _, h, w = y.shape
    x = channels_last(F.pad(x, [padding] * 4) if padding else x).permute(0, 2, 3, 1)
    per_image, row, column, _ = x.stride()
    windows = x.as_strided(
        (n, h, w, size, size, in_channels), (per_image, stride * row, stride * column, row, column, 1)
    )
    weight = y.permute(0, 2, 3, 1).reshape(-1, out_channels).t() @ windows.reshape(n * h * w, -1)
    return weight.view(out_channels, size, size, in_channels).permute(0, 3, 1, 2)


def _backward(y: Tensor, x: Tensor, weight: Tensor, stride: int, padding: int, needed: list[bool]) -> Any:
    """PyTorch's own first derivatives (x, weight, bias) of a correlation, as far as they are needed."""
    strides, paddings = [stride, stride], [padding, padding]
    return torch.ops.aten.convolution_backward(
        channels_last(y), x, weight, None, strides, paddings, [1, 1], False, [0, 0], 1, needed
    )


def _empty(shape: Sequence[int], like: Tensor) -> Tensor:
    """A tensor that only tells its shape."""
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=torch.channels_last)


def channels_last(x: Tensor) -> Tensor:
    """Copy [n, c, h, w] to that memory order unless it has it."""
    return x.contiguous(memory_format=torch.channels_last)
