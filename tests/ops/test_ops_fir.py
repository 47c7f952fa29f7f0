"""FIR resampling against a direct definition, and its derivatives."""

import pytest
import torch
import torch.nn.functional as F

from insetgan.ops.fir import blur2d, downsample2d, fir_kernel, upsample2d


def zero_insert(x):
    n, c, h, w = x.shape
    y = x.new_zeros(n, c, 2 * h, 2 * w)
    y[:, :, ::2, ::2] = x
    return y


def convolve(x, kernel, before, after, stride=1):
    """Pad and correlate one channel at a time with the 2-D kernel, as the definition says."""
    x = F.pad(x, (before, after, before, after))
    channels = [F.conv2d(x[:, i : i + 1], kernel[None, None].to(x), stride=stride) for i in range(x.shape[1])]
    return torch.cat(channels, dim=1)


@pytest.fixture
def x():
    return torch.randn(2, 3, 6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_kernel_is_the_published_buffer():
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    assert torch.equal(fir_kernel(), taps[:, None] * taps)
    assert fir_kernel().sum() == 1


@pytest.mark.parametrize("padding", [0, 1, 2, 3])
def test_blur(x, padding):
    torch.testing.assert_close(blur2d(x, padding=padding, gain=4), 4 * convolve(x, fir_kernel(), padding, padding))


def test_upsample(x):
    torch.testing.assert_close(upsample2d(x), 4 * convolve(zero_insert(x), fir_kernel(), 2, 1))


def test_downsample(x):
    torch.testing.assert_close(downsample2d(x), convolve(x, fir_kernel(), 1, 1, stride=2))


def test_downsample_with_a_gain(x):
    torch.testing.assert_close(downsample2d(x, gain=4), 4 * downsample2d(x))


def test_upsampling_is_the_adjoint_of_downsampling(x):
    y = torch.randn(2, 3, 3, 2, dtype=torch.float64)
    torch.testing.assert_close((downsample2d(x) * y).sum() * 4, (x * upsample2d(y)).sum())


def test_constant_stays_constant_inside():
    x = torch.ones(1, 1, 8, 8)
    torch.testing.assert_close(upsample2d(x)[..., 2:-2, 2:-2], torch.ones(1, 1, 12, 12))
    torch.testing.assert_close(downsample2d(x)[..., 1:-1, 1:-1], torch.ones(1, 1, 2, 2))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("operation", [blur2d, lambda x: blur2d(x, padding=2), downsample2d, upsample2d])
def test_first_and_second_derivatives(operation, layout):
    x = torch.randn(1, 2, 4, 4, dtype=torch.float64).contiguous(memory_format=layout).requires_grad_()
    assert torch.autograd.gradcheck(operation, x)
    assert torch.autograd.gradgradcheck(operation, x)


def test_bfloat16_stays_close(x):
    for operation in (blur2d, downsample2d, upsample2d):
        torch.testing.assert_close(operation(x.bfloat16()).double(), operation(x), atol=0.05, rtol=0.05)
