"""The perceptual distance: differences of unit-length feature vectors, as LPIPS takes them, on any features."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional


class Perceptual(Protocol):
    """What gives images features; PartsNet is one."""

    def features(self, images: Tensor) -> tuple[Tensor, ...]:
        """Describe images [n, 3, h, w] in [-1, 1] at several scales, each [n, c, h', w']."""
        ...

    def files(self) -> Sequence[Path]:
        """The files that it reads; see `runtime.fingerprint`."""
        ...


@runtime_checkable
class Weighing(Protocol):
    """A `Perceptual` that scales its unit features itself, as LPIPS does by channel."""

    def compared(self, images: Tensor) -> tuple[Tensor, ...]:
        """Describe images [n, 3, h, w] in [-1, 1] so that `feature_distance` of two descriptions is its distance."""
        ...


def describe(perceptual: Perceptual, images: Tensor) -> tuple[Tensor, ...]:
    """Describe images [n, 3, h, w] in [-1, 1] for `feature_distance`: by unit features, unless the network weighs them."""
    if isinstance(perceptual, Weighing):
        return perceptual.compared(images)
    return unit_features(perceptual.features(images))


def unit_features(features: Sequence[Tensor], epsilon: float = 1e-8) -> tuple[Tensor, ...]:
    """Scale the feature vector of every place to length 1 (a zero vector stays zero), in float32 at least.

    Args:
        features: at several scales, each [n, c, h, w].
        epsilon: added to the squared length, so that the gradient at a zero vector is finite.
    """
    exact = [feature.to(torch.promote_types(feature.dtype, torch.float32)) for feature in features]
    return tuple(feature * torch.rsqrt(feature.square().sum(1, keepdim=True) + epsilon) for feature in exact)


def feature_distance(ours: Sequence[Tensor], theirs: Sequence[Tensor], where: Tensor | None = None) -> Tensor:
    """Distance of two descriptions of the same size.

    Args:
        ours: unit features at several scales, each [n, c, h', w'].
        theirs: the same of the other images.
        where: weights of the places, [n or 1, 1, h, w] at any resolution; everywhere alike when absent. They are
            brought to each scale by averaging, so a place of a coarse scale counts by how much of it is meant.

    Returns:
        [n]: squared difference summed over channels (0 to 4 for unit features), weighted mean over places, mean over scales.
    """
    scales = []
    for mine, other in zip(ours, theirs, strict=True):
        difference = (mine - other).square().sum(1, keepdim=True)
        if where is None:
            scales.append(difference.mean((1, 2, 3)))
            continue
        weights = functional.adaptive_avg_pool2d(where.to(difference), (difference.shape[2], difference.shape[3]))
        weighed = (difference * weights).sum((1, 2, 3))
        scales.append(weighed / weights.sum((1, 2, 3)).clamp(min=1e-12))
    return torch.stack(scales).mean(0)
