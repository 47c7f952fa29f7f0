"""The figures of a sweep's runs side by side, as CSV and for the page."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from insetgan.metrics.measures import Quantity
from insetgan.reports.report import aligned, base_name, flat_figures
from insetgan.reports.sweep_runs import Run

Figure = tuple[str, str]


@dataclass(frozen=True)
class Cell:
    """A cell on the page: text, a second line, what it is sorted by, whether nothing in its column is better, and a hint."""

    text: str
    small: str = ""
    value: float | str | None = None
    best: bool = False
    hint: str = ""


@dataclass(frozen=True)
class Line:
    """A run on the page: its cells, in the order of the columns, its images as a data URI, and where its report is."""

    cells: list[Cell]
    images: str
    link: str


@dataclass(frozen=True)
class Table:
    """What the page shows: the titles of the columns and a line a run."""

    columns: list[str]
    lines: list[Line]


def write_table(path: Path, runs: Sequence[Run], keys: Sequence[str]) -> None:
    """Write the runs as CSV, a row each.

    Args:
        path: the file.
        runs: of the sweep.
        keys: overrides that differ between them, a column each.

    Columns: run, the overrides, problem, n, then median and 90th percentile of each figure, by part where it is measured by
    part, then how often each status occurred.
    """
    figures = _figures(runs)
    statuses = sorted({status for run in runs for status in _statuses(run)})
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        columns = [f"{'.'.join(filter(None, figure))}.{kind}" for figure in figures for kind in ("median", "p90")]
        table.writerow(["run", *keys, "problem", "n", *columns, *(f"status.{status}" for status in statuses)])
        for run in runs:
            numbers = [number for figure in figures for number in _spread(run, figure)]
            row: list[Any] = [
                run.folder.name,
                *(_asked(run, key) for key in keys),
                run.problem,
                len(run.records),
            ]
            row += ["" if number is None else f"{number:.6g}" for number in numbers]
            table.writerow(row + [_statuses(run)[status] for status in statuses])


def html_table(runs: Sequence[Run], keys: Sequence[str], images: Sequence[str], links: Sequence[str]) -> Table:
    """Lay out the runs for the page: overrides, samples, and medians after the refinement.

    Args:
        runs: of the sweep.
        keys: overrides that differ between them.
        images: of each run, as a data URI; empty where there are none.
        links: address of each run's report or folder; empty where there is none.
    """
    figures = [figure for figure in _figures(runs) if not figure[0].endswith("_before")]
    columns = [
        [Cell(_short(run, keys), value=number, hint=run.folder.name) for number, run in enumerate(runs)],
        *([_override(run, key) for run in runs] for key in keys),
    ]
    columns += [_samples(runs)]
    # Objectives of other weights are other objectives, so none of them is the best.
    weighed = any(key.lstrip("~").startswith(("objective", "schedule")) for key in keys)
    known = _quantities(runs)
    for figure in figures:
        spreads = [_spread(run, figure) for run in runs]
        said = known.get(base_name(figure[0]))
        medians = [median for median, _ in spreads]
        merits = (
            [None] * len(runs) if weighed and figure[0] == "objective" else [_merit(said, each) for each in medians]
        )
        columns.append(_cells(spreads, merits))
    titles = ["run", *keys, "samples", *(_title(figure, known) for figure in figures)]
    lines = [
        Line([column[index] for column in columns], *shown)
        for index, shown in enumerate(zip(images, links, strict=True))
    ]
    return Table(titles, lines)


def _short(run: Run, keys: Sequence[str]) -> str:
    """A run's number where columns say what was asked of it: its folder's name has the settings that all runs share, too."""
    number, mark, _ = run.folder.name.partition("_")
    return number if mark and keys and number.isdecimal() else run.folder.name


def _figures(runs: Sequence[Run]) -> list[Figure]:
    """All figures that any run has, in the order of the records, but for those that are nowhere known."""
    known = (flat_figures(record, run.quantities).items() for run in runs for record in run.records)
    return list(dict.fromkeys(figure for figures in known for figure, number in figures if number is not None))


def _spread(run: Run, figure: Figure) -> tuple[float | None, float | None]:
    """Median and 90th percentile over the samples that have the figure."""
    found = [flat_figures(record, run.quantities).get(figure) for record in run.records]
    known = [number for number in found if number is not None]
    if not known:
        return None, None
    median, high = np.percentile(known, (50, 90))
    return float(median), float(high)


def _statuses(run: Run) -> Counter[str]:
    return Counter(str(record.get("status")) for record in run.records)


def _asked(run: Run, key: str) -> str:
    """The value of an override; a key with a tilde has none, and says that something was removed."""
    return (run.overrides[key] or "removed") if key in run.overrides else ""


def _override(run: Run, key: str) -> Cell:
    text = _asked(run, key)
    try:
        return Cell(text, value=float(text))
    except ValueError:
        return Cell(text, value=text)


def _samples(runs: Sequence[Run]) -> list[Cell]:
    """How many samples, how they ended; sorted and judged by the share that ended well."""
    counts = [_statuses(run) for run in runs]
    shares = [count["ok"] / count.total() if count else None for count in counts]
    cells = []
    for index, (run, count) in enumerate(zip(runs, counts, strict=True)):
        ended = ", ".join(f"{number} {status.replace('_', ' ')}" for status, number in count.most_common())
        text = str(len(run.records)) if run.records else run.problem
        merits = [None if share is None else -share for share in shares]
        cells.append(Cell(text, ended, shares[index], _is_best(merits, index)))
    return cells


def _cells(spreads: Sequence[tuple[float | None, float | None]], merits: Sequence[float | None]) -> list[Cell]:
    """The cells of a column, all with the same decimals."""
    texts = [iter(aligned([number for number in side if number is not None])) for side in zip(*spreads, strict=True)]
    cells = []
    for index, (median, high) in enumerate(spreads):
        if median is None or high is None:
            cells.append(Cell(""))
        else:
            text, small = (next(each) for each in texts)
            cells.append(Cell(text, f"90 %: {small}", median, _is_best(merits, index)))
    return cells


def _merit(said: Quantity | None, median: float | None) -> float | None:
    """How good a median is: the lower, the better. A change of nothing is 0 by definition, and has no merit."""
    if median is None or (said is not None and said.of_change and median == 0):
        return None
    better = said.better if said is not None else "lower"
    return {"lower": median, "higher": -median, "one": abs(median - 1)}[better]


def _is_best(merits: Sequence[float | None], index: int) -> bool:
    """Whether nothing is better, where there is anything to choose from."""
    known = {merit for merit in merits if merit is not None}
    return len(known) > 1 and merits[index] == min(known)


def _quantities(runs: Sequence[Run]) -> dict[str, Quantity]:
    """What the numbers of all runs are, by name."""
    return {name: quantity for run in runs for name, quantity in run.quantities.items()}


def _title(figure: Figure, known: Mapping[str, Quantity]) -> str:
    """The title of a column: name, part and unit."""
    key, part = figure
    said = known.get(base_name(key))
    title = said.title if said is not None else base_name(key).replace("_", " ")
    whole = f"{title}, {part.replace('_', ' ')}" if part else title
    return f"{whole} ({said.unit})" if said is not None and said.unit else whole
