"""Several initialisations of one sample: which seeds they take, and which of their results are kept."""

import torch
from torch import Tensor

from insetgan.refine.problem import NO_MASK, OK, PART_MISSING, Result

WELL = (OK, PART_MISSING, NO_MASK)
"""Statuses of results whose objective says how good they are."""


def best_rows(result: Result, starts: int, keep: int) -> Tensor:
    """Choose the best of each sample's results.

    Those with the most parts come first, since a part that is not there costs nothing, then those that ended well, and
    among them those of lowest objective at full weights; equal ones in the order of their starts.

    Args:
        result: of a batch that holds, for each sample, its `starts` initialisations one after the other.
        starts: initialisations a sample.
        keep: how many of them are wanted.

    Returns:
        int64 [samples * keep], rows of the result: sample by sample, the best first.
    """
    started, total = result.started.tolist(), result.total.tolist()
    parts = torch.stack([there.long() for there in result.present.values()]).sum(0).tolist()
    keys = [
        (not begun, -count, status not in WELL, value, row)
        for row, (begun, count, status, value) in enumerate(zip(started, parts, result.status, total, strict=True))
    ]
    samples = [sorted(keys[first : first + starts])[:keep] for first in range(0, len(keys), starts)]
    return torch.tensor([key[-1] for chosen in samples for key in chosen])


def sample_names(seed: int, keep: int) -> list[str]:
    """What the kept results of a sample are called: `3`, or `3-1`, `3-2`, ... with the best first."""
    return [str(seed)] if keep == 1 else [f"{seed}-{rank}" for rank in range(1, keep + 1)]
