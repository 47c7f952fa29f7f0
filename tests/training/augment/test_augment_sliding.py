"""Mirroring, sliding matrices and wavelets against their definitions."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck, gradgradcheck

from insetgan.training.augment.sliding import reflected, slide, windows
from insetgan.training.augment.wavelets import SYM2, SYM6, downsampling, filter_bank, toeplitz, upsampling


def mirrored_index(place, size):
    """The definition: walk back and forth."""
    path = [*range(size), *range(size - 2, 0, -1)]
    return path[place % len(path)]


@pytest.mark.parametrize("axis", [2, 3])
@pytest.mark.parametrize(("size", "start", "length"), [(5, -3, 11), (5, -23, 60), (2, -7, 15), (4, 3, 9), (6, 1, 3)])
def test_reflected(size, start, length, axis):
    shape = [2, 3, 4, 4]
    shape[axis] = size
    signal = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    index = torch.tensor([mirrored_index(place, size) for place in range(start, start + length)])
    result = reflected(signal, start, length, axis=axis)
    assert torch.equal(result, signal.index_select(axis, index))
    grad = torch.randn_like(result)
    (mine,) = torch.autograd.grad(result, signal, grad)
    (theirs,) = torch.autograd.grad(signal.index_select(axis, index), signal, grad)
    torch.testing.assert_close(mine, theirs)


def test_reflected_agrees_with_torch_where_that_can():
    signal = torch.randn(1, 2, 5, 5)
    assert torch.equal(reflected(signal, -4, 13, axis=3), F.pad(signal, (4, 4, 0, 0), mode="reflect"))


def test_reflected_twice_differentiable():
    signal = torch.randn(1, 1, 3, 4, dtype=torch.float64, requires_grad=True)
    assert gradgradcheck(lambda x: reflected(x, -5, 17, axis=3).pow(2), signal)


@pytest.mark.parametrize("axis", [2, 3])
@pytest.mark.parametrize("samples", [1, 2])
@pytest.mark.parametrize(("size_out", "size_in", "strides"), [(4, 3, (2, 4)), (2, 4, (4, 2)), (5, 3, (2, 2))])
def test_slide(axis, samples, size_out, size_in, strides):
    count = 3
    shape = [2, 2, 3, 3]
    shape[axis] = (count - 1) * strides[0] + size_in
    signal = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    matrix = torch.randn(samples, size_out, size_in, dtype=torch.float64)
    dense = torch.zeros(samples, (count - 1) * strides[1] + size_out, shape[axis], dtype=torch.float64)
    for i in range(count):
        dense[:, i * strides[1] :][:, :size_out, i * strides[0] :][:, :, :size_in] += matrix
    expected = dense[:, None] @ signal if axis == 2 else signal @ dense[:, None].mT
    torch.testing.assert_close(slide(signal, matrix, strides=strides, count=count, axis=axis), expected)
    assert gradcheck(lambda x: slide(x, matrix, strides=strides, count=count, axis=axis), signal)
    assert gradgradcheck(lambda x: slide(x, matrix, strides=strides, count=count, axis=axis).pow(2), signal)


@pytest.mark.parametrize("length", [1, 4, 31, 32, 33, 255, 256, 1024, 4000])
def test_windows_cover_the_length_and_hardly_more(length):
    count, step = windows(length)
    assert length <= count * step < length + count
    assert step <= 128


@pytest.mark.parametrize(("taps", "moments"), [(SYM2, 2), (SYM6, 6)])
def test_symlets_are_orthonormal_with_vanishing_moments(taps, moments):
    taps = np.array(taps)
    assert len(taps) == 2 * moments
    assert taps.sum() == pytest.approx(math.sqrt(2))
    for shift in range(moments):
        assert (taps[2 * shift :] * taps[: len(taps) - 2 * shift]).sum() == pytest.approx(float(shift == 0), abs=1e-9)
    places = np.arange(len(taps)) - len(taps) / 2
    for moment in range(moments):
        assert ((-1) ** np.arange(len(taps)) * places**moment * taps).sum() == pytest.approx(0, abs=1e-6)


def test_toeplitz():
    expected = torch.tensor([[[1.0, 2, 3, 0, 0], [0, 0, 1, 2, 3]]])
    assert torch.equal(toeplitz(torch.tensor([[1.0, 2, 3]]), 2, 2), expected)


def test_downsampling_undoes_upsampling():
    size = 12
    signal = torch.randn(size + 16, dtype=torch.float64)
    upsampled = upsampling(size + 10)[0] @ signal  # its pixel 0 is pixel 3 of the signal
    down = downsampling(size)[
        0
    ]  # from its pixel 1 on, pixel 5 of the window is pixel 6, which is pixel 6 of the signal
    torch.testing.assert_close(down @ upsampled[1 : 1 + down.shape[1]], signal[6 : 6 + size], atol=1e-9, rtol=0)


def test_upsampling_keeps_constants_and_is_the_adjoint_twice():
    up, down = upsampling(8)[0], downsampling(8)[0]
    torch.testing.assert_close(up.sum(1), torch.ones(16, dtype=torch.float64), atol=1e-7, rtol=0)
    torch.testing.assert_close(down.sum(1), torch.ones(8, dtype=torch.float64), atol=1e-9, rtol=0)
    # The taps by which pixel 6 is spread are twice those by which a downsampled one is gathered.
    torch.testing.assert_close(up[:, 6], 2 * torch.cat([torch.zeros(1), down[0, :12], torch.zeros(3)]).double()[:16])


def test_smaller_windows_are_blocks_of_larger_ones():
    assert torch.equal(upsampling(9)[:, :8, :10], upsampling(4))
    assert torch.equal(downsampling(9)[:, :4, :18], downsampling(4))


def response(bank, frequency):
    """Real response of zero-phase filters [4, 43]."""
    return bank @ torch.cos(frequency * (torch.arange(43, dtype=torch.float64) - 21))


def test_filter_bank():
    bank = filter_bank()
    assert bank.shape == (4, 43)
    torch.testing.assert_close(bank, bank.flip(1))
    impulse = torch.zeros(43, dtype=torch.float64)
    impulse[21] = 1
    torch.testing.assert_close(bank.sum(0), impulse)
    assert response(bank, 0.0).tolist() == pytest.approx([1, 0, 0, 0], abs=1e-9)
    assert response(bank, math.pi).tolist() == pytest.approx([0, 0, 0, 1], abs=1e-9)
    for band, frequency in enumerate((1 / 16, 3 / 16, 3 / 8, 3 / 4)):
        assert response(bank, frequency * math.pi).argmax() == band
