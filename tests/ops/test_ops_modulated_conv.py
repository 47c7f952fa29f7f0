"""The shared-weight modulated convolution against weights made for each sample, and its derivatives."""

import math

import pytest
import torch
import torch.nn.functional as F

from insetgan.ops.fir import blur2d
from insetgan.ops.modulated_conv import (
    conv2d_up,
    demodulation,
    fan_out,
    pixels,
    shifted_leaky_relu,
)


def randn(*size, dtype=torch.float64, seed=0):
    return torch.randn(*size, dtype=dtype, generator=torch.Generator().manual_seed(seed + sum(size)))


def image(*size, **options):
    return randn(*size, **options).contiguous(memory_format=torch.channels_last)


def per_sample(x, weight, styles, shift, up):
    """The published definition: own weights for each sample, then shift and leaky ReLU with gain sqrt(2)."""
    outputs = []
    for sample, style in zip(x, styles, strict=True):
        w = weight * style[None, :, None, None]
        w = w / (w.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        if up:
            y = blur2d(F.conv_transpose2d(sample[None], w.transpose(0, 1), stride=2), gain=4)
        else:
            y = F.conv2d(sample[None], w, padding=1)
        outputs.append(F.leaky_relu(y + shift, 0.2) * math.sqrt(2))
    return torch.cat(outputs)


def shared(x, weight, styles, noise, bias, up):
    """The same by the parts under test."""
    x = (x * styles[:, :, None, None]).contiguous(memory_format=torch.channels_last)
    y = conv2d_up(x, weight) if up else F.conv2d(x, weight, padding=1)
    factors = demodulation(weight.square().sum((2, 3)), styles)
    left = torch.stack([noise.flatten(), torch.ones_like(noise).flatten()], dim=1).expand(len(x), -1, -1)
    right = torch.stack([torch.ones_like(bias), bias]) / factors[:, None]
    y = shifted_leaky_relu(y.contiguous(memory_format=torch.channels_last), left, right)
    scaled, _ = fan_out(y, factors * math.sqrt(2), None)
    return scaled


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5), (torch.bfloat16, 0.03)]
)
def test_equals_weights_made_for_each_sample(up, dtype, tolerance):
    x, weight, styles, bias = image(3, 5, 4, 6), randn(7, 5, 3, 3), randn(3, 5) + 1, randn(7)
    noise = randn(8, 12) if up else randn(4, 6)
    expected = per_sample(x, weight, styles, noise + bias[:, None, None], up)
    actual = shared(*(tensor.to(dtype) for tensor in (x, weight, styles, noise, bias)), up)
    assert (actual.double() - expected).norm() / expected.norm() < tolerance


@pytest.mark.parametrize("up", [False, True])
def test_derivatives(up):
    """First and second derivatives of the whole layer with respect to all that is learned."""
    noise = randn(4, 4) if up else randn(2, 2)
    inputs = [image(2, 2, 2, 2), randn(2, 2, 3, 3), randn(2, 2) + 2, randn(2)]
    inputs = [tensor.requires_grad_() for tensor in inputs]

    def layer(x, weight, styles, bias):
        return shared(x, weight, styles, noise, bias, up)

    assert torch.autograd.gradcheck(layer, inputs)
    assert torch.autograd.gradgradcheck(layer, inputs)


def mixtures(x, mixing):
    return torch.einsum("nkc,nchw->nkhw", mixing, x).flatten(2)


def test_fan_out():
    x, scale, mixing = image(2, 3, 2, 4), randn(2, 3), randn(2, 2, 3)
    scaled, mixed = fan_out(x, scale, mixing)
    torch.testing.assert_close(scaled, x * scale[:, :, None, None])
    torch.testing.assert_close(mixed, mixtures(x, mixing))
    torch.testing.assert_close(fan_out(x, scale, None), (scaled, None))
    torch.testing.assert_close(fan_out(x, None, mixing), (None, mixed))


def test_fan_out_derivatives():
    x, scale, mixing = (tensor.requires_grad_() for tensor in (image(2, 3, 2, 2), randn(2, 3), randn(2, 2, 3)))
    for operation, inputs in (
        (fan_out, (x, scale, mixing)),
        (lambda x, scale: fan_out(x, scale, None)[0], (x, scale)),
        (lambda x, mixing: fan_out(x, None, mixing)[1], (x, mixing)),
    ):
        assert torch.autograd.gradcheck(operation, inputs)
        assert torch.autograd.gradgradcheck(operation, inputs)


def test_shift_is_added_before_the_activation():
    x, left, right = image(2, 3, 2, 2), randn(2, 4, 1), randn(2, 1, 3)
    expected = F.leaky_relu(pixels(x) + left @ right, 0.2)
    torch.testing.assert_close(pixels(shifted_leaky_relu(x.clone(), left, right)), expected)
    torch.testing.assert_close(pixels(shifted_leaky_relu(x.contiguous(), left, right)), expected)


def test_demodulation_gives_unit_variance():
    weight, styles = randn(64, 32, 3, 3), randn(2, 32) + 1
    factors = demodulation(weight.square().sum((2, 3)), styles)
    x = image(2, 32, 32, 32) * styles[:, :, None, None]
    y = F.conv2d(x, weight)[..., 1:-1, 1:-1] * factors[:, :, None, None]
    assert y.square().mean() == pytest.approx(1, abs=0.05)


def test_demodulation_survives_styles_of_zero():
    assert torch.isfinite(demodulation(torch.ones(3, 2), torch.zeros(1, 2))).all()
