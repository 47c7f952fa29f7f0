"""The image of a run's curves: how each weighted term falls, over all samples."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TOTAL = "total"
SIZE, DPI = (9.0, 5.0), 100  # 900 x 500 pixels
DEEP = 1e-6  # of the highest value: what is smaller leaves through the bottom of the image
LONGEST, LONGEST_WORDS = 24, 36  # letters of a label, and of the words below it
LINE = 0.033  # height of a line of text, as a fraction of the axes
TOTAL_WORDS = "sum at full weights"
INK, GRID = "#1f2328", "#d9dde2"
HUES = ("#0b6fb8", "#d1570b", "#1b8a5a", "#8a4fbf", "#b8357a", "#8a6d00", "#007f8c", "#7a4a2b", "#5b6470")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.2, 1.6)), (0, (6, 2, 1.2, 2)))

Curves = NDArray[np.float32]


@dataclass(frozen=True)
class _Line:
    """One term: its 10 %, 50 % and 90 % over the samples, [3, steps + 1], NaN where no sample has a value."""

    name: str
    words: str
    values: Curves
    colour: str
    dashes: Any

    @property
    def last(self) -> float:
        known = self.values[1][np.isfinite(self.values[1])]
        return float(known[-1])


def plot_curves(
    curves: Mapping[str, Mapping[str, Sequence[float]]],
    weights: Mapping[str, float],
    words: Mapping[str, str] | None = None,
) -> bytes:
    """Draw the weighted terms and their total against the step, on a logarithmic axis.

    A line is the median over the samples, its band the range from 10 % to 90 %. A sample that stopped earlier keeps its
    last value, and so does one whose numbers ran away. Terms of one family, such as border_l1 and border_edge, share a
    hue and differ in their dashes.

    Args:
        curves: by sample, unweighted values by term, and "total", which is weighted already; any lengths.
        weights: by term; terms of weight 0 are left out.
        words: by term, what it is in plain words, written below its name where there is room.

    Returns:
        A PNG of 900 x 500 pixels.

    Raises:
        KeyError: a term without a weight.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Without pyplot, whose figures are state of the whole process.
    figure = Figure(figsize=SIZE, dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.085, 0.11, 0.645, 0.79))
    lines = _lines(curves, weights, words or {})
    count = len(curves)
    about = f"median of {count} samples, band from 10 to 90 %" if count > 1 else "one sample"
    axes.set_title(f"Weighted terms: {about}", loc="left", fontsize=11, color=INK, pad=10)
    axes.set_xlabel("step (updates of the latents)", color=INK)
    axes.set_ylabel("weight times value of the term (no unit)", color=INK)
    if lines:
        _draw(axes, lines)
    else:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no values above zero", ha="center", va="center", color=INK, transform=axes.transAxes)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})  # the same curves, the same bytes
    return buffer.getvalue()


