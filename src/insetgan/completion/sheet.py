"""What was completed, beside what it was made from."""

import torch
from torch import Tensor

from insetgan.ops.images import make_grid, to_uint8

HOLE = 0.0
"""Grey of what is not known."""


def completion_sheet(pictures: Tensor, known: Tensor, completions: Tensor, *, columns: int = 8) -> Tensor:
    """Lay pictures out in bands of three rows: with their holes, completed, and as they were.

    Args:
        pictures: [n, 3, h, w] in [-1, 1].
        known: [n, 1, h, w], 1 = known.
        completions: [n, 3, h, w].
        columns: pictures a row.

    Returns:
        uint8 [H, W, 3].
    """
    grey = torch.full_like(pictures, HOLE)
    holed = torch.where(known > 0, pictures, grey)
    bands = []
    for first in range(0, len(pictures), columns):
        rows = torch.cat([some[first : first + columns] for some in (holed, completions, pictures)])
        bands.append(make_grid(rows, min(columns, len(pictures) - first)))
    width = max(band.shape[3] for band in bands)
    padded = [torch.nn.functional.pad(band, (0, width - band.shape[3], 0, 10), value=1.0) for band in bands]
    return to_uint8(torch.cat(padded, dim=2)[:, :, :-10])[0]
