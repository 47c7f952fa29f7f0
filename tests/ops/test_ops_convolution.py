"""Convolutions against PyTorch's own, their derivatives of first and second order, and what they leave out."""

import pytest
import torch
import torch.nn.functional as F

from insetgan.ops import convolution
from insetgan.ops.convolution import channels_last, correlate, correlate_adjoint


def randn(*size, seed=0):
    return torch.randn(*size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed + sum(size)))


def image(*size):
    return randn(*size).contiguous(memory_format=torch.channels_last)


OPTIONS = {"plain": (1, 1), "strided": (2, 0), "unpadded": (1, 0)}


@pytest.mark.parametrize(("stride", "padding"), OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("slope", [1.0, 0.2])
def test_correlation(stride, padding, slope):
    x, weight, bias = image(2, 3, 5, 7), randn(4, 3, 3, 3), randn(4)
    expected = F.leaky_relu(F.conv2d(x, weight, bias, stride, padding), slope)
    torch.testing.assert_close(correlate(x, weight, bias, stride=stride, padding=padding, slope=slope), expected)


@pytest.mark.parametrize(("stride", "padding"), OPTIONS.values(), ids=OPTIONS)
def test_adjoint(stride, padding):
    x, weight = image(2, 3, 5, 7), randn(4, 3, 3, 3)
    y = torch.randn_like(correlate(x, weight, stride=stride, padding=padding))
    back = correlate_adjoint(y, weight, x.shape[2:], stride=stride, padding=padding)
    torch.testing.assert_close(back, F.conv_transpose2d(y, weight, stride=stride, padding=padding))


@pytest.mark.parametrize(("stride", "padding"), OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("slope", [1.0, 0.2])
def test_derivatives(stride, padding, slope):
    x, weight, bias = (t.requires_grad_() for t in (image(1, 2, 3, 5), randn(2, 2, 3, 3), randn(2)))

    def forwards(x, weight, bias):
        return correlate(x, weight, bias, stride=stride, padding=padding, slope=slope)

    y = randn(*forwards(x, weight, bias).shape).requires_grad_()

    def backwards(y, weight):
        return correlate_adjoint(y, weight, x.shape[2:], stride=stride, padding=padding)

    for function, inputs in ((forwards, (x, weight, bias)), (backwards, (y, weight))):
        assert torch.autograd.gradcheck(function, inputs)
        assert torch.autograd.gradgradcheck(function, inputs)


def penalty(convolve, x, weight, bias):
    """A gradient penalty of two layers: it has third factors of everything."""
    y = convolve(convolve(x, weight, bias).square(), weight, bias)
    (slope,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
    return slope.square().sum()


def test_gradient_penalty_as_pytorch_has_it():
    x, weight, bias = (t.requires_grad_() for t in (image(2, 3, 4, 4), randn(3, 3, 3, 3), randn(3)))

    def native(x, weight, bias):
        return F.leaky_relu(F.conv2d(x, weight, bias, padding=1), 0.2)

    def own(x, weight, bias):
        return correlate(x, weight, bias, padding=1, slope=0.2)

    inputs = (x, weight, bias)
    wanted, actual = (torch.autograd.grad(penalty(each, *inputs), inputs) for each in (native, own))
    for mine, theirs in zip(actual, wanted, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_inner_pass_of_a_penalty_makes_no_weight_gradients(monkeypatch):
    """Neither for a leaf nor for what is computed from one; an ordinary pass makes them."""
    made = []
    original = convolution._weight_gradient
    monkeypatch.setattr(convolution, "_weight_gradient", lambda *arguments: made.append(1) or original(*arguments))
    x, weight, bias = image(1, 2, 4, 4).requires_grad_(), randn(2, 2, 3, 3).requires_grad_(), randn(2).requires_grad_()
    for factor in (None, 2):
        kernel, again = (weight if factor is None else weight * factor for _ in range(2))
        made.clear()
        (slope,) = torch.autograd.grad(correlate(x, kernel, bias).sum(), x, create_graph=True)
        assert not made
        slope.square().sum().backward(inputs=[weight])
        assert len(made) == 1
        correlate(x, again, bias).sum().backward()
        assert len(made) == 2


@pytest.mark.parametrize(("stride", "padding"), OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("channels", [4, 64])
@pytest.mark.parametrize("kernel", [1, 3])
def test_weight_gradient_as_a_product(stride, padding, channels, kernel):
    """Both ways to compute the gradient of the weight agree."""
    x, weight = image(2, channels, 6, 9).float(), torch.zeros(4, channels, kernel, kernel, requires_grad=True)
    y = F.conv2d(x, weight, stride=stride, padding=padding)
    grad = channels_last(torch.randn_like(y))
    (expected,) = torch.autograd.grad(y, weight, grad)
    actual = convolution._product(x, grad, weight.shape, stride, padding)
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=1e-4)


def test_channels_last_throughout():
    """Gradients come in the memory order of the activations, whatever order the outer gradient has."""
    x, weight = image(2, 3, 6, 6).requires_grad_(), randn(4, 3, 3, 3)
    y = correlate(x, weight, padding=1)
    assert y.is_contiguous(memory_format=torch.channels_last)
    (grad,) = torch.autograd.grad(y, x, torch.ones(y.shape, dtype=y.dtype))
    assert grad.is_contiguous(memory_format=torch.channels_last)