def _lines(
    curves: Mapping[str, Mapping[str, Sequence[float]]], weights: Mapping[str, float], words: Mapping[str, str]
) -> list[_Line]:
    """The lines that have anything to show, the total last, on top of the others."""
    names = sorted({name for one in curves.values() for name in one} - {TOTAL})
    weighted = {name: float(weights[name]) for name in names if weights[name] > 0} | {TOTAL: 1.0}
    families = list(dict.fromkeys(name.partition("_")[0] for name in weighted))
    seen: dict[str, int] = {}
    lines = []
    for name, weight in weighted.items():
        values = _over_samples([one[name] for one in curves.values() if name in one], weight)
        family = name.partition("_")[0]
        place, hue = seen.get(family, 0), families.index(family)
        seen[family] = place + 1
        colour, dashes = HUES[hue % len(HUES)], DASHES[(place + hue // len(HUES)) % len(DASHES)]
        if name == TOTAL:
            colour, dashes = INK, DASHES[0]
        if (values[1] > 0).any():
            lines.append(_Line(name, TOTAL_WORDS if name == TOTAL else words.get(name, ""), values, colour, dashes))
    return lines


def _over_samples(samples: Sequence[Sequence[float]], weight: float) -> Curves:
    """10 %, 50 % and 90 % over the samples at every step, [3, longest], NaN where none has a finite value yet."""
    longest = max(map(len, samples), default=0)
    table = np.full((len(samples), longest), np.nan, np.float32)
    for row, values in zip(table, samples, strict=True):
        row[: len(values)] = values
    table[~np.isfinite(table)] = np.nan
    known = ~np.isnan(table)
    latest = np.maximum.accumulate(np.where(known, np.arange(longest), 0), axis=1)
    table = np.take_along_axis(table, latest, axis=1)  # NaN only before a sample's first value
    shown = ~np.isnan(table).all(axis=0)
    result = np.full((3, longest), np.nan, np.float32)
    if shown.any():
        result[:, shown] = np.nanpercentile(table[:, shown], (10, 50, 90), axis=0) * weight
    return result


def _draw(axes: "Axes", lines: Sequence[_Line]) -> None:
    from matplotlib.ticker import MaxNLocator

    bottom, top = _range(lines)
    axes.set_yscale("log")
    axes.set_ylim(bottom, top)
    steps = max(line.values.shape[1] for line in lines) - 1
    axes.set_xlim(0, max(steps, 1))
    for line in lines:
        low, middle, high = np.where(np.isnan(line.values), np.nan, np.maximum(line.values, bottom / 10))
        order, width = (5, 2.4) if line.name == TOTAL else (3, 1.5)
        index = np.arange(len(middle))
        axes.fill_between(index, low, high, color=line.colour, alpha=0.09, linewidth=0, zorder=order - 2)
        axes.plot(index, middle, color=line.colour, linestyle=line.dashes, linewidth=width, zorder=order)
        if len(middle) == 1:  # a line of one point would not be seen
            axes.plot(index, middle, color=line.colour, marker="o", markersize=4, zorder=order)
    axes.grid(True, color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.tick_params(colors=INK, labelsize=9, length=3)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(GRID)
    _label(axes, lines, bottom, top)


def _range(lines: Sequence[_Line]) -> tuple[float, float]:
    """From below the lowest median worth showing to above the highest value."""
    top = max(float(np.nanmax(line.values)) for line in lines)
    medians = np.concatenate([line.values[1] for line in lines])
    # Offsets start at zero: their first steps may leave through the bottom, where nothing of interest happens.
    lowest = np.percentile(medians[medians > 0], 2)
    return max(float(lowest) * 0.7, top * DEEP), top * 1.5


def _label(axes: "Axes", lines: Sequence[_Line], bottom: float, top: float) -> None:
    """Write each name at the end of its line, in its colour, moved apart where lines end close together.

    Words stand below the names, but where there are too many names for that.
    """
    ordered = sorted(lines, key=lambda line: line.last)
    span = np.log(top / bottom)
    wanted = [min(max(float(np.log(max(line.last, bottom) / bottom) / span), 0.0), 1.0) for line in ordered]
    in_words = any(line.words for line in ordered if line.name != TOTAL) and 2 * LINE * len(ordered) <= 1
    apart = 2 * LINE if in_words else min(0.043, 1 / len(ordered))
    places = _apart(wanted, apart)
    for line, end, place in zip(ordered, wanted, places, strict=True):
        style: dict[str, Any] = {"transform": axes.transAxes, "color": line.colour}
        path = [1.0, 1.012, 1.035, 1.075], [end, end, place, place]
        axes.plot(*path, clip_on=False, linestyle=line.dashes, linewidth=1.3, **style)
        style["fontweight"] = "bold" if line.name == TOTAL else "normal"
        words = _cut(line.words, LONGEST_WORDS) if in_words else ""
        up = LINE / 2 if words else 0.0
        axes.text(1.083, place + up, _cut(line.name, LONGEST), va="center", fontsize=9 if apart > 0.035 else 7, **style)
        if words:
            axes.text(1.083, place - up, words, va="center", fontsize=7, **{**style, "fontweight": "normal"})


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _apart(wanted: Sequence[float], gap: float) -> list[float]:
    """Move sorted places in 0..1 until neighbours are `gap` apart, each as little as the others allow."""
    groups: list[tuple[list[float], float]] = []  # those that touch, and where the first of them stands
    for place in wanted:
        group = [place]
        start = place
        while groups and start < groups[-1][1] + gap * len(groups[-1][0]):
            group = groups.pop()[0] + group
            middle = sum(value - gap * index for index, value in enumerate(group)) / len(group)
            start = min(max(middle, 0.0), 1.0 - gap * (len(group) - 1))
        groups.append((group, start))
    return [start + gap * index for group, start in groups for index in range(len(group))]
