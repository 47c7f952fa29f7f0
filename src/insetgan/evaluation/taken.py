"""Metrics of features as an evaluation takes them: by which extractor, and of whole regions or of squares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from insetgan.evaluation.patches import AROUND_PARTS, SETS
from insetgan.metrics.features import FeatureExtractor
from insetgan.metrics.frechet import FrechetMetric
from insetgan.metrics.registry import FEATURE_METRICS, FeatureMetric, engine_of, feature_metrics

MAIN = ""
"""Name of the extractor that `features=` sets; further ones have the names that `more_features=` gives them."""


def kept_as(region: str, extractor: str = MAIN) -> str:
    """Under which name features of a region, or of a set of squares, are kept."""
    return f"{region}@{extractor}" if extractor else region


def counts_of(squares: str) -> str:
    """Under which name it is kept how many squares each image gave."""
    return f"count.{squares}"


@dataclass(frozen=True)
class Taken:
    """A metric, and what it is taken of.

    Attributes:
        metric: works on features.
        extractor: whose features.
        squares: the set of squares of whole images; empty for each region.
        key: of its column; the metric's own unless given.
        title: of its column; likewise.
    """

    metric: FeatureMetric
    extractor: str = MAIN
    squares: str = ""
    key: str = ""
    title: str = ""

    @property
    def column_key(self) -> str:
        """The key of its column: of a further extractor with its name behind."""
        key = self.key or self.metric.key
        return f"{key}_{self.extractor}" if self.extractor else key

    @property
    def column_title(self) -> str:
        """The title of its column, which names the network."""
        return self.title or self.metric.title

    @property
    def better(self) -> Literal["lower", "higher"]:
        """Which way."""
        return self.metric.better


def taken_metrics(names: Sequence[str], extractors: Mapping[str, FeatureExtractor], size: int) -> list[Taken]:
    """Metrics of features as the user names them, each by all extractors, which stand side by side.

    Args:
        names: of `FEATURE_METRICS` and `SETS`; others are passed over.
        extractors: by name, `MAIN` among them.
        size: of squares, in pixels.

    Raises:
        UserError: see `registry.feature_metrics`.
    """
    taken = []
    plain = {
        name: {
            metric.key: metric for metric in feature_metrics([each for each in names if each in FEATURE_METRICS], of)
        }
        for name, of in extractors.items()
    }
    for key in plain[MAIN]:
        taken += [Taken(metrics[key], name) for name, metrics in plain.items()]
    for key in dict.fromkeys(names):
        if key in SETS:
            for name, of in extractors.items():
                metric = FrechetMetric(of, engine_of(of))
                title = f"{key[0]}{metric.title}, {_squares(SETS[key], size)}"
                taken.append(Taken(metric, name, SETS[key], key, title))
    return taken


def _squares(name: str, size: int) -> str:
    return f"{size}-pixel squares round the parts" if name == AROUND_PARTS else f"random {size}-pixel squares"
