"""StyleGAN3's filters against scipy, and the filtered leaky ReLU against its definition written out."""

import numpy as np
import pytest
import scipy.signal
import scipy.special
import torch

from insetgan.ops.filtered import downsample, filtered_leaky_relu, upsample
from insetgan.ops.kaiser import lowpass, radial_lowpass

DESIGNS = [
    {"taps": 12, "cutoff": 2.0, "width": 12.0, "rate": 32},
    {"taps": 24, "cutoff": 10.4, "width": 2 * 21.6, "rate": 128},
    {"taps": 12, "cutoff": 512.0, "width": 2 * 118.4, "rate": 2048},
    {"taps": 6, "cutoff": 3.0, "width": 1.0, "rate": 16},  # of so little attenuation that the window is flat
]


@pytest.mark.parametrize("design", DESIGNS)
def test_filters_are_those_of_scipy(design):
    taps, cutoff, width, rate = design.values()
    expected = scipy.signal.firwin(taps, cutoff, width=width, fs=rate)
    np.testing.assert_allclose(lowpass(taps, cutoff=cutoff, width=width, rate=rate), expected, atol=1e-7)
    places = (np.arange(taps) - (taps - 1) / 2) / rate
    radius = np.hypot(*np.meshgrid(places, places))
    jinc = 2 * cutoff**2 * np.pi * scipy.special.j1(2 * np.pi * cutoff * radius) / (2 * np.pi * cutoff * radius)
    beta = scipy.signal.kaiser_beta(scipy.signal.kaiser_atten(taps, width / (rate / 2)))
    window = scipy.signal.windows.kaiser(taps, beta)
    expected = jinc * np.outer(window, window)
    found = radial_lowpass(taps, cutoff=cutoff, width=width, rate=rate)
    np.testing.assert_allclose(found, expected / expected.sum(), atol=1e-7)


def written_out(x, up_taps, down_taps, up, down, padding, slope, gain, clamp):
    """Zeros between the samples, zeros round them, each output a sum of products; numpy, one channel."""
    size = len(x)
    raised = np.zeros((size * up, size * up))
    raised[::up, ::up] = x
    before, after = padding
    inner = slice(max(-before, 0), size * up + min(after, 0))
    raised = np.pad(raised[inner, inner], (max(before, 0), max(after, 0)))
    raised = scipy.signal.convolve2d(raised, np.outer(up_taps, up_taps) * up**2, mode="valid")
    raised = np.clip(np.where(raised > 0, raised, slope * raised) * gain, -clamp, clamp)
    plane = down_taps if down_taps.ndim == 2 else np.outer(down_taps, down_taps)
    return scipy.signal.convolve2d(raised, plane, mode="valid")[::down, ::down]


@pytest.mark.parametrize("padding", [(9, 6), (7, 10), (-1, -2), (14, 3)])
@pytest.mark.parametrize(("up", "down"), [(2, 2), (4, 2), (2, 4), (1, 1)])
@pytest.mark.parametrize("radial", [False, True])
def test_the_filtered_leaky_relu_by_its_definition(padding, up, down, radial):
    random = np.random.RandomState(0)
    x = random.randn(2, 3, 11, 11)
    up_taps, down_taps = random.randn(6 if up > 1 else 2), random.randn(*(5, 5) if radial else (5,))
    settings = {"up": up, "down": down, "padding": padding, "slope": 0.2, "gain": 1.5, "clamp": 2.0}
    found = filtered_leaky_relu(*map(torch.from_numpy, (x, up_taps, down_taps)), **settings)
    plane = down_taps[::-1, ::-1] if radial else down_taps[::-1]  # a product without turning, where scipy turns
    for i in range(2):
        for c in range(3):
            expected = written_out(x[i, c], up_taps, plane, **settings)
            np.testing.assert_allclose(found[i, c], expected, atol=1e-10)


def test_a_constant_stays_what_it_is():
    taps = lowpass(12, cutoff=4.0, width=10.0, rate=32)
    raised = upsample(torch.ones(1, 2, 20, 20), taps, 2, (11, 10))
    assert raised.shape == (1, 2, 50, 50)
    torch.testing.assert_close(raised[..., 12:-12, 12:-12], torch.ones(1, 2, 26, 26), atol=2e-3, rtol=0)
    torch.testing.assert_close(downsample(torch.ones(1, 1, 30, 30), taps, 2), torch.ones(1, 1, 10, 10))


def test_gradients_of_both_orders_are_right():
    taps = lowpass(8, cutoff=2.0, width=6.0, rate=16).double()
    plane = radial_lowpass(8, cutoff=2.0, width=6.0, rate=16).double()
    x = torch.randn(1, 2, 5, 5, dtype=torch.double, requires_grad=True)

    def draw(x):
        settings = {"up": 2, "down": 2, "padding": (8, 7), "slope": 0.2, "gain": 1.4, "clamp": 256.0}
        return filtered_leaky_relu(x, taps, plane, **settings).sin()

    assert torch.autograd.gradcheck(draw, [x])
    assert torch.autograd.gradgradcheck(draw, [x])
