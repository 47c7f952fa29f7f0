"""The wavelets of the pipeline: sym6 for resampling, a filter bank made of sym2 (appendix B).

Both are Daubechies' least asymmetric orthogonal wavelets, with as many vanishing moments as the name says.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

SYM2 = (-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025)
SYM6 = (
    0.015404109327027373,
    0.0034907120842174702,
    -0.11799011114819057,
    -0.048311742585633,
    0.4910559419267466,
    0.787641141030194,
    0.3379294217276218,
    -0.07263752278646252,
    -0.021060292512300564,
    0.04472490177066578,
    0.0017677118642428036,
    -0.007800708325034148,
)
BANDS = 4


def toeplitz(taps: Tensor, rows: int, step: int = 1) -> Tensor:
    """Matrices whose row i holds the taps from column step * i on.

    Args:
        taps: [n, length].
        rows: of each matrix.
        step: columns that the taps move by from row to row.

    Returns:
        [n, rows, (rows - 1) * step + length].
    """
    length = taps.shape[1]
    columns = torch.arange((rows - 1) * step + length, device=taps.device)
    index = columns - step * torch.arange(rows, device=taps.device)[:, None]
    return taps[:, index.clamp(0, length - 1)] * ((index >= 0) & (index < length))


def downsampling(size: int) -> Tensor:
    """Halve the rate by sym6: [1, size, 2 size + 10]; pixel 0 of the result lies on pixel 5 of the window."""
    return toeplitz(torch.tensor([SYM6], dtype=torch.float64), size, 2) / 2**0.5


def upsampling(size: int) -> Tensor:
    """Double the rate by sym6: [1, 2 size, size + 6]; pixel 0 of the result lies on pixel 3 of the window.

    `downsampling` undoes it, because the wavelet is orthogonal; the two are adjoint up to a factor of 2.
    """
    scattered = toeplitz(torch.tensor([SYM6], dtype=torch.float64), size + 6, 2) * 2**0.5
    return scattered[:, :, 11 : 11 + 2 * size].mT.contiguous()


def filter_bank() -> Tensor:
    """Zero-phase band-pass filters, float64 [4, 43], from low to high frequencies; they sum to the unit impulse.

    The bands are [0, pi / 8], [pi / 8, pi / 4], [pi / 4, pi / 2] and [pi / 2, pi].
    """
    taps = torch.tensor(SYM2, dtype=torch.float64)
    low = _convolve(taps[None], taps.flip(0)) / 2
    high = low * torch.tensor([-1, 1, -1, 1, -1, 1, -1])
    bank = torch.ones(1, 1, dtype=torch.float64)
    for _ in range(BANDS - 1):
        # Squeeze the bands to half their frequencies and keep the copies near zero; the rest is the new band.
        squeezed = torch.zeros(len(bank), 2 * bank.shape[1] - 1, dtype=torch.float64)
        squeezed[:, ::2] = bank
        bank = _convolve(squeezed, low[0])
        margin = (bank.shape[1] - high.shape[1]) // 2
        bank = torch.cat([bank, F.pad(high, (margin, margin))])
    return bank


def _convolve(signals: Tensor, taps: Tensor) -> Tensor:
    """Full convolution of [n, length] with [taps]."""
    return F.conv1d(signals[:, None], taps.flip(0)[None, None], padding=len(taps) - 1)[:, 0]
