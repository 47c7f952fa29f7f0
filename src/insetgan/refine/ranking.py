"""Several initialisations of one sample: which seeds they take, and which of their results are kept."""

import torch
from torch import Tensor

from insetgan.refine.problem import Result


def best_rows(result: Result, starts: int, keep: int) -> Tensor:
    """Choose the best of each sample's results, by the objective at full weights; those that are well come first.

    Args:
        result: of a batch that holds, for each sample, its `starts` initialisations one after the other.
        starts: initialisations a sample.
        keep: how many of them are wanted.

    Returns:
        int64 [samples * keep], rows of the result: sample by sample, the best first; equal ones in the order of their starts.
    """
    total = torch.where(result.started, result.total.cpu().double(), torch.inf).view(-1, starts)
    order = total.argsort(dim=1, stable=True)[:, :keep]
    return (order + torch.arange(len(total))[:, None] * starts).flatten()


def sample_names(seed: int, keep: int) -> list[str]:
    """What the kept results of a sample are called: `3`, or `3-1`, `3-2`, ... with the best first."""
    return [str(seed)] if keep == 1 else [f"{seed}-{rank}" for rank in range(1, keep + 1)]
