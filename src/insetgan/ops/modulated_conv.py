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

from insetgan.ops.convolution import channels_last, correlate_adjoint, leaky_relu_mask
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
    return x.view(x.shape[0], *size, -1).permute(0, 3, 1, 2)


def conv2d_up(x: Tensor, weight: Tensor) -> Tensor:
    """Double the size: zeros between the pixels, true convolution with the 3 x 3 weights, low-pass filter.

    Args:
        x: [n, in, h, w].
        weight: [out, in, 3, 3], of the same type; fastest if its transpose is in channels-last memory.

    Returns:
        [n, out, 2 h, 2 w].
    """
    size = torch.Size((2 * x.shape[2] + 1, 2 * x.shape[3] + 1))
    return blur2d(correlate_adjoint(x, weight.transpose(0, 1), size, stride=2), gain=4)


def _shifted_leaky_relu(x: Tensor, left: Tensor, right: Tensor) -> Tensor:
    shifted = pixels(x).baddbmm_(left, right)
    return images(F.leaky_relu(shifted, SLOPE), x.shape[2:])  # in place it would be slower in bfloat16


class _ShiftedLeakyReLU(torch.autograd.Function):
    """lrelu(x + left @ right), each image seen as a matrix [pixels, channels]."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, left: Tensor, right: Tensor) -> Tensor:
        y = _shifted_leaky_relu(x, left, right)
        ctx.save_for_backward(y, left)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, Tensor]:
        y, left = ctx.saved_tensors
        x_grad, right_grad = _ShiftedLeakyReLUGradient.apply(grad, y.detach(), left)  # type: ignore[no-untyped-call]
        return x_grad, None, right_grad


class _ShiftedLeakyReLUGradient(torch.autograd.Function):
    """Linear in the gradient, and constant in y: so its own gradient is as cheap."""

    @staticmethod
    def forward(ctx: Any, grad: Tensor, y: Tensor, left: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(y, left)
        x_grad = leaky_relu_mask(grad, y, SLOPE)
        return x_grad, left.transpose(1, 2) @ pixels(x_grad)

    @staticmethod
    def backward(ctx: Any, x_grad: Tensor, right_grad: Tensor) -> tuple[Tensor, None, None]:
        y, left = ctx.saved_tensors
        grad = images(torch.baddbmm(pixels(x_grad), left, right_grad), y.shape[2:])
        return leaky_relu_mask(grad, y, SLOPE), None, None


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
    if torch.compiler.is_exporting():  # an exporter cannot read gradients of our own
        return _shifted_leaky_relu(x, left, right)
    y: Tensor = _ShiftedLeakyReLU.apply(x, left, right)  # type: ignore[no-untyped-call]
    return y


def _scale(x: Tensor | None, scale: Tensor | None, onto: Tensor | None = None) -> Tensor | None:
    """Add x * scale to `onto`, [n, c, h, w]; what is absent adds nothing."""
    if x is None or scale is None:
        return onto
    factors = scale[:, :, None, None]
    return x * factors if onto is None else torch.addcmul(onto, x, factors)


def _mix(x: Tensor | None, mixing: Tensor | None, onto: Tensor | None = None) -> Tensor | None:
    """Add mixing x to `onto`, [n, k, h * w]; what is absent adds nothing."""
    if x is None or mixing is None:
        return onto
    flat = pixels(x).transpose(1, 2)
    return mixing @ flat if onto is None else torch.baddbmm(onto, mixing, flat)


def _spread(scale: Tensor | None, mixing: Tensor | None, scaled: Tensor | None, mixed: Tensor | None) -> Tensor | None:
    """Add what comes back along both ways, each known or absent: scaled * scale + mixing^T mixed, [n, h * w, c]."""
    x: Tensor | None = None
    if scale is not None and scaled is not None:
        x = pixels(channels_last(scaled)) * scale[:, None]
    if mixing is not None and mixed is not None:
        outer = mixed.transpose(1, 2)
        x = outer @ mixing if x is None else x.baddbmm_(outer, mixing)
    return x


def _gather(x: Tensor | None, scaled: Tensor | None, mixed: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    """Sum products over the pixels, x [n, c, h, w]: with scaled -> [n, c], with mixed -> [n, k, c]."""
    if x is None:
        return None, None
    scale: Tensor | None = None
    x = pixels(channels_last(x))
    if scaled is not None:
        ones = x.new_ones(len(x), 1, x.shape[1])
        scale = (ones @ (pixels(channels_last(scaled)) * x))[:, 0]
    return scale, None if mixed is None else mixed @ x


class _FanOut(torch.autograd.Function):
    """(x, scale, mixing) -> (x scale, mixing x); one gradient for x, sums over the pixels as matrix products."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, scale: Tensor | None, mixing: Tensor | None
    ) -> tuple[Tensor | None, Tensor | None]:
        ctx.save_for_backward(x, scale, mixing)
        ctx.set_materialize_grads(False)
        return _scale(x, scale), _mix(x, mixing)

    @staticmethod
    def backward(ctx: Any, scaled: Tensor | None, mixed: Tensor | None) -> tuple[Tensor | None, ...]:
        grads: tuple[Tensor | None, ...] = _FanOutGradient.apply(*ctx.saved_tensors, scaled, mixed)  # type: ignore[no-untyped-call]
        return grads


class _FanOutGradient(torch.autograd.Function):
    """The gradient of `_FanOut`: linear in x, in (scale, mixing) and in what comes back (scaled, mixed)."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        scale: Tensor | None,
        mixing: Tensor | None,
        scaled: Tensor | None,
        mixed: Tensor | None,
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        ctx.save_for_backward(x, scale, mixing, scaled, mixed)
        ctx.set_materialize_grads(False)
        x_grad = _spread(scale, mixing, scaled, mixed)
        return None if x_grad is None else images(x_grad, x.shape[2:]), *_gather(x, scaled, mixed)

    @staticmethod
    def backward(
        ctx: Any, x_by: Tensor | None, scale_by: Tensor | None, mixing_by: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        x, scale, mixing, scaled, mixed = ctx.saved_tensors
        size = x.shape[2:]
        x_grad = _spread(scale_by, mixing_by, scaled, mixed)
        scaled_grad = _scale(x, scale_by, onto=_scale(x_by, scale)) if scaled is not None else None
        mixed_grad = _mix(x, mixing_by, onto=_mix(x_by, mixing)) if mixed is not None else None
        return None if x_grad is None else images(x_grad, size), *_gather(x_by, scaled, mixed), scaled_grad, mixed_grad


def fan_out(x: Tensor, scale: Tensor | None, mixing: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    """Hand activations to their readers: scaled to the next convolution, mixed to the image.

    Args:
        x: [n, c, h, w] in channels-last memory.
        scale: [n, c], or None if no convolution follows.
        mixing: [n, k, c], or None if no image is read here.

    Returns:
        x * scale [n, c, h, w], and the mixtures of channels [n, k, h * w], each None if not asked for; of x's type.
    """
    scale = None if scale is None else scale.to(x.dtype)
    mixing = None if mixing is None else mixing.to(x.dtype)
    if torch.compiler.is_exporting():
        return _scale(x, scale), _mix(x, mixing)
    scaled, mixed = _FanOut.apply(x, scale, mixing)  # type: ignore[no-untyped-call]
    return scaled, mixed
