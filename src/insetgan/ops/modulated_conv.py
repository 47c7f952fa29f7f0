"""Modulated convolution (StyleGAN2, section 2.2) with weights shared by all samples of a batch.

The published form makes weights w' = d (w s) for each sample, s the style of an input channel and d the demodulation of
an output channel. Here the activations carry the factors and the batch shares one convolution. Leaky ReLU commutes with
positive factors, so d need not be applied where it arises:

    lrelu(d conv(w, s x) + shift) = d lrelu(conv(w, s x) + shift / d)

and the left-over d joins the style of whatever reads the result (`fan_out`). Full-size passes over the activations
that remain: one for the shift, one for leaky ReLU, one for the next style.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from insetgan.ops.fir import blur2d

SLOPE = 0.2


def demodulation(weight_energy: Tensor, styles: Tensor, *, eps: float = 1e-8) -> Tensor:
    """Return the factors that give the outputs unit variance for unit variance inputs.

    Args:
        weight_energy: [out, in], the sum of the squared weights over the kernel.
        styles: [n, in].
        eps: guards against a style of zero.

    Returns:
        [n, out]: d = 1 / sqrt(sum over inputs of styles^2 * weight_energy + eps).
    """
    return torch.rsqrt(styles.square() @ weight_energy.t() + eps)


def pixels(x: Tensor) -> Tensor:
    """View [n, c, h, w] as [n, h * w, c]; a copy unless it lies in channels-last memory."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def images(x: Tensor, size: torch.Size) -> Tensor:
    """Undo `pixels`: [n, h * w, c] -> [n, c, h, w]; `size` is (h, w)."""
    return x.view(len(x), *size, -1).permute(0, 3, 1, 2)


class _TransposedConv(torch.autograd.Function):
    """conv_transpose2d with stride 2 as the input gradient of a strided convolution: the same sums, faster kernels."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        n, _, h, w = x.shape
        shape = (n, len(weight), 2 * h + 1, 2 * w + 1)
        like = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)  # for its shape
        y: Tensor = torch.ops.aten.convolution_backward(
            x, like, weight.transpose(0, 1), None, [2, 2], [0, 0], [1, 1], False, [0, 0], 1, [True, False, False]
        )[0]
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        needed = [*ctx.needs_input_grad, False]
        x_grad, weight_grad, _ = torch.ops.aten.convolution_backward(
            grad, x, weight.transpose(0, 1), None, [2, 2], [0, 0], [1, 1], True, [0, 0], 1, needed
        )
        return x_grad, None if weight_grad is None else weight_grad.transpose(0, 1)


def conv2d_up(x: Tensor, weight: Tensor) -> Tensor:
    """Double the size: zeros between the pixels, true convolution with the 3 x 3 weights, low-pass filter.

    Args:
        x: [n, in, h, w].
        weight: [out, in, 3, 3], of the same type; fastest if its transpose is in channels-last memory.

    Returns:
        [n, out, 2 h, 2 w].
    """
    y: Tensor = _TransposedConv.apply(x, weight)  # type: ignore[no-untyped-call]
    return blur2d(y, gain=4)


class _ShiftedLeakyReLU(torch.autograd.Function):
    """lrelu(x + left @ right), each picture seen as a matrix [pixels, channels]."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, left: Tensor, right: Tensor) -> Tensor:
        shifted = pixels(x).baddbmm_(left, right)
        y = images(F.leaky_relu(shifted, SLOPE), x.shape[2:])  # in place it would be slower in bfloat16
        ctx.save_for_backward(y, left)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, Tensor]:
        y, left = ctx.saved_tensors
        grad = torch.ops.aten.leaky_relu_backward(grad.contiguous(memory_format=torch.channels_last), y, SLOPE, True)
        return grad, None, left.transpose(1, 2) @ pixels(grad)


def shifted_leaky_relu(x: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Add a low-rank shift (noise and bias) and apply leaky ReLU of slope 0.2.

    Args:
        x: [n, c, h, w], best in channels-last memory. Used as scratch: it must be the result of an operation whose gradient
            does not need it, such as a convolution, and is not to be read afterwards.
        left: [n, h * w, k], without gradient: the patterns over the pixels, such as noise or ones.
        right: [n, k, c]: how strongly each channel takes them.

    Returns:
        [n, c, h, w].
    """
    y: Tensor = _ShiftedLeakyReLU.apply(x, left, right)  # type: ignore[no-untyped-call]
    return y


class _FanOut(torch.autograd.Function):
    """(x, scale, mixing) -> (x scale, mixing x); one gradient for x, sums over the pixels as matrix products."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, scale: Tensor | None, mixing: Tensor | None
    ) -> tuple[Tensor | None, Tensor | None]:
        ctx.save_for_backward(x, scale, mixing)
        ctx.set_materialize_grads(False)
        scaled = None if scale is None else x * scale[:, :, None, None]
        mixed = None if mixing is None else mixing @ pixels(x).transpose(1, 2)
        return scaled, mixed

    @staticmethod
    def backward(
        ctx: Any, scaled_grad: Tensor | None, mixed_grad: Tensor | None
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, scale, mixing = ctx.saved_tensors
        flat = pixels(x)
        x_grad = scale_grad = mixing_grad = None
        if scaled_grad is not None:
            incoming = pixels(scaled_grad.contiguous(memory_format=torch.channels_last))
            x_grad = incoming * scale[:, None]
            ones = x.new_ones(len(x), 1, flat.shape[1])
            scale_grad = (ones @ (incoming * flat))[:, 0]
        if mixed_grad is not None:
            outer = mixed_grad.transpose(1, 2)
            x_grad = outer @ mixing if x_grad is None else x_grad.baddbmm_(outer, mixing)
            mixing_grad = mixed_grad @ flat
        return None if x_grad is None else images(x_grad, x.shape[2:]), scale_grad, mixing_grad


def fan_out(x: Tensor, scale: Tensor | None, mixing: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    """Hand activations to their readers: scaled to the next convolution, mixed to the picture.

    Args:
        x: [n, c, h, w] in channels-last memory.
        scale: [n, c], or None if no convolution follows.
        mixing: [n, k, c], or None if no picture is read here.

    Returns:
        x * scale [n, c, h, w], and the mixtures of channels [n, k, h * w], each None if not asked for; of x's type.
    """
    scale = None if scale is None else scale.to(x.dtype)
    mixing = None if mixing is None else mixing.to(x.dtype)
    scaled, mixed = _FanOut.apply(x, scale, mixing)  # type: ignore[no-untyped-call]
    return scaled, mixed
