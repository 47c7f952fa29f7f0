"""The kernel distance as a metric of tables: KID by Inception, KD by any other network."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from insetgan.metrics.distribution import SUBSET_SIZE, SUBSETS, Units, is_inception, kernel_distance
from insetgan.metrics.features import FeatureExtractor
from insetgan.metrics.frechet import ENGINE_TITLES, Engine
from insetgan.metrics.inception import clean_fid

_CHUNK = 512


class KernelMetric:
    """Unbiased squared MMD with the kernel (x.y / d + 1)^3 (Binkowski et al. 2018), see `distribution.Reference`.

    Mean over 100 random subsets of 1000 images a side, or of as many as the smaller side has. Near 0, and below as often
    as above, for samples of the same. Features of other networks than Inception enter in units of the real ones' spread.

    Args:
        extractor: whose features are measured; its name decides whether this is called KID.
        engine: whose implementation.
    """

    key = "kid"
    better: Literal["lower", "higher"] = "lower"
    bounds = (-float("inf"), float("inf"))
    paired = False

    def __init__(self, extractor: FeatureExtractor, engine: Engine) -> None:
        self.extractor = extractor.name
        self.title = f"{'KID' if is_inception(extractor.name) else 'KD'} ({extractor.title})"
        self.engine = engine
        self.source = ENGINE_TITLES[engine]

    def measure(self, real: Tensor, fake: Tensor) -> float:
        """Distance of features [m, d] to those of real images [n, d]; NaN where they are not finite.

        Raises:
            ValueError: fewer than two images on a side.
            UserError: clean-fid is needed and not installed.
        """
        if min(len(real), len(fake)) < 2:
            raise ValueError(f"{len(real)} real and {len(fake)} other images: 2 of each are needed")
        if not bool(torch.isfinite(fake).all()):
            return float("nan")
        units = Units(self.extractor, real)
        if self.engine == "torchmetrics":
            return kernel_distance(units.of(real), units.of(fake))
        return _by_clean_fid(units.of(real).numpy(), units.of(fake).numpy())

    def halves(self, real: Tensor, fake: Tensor, rows: Sequence[Tensor]) -> list[float]:
        """The unbiased estimate of all pairs, without subsets, of the fake images of each choice of rows.

        Sums over chosen pairs are w^T K w with w = 1 for the chosen, so one pass over K serves all choices.
        """
        units = Units(self.extractor, real)
        truth, made = units.of(real), units.of(fake)
        weights = torch.zeros(len(fake), len(rows), dtype=torch.float64)
        for column, each in enumerate(rows):
            weights[each, column] = 1
        n, m = len(truth), weights.sum(0)
        own = _kernel_sums(made, made, weights, weights, diagonal=False) / (m * (m - 1))
        all_real = torch.ones(n, 1, dtype=torch.float64)
        theirs = _kernel_sums(truth, truth, all_real, all_real, diagonal=False) / (n * (n - 1))
        across = _kernel_sums(truth, made, all_real.expand(-1, len(rows)), weights, diagonal=True) / (n * m)
        return [float(value) for value in own + theirs - 2 * across]


def _kernel_sums(x: Tensor, y: Tensor, left: Tensor, right: Tensor, *, diagonal: bool) -> Tensor:
    """left^T K right, column by column, without more than `_CHUNK` rows of K in memory; with or without k(x_i, y_i)."""
    total = torch.zeros(right.shape[1], dtype=torch.float64)
    for first in range(0, len(x), _CHUNK):
        rows = slice(first, first + _CHUNK)
        block = (x[rows] @ y.T / x.shape[1] + 1) ** 3
        if not diagonal:
            block.diagonal(offset=first).zero_()
        total += (left[rows] * (block @ right)).sum(0)
    return total


def _by_clean_fid(real: np.ndarray, fake: np.ndarray) -> float:
    """clean-fid draws its subsets from numpy's global generator, which is put back as it was."""
    clean_fid()
    from cleanfid.fid import kernel_distance as theirs

    state = np.random.get_state()  # noqa: NPY002
    try:
        np.random.seed(0)  # noqa: NPY002
        subsets = 1 if max(len(real), len(fake)) <= min(SUBSET_SIZE, len(real), len(fake)) else SUBSETS
        return float(theirs(real, fake, num_subsets=subsets, max_subset_size=SUBSET_SIZE))
    finally:
        np.random.set_state(state)  # noqa: NPY002
