"""The metrics of features by the names that users give them."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol
from weakref import ref

import torch
from torch import Tensor

from insetgan.metrics.discriminative import PairedMetric, UnpairedMetric, discriminative_scores
from insetgan.metrics.features import FeatureExtractor
from insetgan.metrics.frechet import Engine, FrechetMetric
from insetgan.metrics.kernel import KernelMetric
from insetgan.metrics.manifold import PrecisionMetric, RecallMetric, precision_and_recall
from insetgan.runtime.errors import UserError

FEATURE_METRICS: tuple[str, ...] = ("fid", "kid", "pr", "ids")
"""Metrics of the features of whole images and of crops."""

SQUARE_METRICS: tuple[str, ...] = ("kfd", "pfd")
"""Fréchet distances of squares cut out at full size, see `evaluation.patches`."""

FACES = "faces"
"""Names what judges say, see `metrics.judges`."""


class FeatureMetric(Protocol):
    """A number that says how a set of generated images stands to real ones, from features alone.

    Attributes:
        key: in results.json and CSV: fid, kid, precision, recall, p_ids, u_ids.
        title: in tables, with the network: "FID (Inception, clean)", "FD (PartsNet)".
        source: whose definition or implementation, for captions.
        better: which way.
        bounds: the least and the largest value that there is.
        paired: whether a resample takes the same rows of both sides, and not of the generated ones alone.
    """

    key: str
    title: str
    source: str
    better: Literal["lower", "higher"]
    bounds: tuple[float, float]
    paired: bool

    def measure(self, real: Tensor, fake: Tensor) -> float:
        """From features [n, d] and [m, d], float32 on the CPU; computed in float64."""
        ...

    def halves(self, real: Tensor, fake: Tensor, rows: Sequence[Tensor]) -> list[float]:
        """The metric on each resample; `rows` index the generated features, and the real ones too if `paired`."""
        ...


def feature_metrics(
    names: Sequence[str], extractor: FeatureExtractor, *, engine: Engine | None = None, k: int = 3
) -> list[FeatureMetric]:
    """Metrics as the user names them, each once, in the order of `names`; pr and ids give two each.

    Args:
        names: of `FEATURE_METRICS`.
        extractor: whose features will be given; titles say which it is, and only Inception's are called FID and KID.
        engine: of fid and kid, "cleanfid" or "torchmetrics"; None takes clean-fid for clean-fid's own features and
            torchmetrics otherwise, whatever is installed.
        k: neighbour of precision and recall.

    Raises:
        UserError: an unknown name or engine, or k below 1.
    """
    unknown = [name for name in names if name not in FEATURE_METRICS]
    if unknown:
        raise UserError(f"metrics={unknown[0]}: must be among {', '.join(FEATURE_METRICS)}")
    if engine not in (None, "cleanfid", "torchmetrics"):
        raise UserError(f"engine={engine}: must be cleanfid or torchmetrics")
    if k < 1:
        raise UserError(f"k={k}: must be 1 or more")
    chosen = engine or engine_of(extractor)
    near: _Once = _Once(lambda real, fake: precision_and_recall(real, fake, k))
    line: _Once = _Once(discriminative_scores)
    made: dict[str, list[FeatureMetric]] = {
        "fid": [FrechetMetric(extractor, chosen)],
        "kid": [KernelMetric(extractor, chosen)],
        "pr": [PrecisionMetric(extractor, near, k), RecallMetric(extractor, near, k)],
        "ids": [PairedMetric(extractor, line), UnpairedMetric(extractor, line)],
    }
    return [metric for name in dict.fromkeys(names) for metric in made[name]]


def engine_of(extractor: FeatureExtractor) -> Engine:
    """Whose implementation fits an extractor: clean-fid's for clean-fid's own features, torchmetrics' otherwise."""
    return "cleanfid" if extractor.name.startswith("inception_") else "torchmetrics"


class _Once:
    """A pair of numbers that two metrics ask for, one after the other, about the same features."""

    def __init__(self, function: Callable[[Tensor, Tensor], tuple[float, float]]) -> None:
        self._function = function
        self._about: tuple[ref[Tensor], ref[Tensor]] | None = None
        self._versions = (0, 0)
        self._found = (float("nan"), float("nan"))

    def __call__(self, real: Tensor, fake: Tensor) -> tuple[float, float]:
        if not bool(torch.isfinite(fake).all()):
            return float("nan"), float("nan")
        versions = (real._version, fake._version)
        same = self._about is not None and self._about[0]() is real and self._about[1]() is fake
        if not same or versions != self._versions:
            self._found = self._function(real, fake)
            self._about, self._versions = (ref(real), ref(fake)), versions
        return self._found
