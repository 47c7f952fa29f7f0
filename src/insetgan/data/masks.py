"""Masks of parts as text: the lengths of their runs."""

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


def encode_mask(mask: Mask) -> str:
    """Run lengths of a mask [h, w] in row-major order, space separated, starting with a run of zeros."""
    flat = np.concatenate([[False], np.asarray(mask, bool).ravel()])
    edges = np.flatnonzero(np.diff(flat))
    bounds = np.concatenate([[0], edges, [flat.size - 1]])
    runs = np.diff(bounds)
    return " ".join(str(int(run)) for run in runs)


def decode_mask(runs: str, height: int, width: int) -> Mask:
    """Inverse of encode_mask: bool [height, width]. Raises ValueError when the runs do not fill the box."""
    if runs.count(" ") > 2 * height * width + 1:
        raise ValueError(f"mask has more runs than the box's {height * width} pixels can have")
    lengths = [int(run) for run in runs.split()]
    if min(lengths, default=0) < 0 or sum(lengths) != height * width:
        raise ValueError(f"mask runs sum to {sum(lengths)}, the box holds {height * width} pixels")
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(height, width)
