"""The exponential moving average of a generator, with its half-life counted in images."""

import torch
from torch import nn


def ema_beta(batch_size: int, cur_nimg: int, *, half_life_kimg: float, ramp_up: float | None) -> float:
    """How much of the average survives one iteration: 0.5 ** (batch / half-life).

    Args:
        batch_size: images an iteration.
        cur_nimg: images seen before this iteration.
        half_life_kimg: after that many thousand images a change of the weights has arrived by half.
        ramp_up: the half-life is at most this fraction of the images seen, so that the average forgets the start; None
            for none.

    Returns:
        In 0..1; 0 copies the weights.
    """
    half_life = half_life_kimg * 1000
    if ramp_up is not None:
        half_life = min(half_life, cur_nimg * ramp_up)
    return float(0.5 ** (batch_size / max(half_life, 1e-8)))


@torch.no_grad()
def update_ema(average: nn.Module, current: nn.Module, beta: float) -> None:
    """Move `average` towards `current`: parameters are interpolated, buffers (w_avg, noise) copied."""
    torch._foreach_lerp_(list(average.parameters()), list(current.parameters()), 1 - beta)
    for mine, theirs in zip(average.buffers(), current.buffers(), strict=True):
        mine.copy_(theirs)
