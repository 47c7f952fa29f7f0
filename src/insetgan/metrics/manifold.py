"""Improved precision and recall: how much of one set lies in the neighbourhoods of the other."""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from insetgan.metrics.features import FeatureExtractor

CHUNK = 1024


def precision_and_recall(real: Tensor, fake: Tensor, k: int = 3) -> tuple[float, float]:
    """Improved precision and recall (Kynkaanniemi et al. 2019).

    Each image is the centre of a ball that reaches to its k-th nearest neighbour in its own set. Precision is the share
    of the fake images that lie in a ball of a real one, recall the share of the real ones in a ball of a fake one.
    Distances are taken in float64 and in chunks: memory grows with n, not with n^2.

    Args:
        real: features [n, d].
        fake: features [m, d].
        k: neighbour, 1 or more; 3 in the paper.

    Raises:
        ValueError: not more than k images on a side.
    """
    x, y = _exact(real), _exact(fake)
    inside_real = covered(y, x, radii(x, k))
    inside_fake = covered(x, y, radii(y, k))
    return float(inside_real.double().mean()), float(inside_fake.double().mean())


def radii(features: Tensor, k: int) -> Tensor:
    """Squared distance of each row of [n, d] to its k-th nearest other row, [n].

    Raises:
        ValueError: not more than k rows.
    """
    if not 1 <= k < len(features):
        raise ValueError(f"k={k}: must be from 1 to {len(features) - 1} with {len(features)} images")
    found = []
    for first in range(0, len(features), CHUNK):
        block = _squares(features[first : first + CHUNK], features)
        block.diagonal(offset=first).fill_(float("inf"))  # an image is no neighbour of itself
        found.append(block.kthvalue(k, dim=1).values)
    return torch.cat(found)


def covered(points: Tensor, centres: Tensor, squared_radii: Tensor) -> Tensor:
    """Whether each row of [m, d] lies in any ball around a row of [n, d], borders included: bool [m]."""
    found = []
    for first in range(0, len(points), CHUNK):
        found.append((_squares(points[first : first + CHUNK], centres) <= squared_radii).any(dim=1))
    return torch.cat(found)


class PrecisionMetric:
    """Share of generated images that look like real ones, see `precision_and_recall`.

    Args:
        extractor: whose features are measured.
        both: gives precision and recall.
        k: neighbour.
    """

    key = "precision"
    better: Literal["lower", "higher"] = "higher"
    bounds = (0.0, 1.0)
    paired = False
    source = "Kynkaanniemi et al. 2019"

    def __init__(
        self, extractor: FeatureExtractor, both: Callable[[Tensor, Tensor], tuple[float, float]], k: int
    ) -> None:
        self.title = f"Precision ({extractor.title})"
        self._both, self._k = both, k

    def measure(self, real: Tensor, fake: Tensor) -> float:
        """Of features [n, d] and [m, d], in 0..1; NaN without more than k on either side."""
        return self._both(real, fake)[0] if min(len(real), len(fake)) > self._k else float("nan")

    def halves(self, real: Tensor, fake: Tensor, rows: Sequence[Tensor]) -> list[float]:
        """Of the fake images of each choice of rows."""
        x = _exact(real)
        inside = covered(_exact(fake), x, radii(x, self._k)).double()
        return [float(inside[each].mean()) for each in rows]


class RecallMetric:
    """Share of real images that look like generated ones, see `precision_and_recall`.

    Args:
        extractor: whose features are measured.
        both: gives precision and recall.
        k: neighbour.
    """

    key = "recall"
    better: Literal["lower", "higher"] = "higher"
    bounds = (0.0, 1.0)
    paired = False
    source = "Kynkaanniemi et al. 2019"

    def __init__(
        self, extractor: FeatureExtractor, both: Callable[[Tensor, Tensor], tuple[float, float]], k: int
    ) -> None:
        self.title = f"Recall ({extractor.title})"
        self._both, self._k = both, k

    def measure(self, real: Tensor, fake: Tensor) -> float:
        """Of features [n, d] and [m, d], in 0..1; NaN without more than k on either side."""
        return self._both(real, fake)[1] if min(len(real), len(fake)) > self._k else float("nan")

    def halves(self, real: Tensor, fake: Tensor, rows: Sequence[Tensor]) -> list[float]:
        """Of the fake images of each choice of rows."""
        x, y = _exact(real), _exact(fake)
        found = []
        for each in rows:
            enough = len(each) > self._k
            found.append(
                float(covered(x, y[each], radii(y[each], self._k)).double().mean()) if enough else float("nan")
            )
        return found


def _exact(features: Tensor) -> Tensor:
    return features.detach().cpu().double()


def _squares(x: Tensor, y: Tensor) -> Tensor:
    """Squared distances [n, m]; the products carry the memory of one chunk."""
    return (x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.T).clamp(min=0)
