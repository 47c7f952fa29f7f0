"""What lies between the layers of StyleGAN3: bands, sampling rates and sizes (Karras et al. 2021, section 3.2)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

LAYERS = 14
"""Layers before the one that makes colours."""
CRITICAL = 2
"""Last layers whose cutoff is half the sampling rate, so that the image has its finest detail."""
MARGIN = 10
"""Pixels on each side round the canvas, so that no layer sees a border; at every sampling rate."""
FIRST_CUTOFF = 2.0
FIRST_STOPBAND = 2.0**2.1
LAST_STOPBAND = 2.0**0.3
"""Of the last layers, in units of their cutoff."""


@dataclass(frozen=True)
class Signal:
    """Features between two layers; frequencies are in cycles a width of the image.

    Attributes:
        cutoff: f_c, the band that the features hold.
        half_width: f_h, from there to the end of the transition band.
        rate: s, samples a width of the image.
        size: rows and columns, with the margin.
        channels: feature maps.
    """

    cutoff: float
    half_width: float
    rate: int
    size: int
    channels: int


def signals(resolution: int, *, channel_base: int, channel_max: int, img_channels: int) -> list[Signal]:
    """What each layer gives, that of colours the last.

    Cutoff and stopband grow geometrically over the layers up to the critically sampled ones; the sampling rate is the least
    power of two that holds the stopband, at most the resolution's.

    Args:
        resolution: rows and columns of the image, a power of two from 16.
        channel_base: a signal of cutoff f_c has min(channel_base / (2 f_c), channel_max) feature maps.
        channel_max: see channel_base.
        img_channels: colours.
    """
    found = []
    for layer in range(LAYERS + 1):
        share = min(layer / (LAYERS - CRITICAL), 1.0)
        last = resolution / 2
        cutoff = FIRST_CUTOFF * (last / FIRST_CUTOFF) ** share
        stopband = FIRST_STOPBAND * (last * LAST_STOPBAND / FIRST_STOPBAND) ** share
        rate = 2 ** math.ceil(math.log2(min(2 * stopband, resolution)))
        size = resolution if layer >= LAYERS - 1 else rate + 2 * MARGIN
        channels = img_channels if layer == LAYERS else round(min(channel_base / 2 / cutoff, channel_max))
        found.append(Signal(cutoff, max(stopband, rate / 2) - cutoff, rate, size, channels))
    return found


def steps(found: list[Signal]) -> Iterator[tuple[str, Signal, Signal]]:
    """The published name of each layer, what it takes and what it gives; the first takes the Fourier features."""
    for layer, given in enumerate(found):
        yield f"L{layer}_{given.size}_{given.channels}", found[max(layer - 1, 0)], given
