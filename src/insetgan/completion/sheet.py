"""What was completed, beside what it was made from."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from insetgan.ops.images import make_grid, to_uint8
from insetgan.ops.titles import stack_titled

HOLE = 0.0
"""Grey of what is not known."""

TITLES = ("given, grey where it is to be filled", "completed", "original")


def completion_sheet(images: Tensor, known: Tensor, completions: Tensor, *, columns: int = 8) -> Tensor:
    """Lay images out in bands of three rows under their titles: with their holes, completed, and as they were.

    Args:
        images: [n, 3, h, w] in [-1, 1].
        known: [n, 1, h, w], 1 = known.
        completions: [n, 3, h, w].
        columns: images a row.

    Returns:
        uint8 [H, W, 3].
    """
    grey = torch.full_like(images, HOLE)
    holed = torch.where(known > 0, images, grey)
    rows = []
    for first in range(0, len(images), columns):
        for title, shown in zip(TITLES, (holed, completions, images), strict=True):
            band = shown[first : first + columns]
            rows.append((title, Image.fromarray(to_uint8(make_grid(band, len(band)))[0].numpy())))
    return torch.from_numpy(np.array(stack_titled(rows)))
