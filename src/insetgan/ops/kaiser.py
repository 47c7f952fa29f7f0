"""Low-pass filters by Kaiser's window, as StyleGAN3 designs them (Karras et al. 2021, appendix C.1)."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def lowpass(taps: int, *, cutoff: float, width: float, rate: float) -> Tensor:
    """Design a separable filter: an ideal low-pass under a Kaiser window, with the sum 1.

    Args:
        taps: length, 2 or more.
        cutoff: middle of the transition band, where the gain is a half; of the unit of `rate`.
        width: of the transition band.
        rate: sampling rate.

    Returns:
        float32 [taps], the values of `scipy.signal.firwin(taps, cutoff, width=width, fs=rate)`.
    """
    ideal = np.sinc(2 * cutoff / rate * _places(taps))
    values = ideal * _window(taps, width, rate)
    return torch.from_numpy((values / values.sum()).astype(np.float32))


def radial_lowpass(taps: int, *, cutoff: float, width: float, rate: float) -> Tensor:
    """Design a filter that is the same in all directions: jinc under a Kaiser window along both axes, with the sum 1.

    Args:
        taps: length of a side, even, so that no tap lies in the middle.
        cutoff: see `lowpass`.
        width: see `lowpass`.
        rate: see `lowpass`.

    Returns:
        float32 [taps, taps].
    """
    places = _places(taps) / rate
    radius = np.hypot(places[:, None], places)
    bessel = torch.special.bessel_j1(torch.from_numpy(2 * math.pi * cutoff * radius)).numpy()
    window = _window(taps, width, rate)
    values = bessel / radius * np.outer(window, window)
    return torch.from_numpy((values / values.sum()).astype(np.float32))


def _places(taps: int) -> NDArray[np.float64]:
    """Places of the taps round the middle, in samples."""
    return np.arange(taps, dtype=np.float64) - (taps - 1) / 2


def _window(taps: int, width: float, rate: float) -> NDArray[np.float64]:
    """Kaiser's window of the attenuation that this length reaches over this transition band (Kaiser 1974)."""
    attenuation = 2.285 * (taps - 1) * math.pi * width / (rate / 2) + 7.95
    if attenuation > 50:
        beta = 0.1102 * (attenuation - 8.7)
    elif attenuation > 21:
        beta = 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21)
    else:
        beta = 0.0
    return np.kaiser(taps, beta)
