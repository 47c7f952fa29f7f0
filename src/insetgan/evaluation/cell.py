"""The cells of an evaluation: what is measured of one method, at one truncation, in one region."""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from insetgan.evaluation.crops import BODY
from insetgan.evaluation.feature_folder import Described
from insetgan.evaluation.real import RealSide
from insetgan.evaluation.taken import Taken, counts_of, kept_as
from insetgan.metrics.bootstrap import interval, mean_interval, trimmed_mean
from insetgan.metrics.judges import SEEN
from insetgan.metrics.measures import Better, Measure
from insetgan.metrics.path_length import TRIM


@dataclass(frozen=True)
class Figure:
    """A number with its interval, where there is one."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Column:
    """A figure as a table shows it.

    Attributes:
        key: in results.json and in the CSV.
        title: in tables.
        better: lower or higher values, or those closest to one.
        of_change: whether it is a change from the start, which is 0 by definition where nothing is optimised: no merit.
    """

    key: str
    title: str
    better: Better
    of_change: bool = False

    @classmethod
    def of(cls, measure: Measure) -> Self:
        """The column of a measure."""
        title = measure.quantity.heading
        return cls(measure.name, title[:1].upper() + title[1:], measure.better, measure.of_change)


@dataclass(frozen=True)
class Cell:
    """What was measured.

    Attributes:
        method: name of the method.
        trunc: psi; None for images that were there already.
        region: "body" or a part.
        n: images on which the region was found.
        missing: images on which it was not.
        figures: by the key of their column.
    """

    method: str
    trunc: float | None
    region: str
    n: int
    missing: int
    figures: Mapping[str, Figure] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """The cell as JSON has it."""
        return asdict(self)


DIVERSITY, PATH = "lpips_diversity", "ppl"
"""Figures whose means count, as those of judges do: distance of an image to another one, and path length."""

OnFigure = Callable[[], None]


@dataclass(frozen=True)
class Measurement:
    """How cells are measured.

    Attributes:
        metrics: those that work on features.
        beside: keys of further figures: names of measures, whose medians count, `DIVERSITY`, `PATH`, and those of judges.
        rounds: of the bootstrap; 0 for no intervals.
        seed: of the bootstrap.
        on_figure: called when a figure of features is known.
    """

    metrics: Sequence[Taken]
    beside: Sequence[str] = ()
    rounds: int = 0
    seed: int = 0
    on_figure: OnFigure = lambda: None

    def cell(self, method: str, trunc: float | None, region: str, real: RealSide, fake: Described) -> Cell:
        """Measure one cell.

        Args:
            method: see `Cell`.
            trunc: likewise.
            region: likewise.
            real: the real images.
            fake: features of the method's images.
        """
        found = fake.found[region]
        figures: dict[str, Figure] = {}
        for taken in self.metrics:
            if not taken.squares or region == BODY:
                place = kept_as(taken.squares or region, taken.extractor)
                if real.count(place) >= 2 and len(fake.features[place]) >= 2:
                    figures[taken.column_key] = self._figure(taken, real.side(place, taken.metric.key), place, fake)
            self.on_figure()
        for key in self.beside:
            if (known := self._beside(key, region, fake.figures)) is not None:
                figures[key] = known
        return Cell(method, trunc, region, int(found.sum()), int((~found).sum()), figures)

    def _figure(self, taken: Taken, real: Any, place: str, described: Described) -> Figure:
        metric, fake = taken.metric, described.features[place]
        counts = described.figures[counts_of(taken.squares)].long() if taken.squares else None
        resampling: dict[str, Any] = {"rounds": self.rounds, "seed": self.seed, "counts": counts}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the caption says how many images there are
            value = metric.measure(real, fake)
            if self.rounds and math.isfinite(value):
                return _figure(value, *interval(metric, real, fake, value=value, **resampling))
        return _figure(value)

    def _beside(self, key: str, region: str, figures: Mapping[str, Tensor]) -> Figure | None:
        # What is measured on the whole image, and not by part, stands in the column of the whole image.
        name = key if key in figures and region == BODY else f"{key}.{region}"
        values = figures.get(name, torch.empty(0)).double().numpy()
        values = values[np.isfinite(values)]
        if not len(values):
            return None
        if key in (DIVERSITY, PATH) or key.startswith(SEEN):
            trim = TRIM if key == PATH else 0.0
            settings: dict[str, Any] = {"rounds": self.rounds, "seed": self.seed, "trim": trim}
            ends = mean_interval(torch.from_numpy(values), **settings) if self.rounds else ()
            return _figure(trimmed_mean(values, trim), *ends)
        if not self.rounds:
            return _figure(float(np.median(values)))
        draws = np.random.RandomState(self.seed).randint(len(values), size=(self.rounds, len(values)))
        low, high = np.quantile(np.median(values[draws], axis=1), (0.025, 0.975))
        return _figure(float(np.median(values)), float(low), float(high))


def _figure(value: float, *ends: float) -> Figure:
    """A figure whose interval is left out where it means nothing."""
    low, high = ends if ends and all(map(math.isfinite, ends)) else (None, None)
    return Figure(value, low, high)


def merit(column: Column, figure: Figure | None) -> float:
    """How good a figure is: the lower, the better; infinite where there is none, and for a change of nothing."""
    if figure is None or not math.isfinite(figure.value) or (column.of_change and figure.value == 0):
        return math.inf
    return {"lower": figure.value, "higher": -figure.value, "one": abs(figure.value - 1)}[column.better]
