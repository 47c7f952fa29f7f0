"""Diversity of a set of images: how far two of them are apart."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from insetgan.ops.images import from_uint8

BATCH = 16


def diversity(
    read: Callable[[Sequence[int]], Tensor],
    count: int,
    distance: Callable[[Tensor, Tensor], Tensor],
    *,
    pairs: int = 1000,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> float:
    """Mean distance of random pairs of different images; larger is more diverse, and nothing is said about how real they are.

    Args:
        read: called with some indices, gives these images, uint8 [k, 3, h, w]; never all of them at once.
        count: of images, 2 or more.
        distance: of images [k, 3, h, w] in [-1, 1]: [k]; with the lpips package this is LPIPS diversity.
        pairs: at most; all there are where there are no more.
        seed: of the pairs.
        device: where the distance is.

    Raises:
        ValueError: fewer than two images.
    """
    return float(pair_distances(read, random_pairs(count, pairs, seed), distance, device=device).mean())


@torch.no_grad()
def pair_distances(
    read: Callable[[Sequence[int]], Tensor],
    pairs: Sequence[tuple[int, int]],
    distance: Callable[[Tensor, Tensor], Tensor],
    *,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Distance of each pair of images by their indices, float64 [number of pairs]; see `diversity`."""
    found = []
    for first in range(0, len(pairs), BATCH):
        ours, theirs = zip(*pairs[first : first + BATCH], strict=True)
        sides = [from_uint8(read(indices).permute(0, 2, 3, 1)).to(device) for indices in (ours, theirs)]
        found.append(distance(*sides).double().cpu())
    return torch.cat(found)


def random_pairs(count: int, pairs: int, seed: int) -> list[tuple[int, int]]:
    """Different pairs (i, j), i < j, of `count` things, drawn by a seed; all of them where there are no more than `pairs`.

    Raises:
        ValueError: fewer than two things, or fewer than one pair.
    """
    if count < 2 or pairs < 1:
        raise ValueError(f"{count} images, {pairs} pairs: 2 images and 1 pair are needed")
    total = count * (count - 1) // 2
    if total <= pairs:
        return [(i, j) for j in range(1, count) for i in range(j)]
    random, chosen = np.random.RandomState(seed), dict[tuple[int, int], None]()
    while len(chosen) < pairs:
        i, j = sorted(random.randint(count, size=2).tolist())
        if i != j:
            chosen[i, j] = None
    return list(chosen)
