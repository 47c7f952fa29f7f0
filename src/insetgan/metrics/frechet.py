"""The Fréchet distance as a metric of tables: FID by Inception, FD by any other network."""

import contextlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from insetgan.metrics.distribution import Frechet, is_inception
from insetgan.metrics.features import FeatureExtractor
from insetgan.metrics.inception import clean_fid

Engine = Literal["cleanfid", "torchmetrics"]
ENGINE_TITLES = {"cleanfid": "clean-fid", "torchmetrics": "torchmetrics"}


@dataclass(frozen=True)
class Moments:
    """Mean [d] and covariance [d, d] of features, float64: all that the Fréchet distance needs of a set of images."""

    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, features: Tensor) -> "Moments":
        """Of features [n, d], n of 2 or more; the covariance over n - 1."""
        exact = features.detach().cpu().double()
        return cls(exact.mean(0), exact.T.cov())


class FrechetMetric:
    """Fréchet distance |m - m'|^2 + tr(S + S' - 2 (S S')^(1/2)) of Gaussians in place of both sets (Heusel et al. 2017).

    Biased upwards by about 1 / n: compare sets of one size only. With fewer images than features it still orders sets,
    but a large part of it is that bias.

    Args:
        extractor: whose features are measured; its name decides whether this is called FID.
        engine: whose implementation.
    """

    key = "fid"
    better: Literal["lower", "higher"] = "lower"
    bounds = (0.0, float("inf"))
    paired = False

    def __init__(self, extractor: FeatureExtractor, engine: Engine) -> None:
        self.title = f"{'FID' if is_inception(extractor.name) else 'FD'} ({extractor.title})"
        self.engine = engine
        self.source = ENGINE_TITLES[engine]

    def measure(self, real: Tensor | Moments, fake: Tensor) -> float:
        """Distance of features [m, d] to those of real images [n, d], or to their moments (then by clean-fid).

        NaN where features are not finite.

        Raises:
            ValueError: fewer than two images on a side, or not the same number of features.
            UserError: clean-fid is needed and not installed.
        """
        if not bool(torch.isfinite(fake).all()):
            return float("nan")
        if isinstance(real, Tensor) and self.engine == "torchmetrics":
            return Frechet(real).distance(fake)
        return by_clean_fid(real if isinstance(real, Moments) else Moments.of(real), Moments.of(fake))

    def halves(self, real: Tensor | Moments, fake: Tensor, rows: Sequence[Tensor]) -> list[float]:
        """Distances of the fake images of each choice of rows, faster than by the engines: see `distances_to`."""
        return distances_to(real if isinstance(real, Moments) else Moments.of(real), [fake[each] for each in rows])


def by_clean_fid(real: Moments, fake: Moments) -> float:
    """Fréchet distance by clean-fid's own function.

    Raises:
        UserError: clean-fid is not installed.
        ValueError: not the same number of features.
    """
    if real.mean.shape != fake.mean.shape:
        raise ValueError(f"{len(fake.mean)} features, but {len(real.mean)} of the real images")
    clean_fid()
    from cleanfid.fid import frechet_distance

    arrays = [each.numpy() for each in (fake.mean, fake.covariance, real.mean, real.covariance)]
    with warnings.catch_warnings(action="ignore"), contextlib.redirect_stdout(io.StringIO()):  # about singular products
        return float(frechet_distance(*arrays))


def distances_to(real: Moments, fakes: Sequence[Tensor]) -> list[float]:
    """Fréchet distances of several sets of features [m, d] to the same real images.

    tr (S S')^(1/2) is the sum of the roots of the eigenvalues of S^(1/2) S' S^(1/2), which is symmetric: one root of S for
    all sets, and for each the eigenvalues of a matrix as large as the smaller of m and d.
    """
    values, vectors = torch.linalg.eigh(real.covariance)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    found = []
    for fake in fakes:
        exact = fake.detach().cpu().double()
        centred = exact - exact.mean(0)
        turned = centred @ root / np.sqrt(len(exact) - 1)
        product = turned.T @ turned if len(exact) > len(root) else turned @ turned.T
        cross = torch.linalg.eigvalsh(product).clamp(min=0).sqrt().sum()
        spread = centred.square().sum() / (len(exact) - 1)
        distance = (exact.mean(0) - real.mean).square().sum() + real.covariance.trace() + spread - 2 * cross
        found.append(float(distance))
    return found
