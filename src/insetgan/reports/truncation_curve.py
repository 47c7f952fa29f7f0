"""How the figures of methods change with the truncation, as a plot."""

import io
import math
from collections.abc import Iterable, Mapping, Sequence

from insetgan.evaluation.cell import Cell, Column
from insetgan.evaluation.tables import ARROWS

INK, GRID = "#1f2328", "#d9dde2"
HUES = ("#5b6470", "#0b6fb8", "#d1570b", "#1b8a5a", "#8a4fbf", "#b8357a", "#8a6d00")
ACROSS, DOWN, DPI = 3.6, 2.9, 110  # inches of one plot, dots an inch
LETTER, LINE = 0.078, 0.19  # inches of a letter and of a line of the legend


def draw_curves(cells: Iterable[Cell], columns: Sequence[Column], methods: Mapping[str, str]) -> bytes:
    """Plot every figure against psi: a row a figure, a column a region, a line a method, its interval as a band.

    Args:
        cells: of at least two truncations.
        columns: the figures; those that no cell has are left out.
        methods: titles by name.

    Returns:
        A PNG.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    known = [cell for cell in cells if cell.trunc is not None]
    shown = [column for column in columns if any(column.key in cell.figures for cell in known)]
    regions = list(dict.fromkeys(cell.region for cell in known))
    entry = LETTER * max(map(len, methods.values())) + 0.6
    width = max(ACROSS * len(regions), entry)
    beside = max(1, int(width / entry))
    above = 0.15 + LINE * math.ceil(len(methods) / beside)
    height = DOWN * len(shown) + above
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(shown), len(regions), squeeze=False)
    handles = {}
    for row, column in zip(grid, shown, strict=True):
        for axes, region in zip(row, regions, strict=True):
            head = f"{column.title}, {region} {ARROWS[column.better]}"
            axes.set_title(head, fontsize=9, color=INK, loc="left", parse_math=False)
            axes.set_xlabel(r"$\psi$", color=INK, fontsize=9)
            axes.grid(color=GRID, linewidth=0.6)
            axes.tick_params(labelsize=8, colors=INK)
            axes.spines[["top", "right"]].set_visible(False)
            drawn = False
            for (name, title), hue in zip(methods.items(), HUES * math.ceil(len(methods) / len(HUES)), strict=False):
                points = sorted(
                    (cell.trunc or 0.0, cell.figures[column.key])
                    for cell in known
                    if (cell.method, cell.region) == (name, region) and column.key in cell.figures
                )
                if not points:
                    continue
                drawn = True
                x = [trunc for trunc, _ in points]
                handles[title] = axes.plot(x, [f.value for _, f in points], "o-", color=hue, lw=1.4, ms=3.5)[0]
                low, high = ([getattr(f, side) for _, f in points] for side in ("low", "high"))
                if None not in low:
                    axes.fill_between(x, low, high, color=hue, alpha=0.15, linewidth=0)
            axes.set_visible(drawn)
    legend = figure.legend(
        handles.values(), handles.keys(), loc="upper center", ncols=min(beside, len(handles)), frameon=False, fontsize=9
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    figure.tight_layout(rect=(0, 0, 1, 1 - above / height))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
