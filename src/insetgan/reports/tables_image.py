"""Tables as an image, for slides and for those who do not read LaTeX."""

import io
import textwrap
from typing import TYPE_CHECKING, Any

from insetgan.evaluation.tables import Entry, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, QUIET, RULE = "#1f2328", "#59636e", "#8c959f"
DPI = 160
LINE, NAME, NUMBER = 0.3, 2.6, 1.15  # inches: height of a line, least width of the first column, width of the others
WIDER = 0.75  # of a column whose numbers have intervals
LETTERS = 15.5  # of the caption to an inch
LETTER, NAME_LETTER = 0.055, 0.085  # inches of a letter of an interval and of a method's title


def draw_table(table: Table) -> bytes:
    """Draw a table with rules as booktabs has them: a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    intervals = any(entry.interval for panel in table.panels for _, entries in panel.rows for entry in entries)
    column = NUMBER + WIDER * intervals
    names = max((len(title) for panel in table.panels for title, _ in panel.rows), default=0)
    first = max(NAME, 0.4 + NAME_LETTER * names)
    width = first + column * len(table.columns) + 0.2
    caption = textwrap.wrap(table.caption, max(40, int(width * LETTERS)))
    lines = 2.2 + sum(1.3 + len(panel.rows) for panel in table.panels) + 0.72 * len(caption) + 0.4
    figure = Figure(figsize=(width, lines * LINE), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(lines, 0)
    axes.set_axis_off()
    places = [first + column * (index + 1) for index in range(len(table.columns))]
    line = _draw_heads(axes, table, places, width, column)
    for panel in table.panels:
        longest = max((len(entry.interval) for _, entries in panel.rows for entry in entries), default=0)
        _rule(axes, line, 0.1, width - 0.1, 0.6)
        axes.text(0.1, line + 0.65, panel.title, color=INK, fontsize=9, style="italic", va="center", parse_math=False)
        line += 1.2
        for title, entries in panel.rows:
            axes.text(0.25, line + 0.45, title, color=INK, fontsize=9.5, va="center", parse_math=False)
            for entry, right in zip(entries, places, strict=True):
                _draw_entry(axes, entry, right, line + 0.45, longest)
            line += 1
        line += 0.1
    _rule(axes, line, 0.1, width - 0.1, 1.2)
    told: dict[str, Any] = {"color": QUIET, "fontsize": 7.5, "va": "top", "linespacing": 1.35, "parse_math": False}
    axes.text(0.1, line + 0.3, "\n".join(caption), **told)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})  # the same table, the same bytes
    return buffer.getvalue()


def _draw_heads(axes: "Axes", table: Table, places: list[float], width: float, column: float) -> float:
    """Truncations, and the regions below them where they differ; gives the line after them."""
    _rule(axes, 0.2, 0.1, width - 0.1, 1.2)
    if not any(region for _, region in table.columns):
        for (trunc, _), right in zip(table.columns, places, strict=True):
            axes.text(right, 0.75, rf"$\psi = {trunc:g}$", color=INK, fontsize=9.5, ha="right", va="center")
        return 1.25
    truncs = list(dict.fromkeys(trunc for trunc, _ in table.columns))
    wide = len(places) // len(truncs)
    for index, trunc in enumerate(truncs):
        left, right = places[index * wide] - column + 0.15, places[(index + 1) * wide - 1]
        axes.text((left + right) / 2, 0.7, rf"$\psi = {trunc:g}$", color=INK, fontsize=9.5, ha="center", va="center")
        _rule(axes, 1.15, left, right, 0.6)
    for (_, region), right in zip(table.columns, places, strict=True):
        axes.text(right, 1.6, region.replace("_", " "), color=INK, fontsize=9.5, ha="right", va="center")
    return 2.1


def _draw_entry(axes: "Axes", entry: Entry, right: float, line: float, longest: int) -> None:
    """The number, left of where the longest interval of its panel begins, so that numbers stand below each other."""
    weight = "bold" if entry.best else "normal"
    axes.text(right, line, entry.interval, color=QUIET, fontsize=7, ha="right", va="center")
    reach = LETTER * longest + 0.08 if longest else 0.0
    axes.text(right - reach, line, entry.text, color=INK, fontsize=9.5, weight=weight, ha="right", va="center")


def _rule(axes: "Axes", line: float, left: float, right: float, width: float) -> None:
    axes.plot([left, right], [line, line], color=INK if width > 1 else RULE, linewidth=width, solid_capstyle="butt")
