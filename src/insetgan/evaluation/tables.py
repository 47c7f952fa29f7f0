"""From cells to tables in the shape of the paper's Table 1: a row a method, a column a truncation and region."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from insetgan.evaluation.cell import Cell, Column, Figure, merit

WIDEST = 6
"""Columns in which truncations and regions stand side by side; of more, every region has a panel of its own."""

ARROWS = {"lower": "\u2193", "higher": "\u2191", "one": "\u2192 1"}
NONE = "\u2013"


@dataclass(frozen=True)
class Entry:
    """A number as it is shown.

    Attributes:
        text: the number, or a dash where there is none.
        interval: its interval, as "[low, high]"; empty where there is none.
        best: whether nothing in its column is better, where they differ.
    """

    text: str
    interval: str = ""
    best: bool = False


@dataclass(frozen=True)
class Panel:
    """One figure of all methods.

    Attributes:
        title: of the figure, with an arrow towards what is better.
        rows: title of a method and its entries, in the order of the table's columns; methods without any are left out.
    """

    title: str
    rows: Sequence[tuple[str, Sequence[Entry]]]


@dataclass(frozen=True)
class Table:
    """What is shown.

    Attributes:
        columns: truncation and region of each column; the region is empty where panels have one each.
        panels: one below the other.
        caption: what the numbers rest on.
    """

    columns: Sequence[tuple[float, str]]
    panels: Sequence[Panel]
    caption: str


def lay_out(
    cells: Iterable[Cell], columns: Sequence[Column], methods: Mapping[str, str], truncs: Sequence[float], caption: str
) -> Table:
    """Lay out cells.

    Args:
        cells: of all methods, truncations and regions; those of given images stand in every column.
        columns: the figures, a panel each; those that no cell has are left out.
        methods: titles by name, in the order of the rows.
        truncs: in the order of the columns.
        caption: what the numbers rest on.
    """
    known = {(cell.method, cell.trunc, cell.region): cell for cell in cells}
    regions = list(dict.fromkeys(region for _, _, region in known))
    wide = len(truncs) * len(regions) > WIDEST
    places = [(trunc, "" if wide else region) for trunc in truncs for region in (regions[:1] if wide else regions)]

    def panel(column: Column, shown: Sequence[tuple[float, str]], where: str) -> Panel | None:
        rows = {name: [_figure(known, name, trunc, region, column.key) for trunc, region in shown] for name in methods}
        rows = {name: figures for name, figures in rows.items() if any(figures)}
        if not rows:
            return None
        entries = _entries(column, list(rows.values()))
        titles = [methods[name] for name in rows]
        return Panel(f"{column.title}{where} {ARROWS[column.better]}", list(zip(titles, entries, strict=True)))

    panels = []
    for column in columns:
        if wide:
            panels += [panel(column, [(trunc, region) for trunc in truncs], f", {region}") for region in regions]
        else:
            panels.append(panel(column, places, ""))
    return Table(places, [each for each in panels if each is not None], caption)


def decimals(values: Iterable[float]) -> int:
    """Digits behind the point with which the largest of these numbers has four that matter, 2 to 6."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return min(max(3 - math.floor(math.log10(largest)), 2), 6) if largest > 0 else 2


def _figure(
    known: Mapping[tuple[str, float | None, str], Cell], name: str, trunc: float, region: str, key: str
) -> Figure | None:
    cell = known.get((name, trunc, region)) or known.get((name, None, region))
    return cell.figures.get(key) if cell else None


def _is_known(figure: Figure | None) -> TypeGuard[Figure]:
    """Whether there is a number: precision of three images is none."""
    return figure is not None and math.isfinite(figure.value)


def _entries(column: Column, rows: list[list[Figure | None]]) -> list[list[Entry]]:
    """Entries of a panel: all with the same digits, so that they can be compared by eye."""
    digits = decimals(figure.value for row in rows for figure in row if figure)
    texts = [[f"{figure.value:.{digits}f}" if _is_known(figure) else NONE for figure in row] for row in rows]
    entries: list[list[Entry]] = [[] for _ in rows]
    for place in range(len(rows[0])):
        merits = [merit(column, row[place]) for row in rows]
        choice = len({row[place] for row, each in zip(texts, merits, strict=True) if math.isfinite(each)}) > 1
        best = texts[merits.index(min(merits))][place]
        for index, row in enumerate(rows):
            text = texts[index][place]
            # What looks the same as the best is as good, as far as the table tells.
            entries[index].append(Entry(text, _interval(row[place], digits), choice and text == best))
    return entries


def _interval(figure: Figure | None, digits: int) -> str:
    if figure is None or figure.low is None or figure.high is None:
        return ""
    return f"[{figure.low:.{digits}f}, {figure.high:.{digits}f}]"
