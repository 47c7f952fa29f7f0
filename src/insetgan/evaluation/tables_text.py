"""Tables as text: Markdown, LaTeX with booktabs, and CSV for other programs."""

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence

from insetgan.evaluation.cell import Cell, Column, merit
from insetgan.evaluation.tables import Entry, Table

_TEX = {"\u2193": r"$\downarrow$", "\u2191": r"$\uparrow$", "\u2192": r"$\to$", "\u2013": "--"}
_SPECIAL = re.compile(r"[&%$#_{}~^\\]")
_SPOKEN = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def markdown(table: Table) -> str:
    """The table in Markdown: a table a panel, then the caption."""
    heads = [f"psi {trunc:g}{f', {region}' if region else ''}" for trunc, region in table.columns]
    blocks = []
    for panel in table.panels:
        lines = [_line([panel.title, *heads]), _line(["---", *("---:" for _ in heads)])]
        lines += [_line([_mark(title), *(_bold_markdown(entry) for entry in entries)]) for title, entries in panel.rows]
        blocks.append("\n".join(lines))
    return "\n\n".join([*blocks, _mark(table.caption)]) + "\n"


def latex(table: Table, label: str = "tab:evaluation") -> str:
    """The table in LaTeX, for a document that uses the package booktabs: one tabular, its panels one below the other."""
    count = len(table.columns)
    lines = [r"\begin{table}", r"  \centering", rf"  \begin{{tabular}}{{l{'r' * count}}}", r"    \toprule"]
    lines += [f"    {line}" for line in _heads(table)]
    for panel in table.panels:
        title = _tex(panel.title)
        lines += [r"    \midrule", rf"    \multicolumn{{{count + 1}}}{{l}}{{\emph{{{title}}}}} \\"]
        lines += [f"    {' & '.join([_tex(name), *map(_bold_latex, entries)])} \\\\" for name, entries in panel.rows]
    lines += [r"    \bottomrule", r"  \end{tabular}", rf"  \caption{{{_tex(table.caption)}}}"]
    return "\n".join([*lines, rf"  \label{{{label}}}", r"\end{table}"]) + "\n"


def comma_separated(cells: Iterable[Cell], columns: Sequence[Column], methods: Mapping[str, str]) -> str:
    """All figures as CSV, a row a figure.

    Columns: method, title, trunc (empty for given images), region, metric, name, better, value, low, high, n, missing,
    best (1 where no other method at this truncation and in this region is better, and one is worse).
    """
    known = list(cells)
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow("method title trunc region metric name better value low high n missing best".split())
    for cell in known:
        others = [c for c in known if c.region == cell.region and (c.trunc in (cell.trunc, None) or cell.trunc is None)]
        for column in columns:
            if (figure := cell.figures.get(column.key)) is None:
                continue
            merits = [merit(column, other.figures.get(column.key)) for other in others]
            known_merits = {each for each in merits if math.isfinite(each)}
            best = int(len(known_merits) > 1 and merit(column, figure) <= min(known_merits))
            numbers = ["" if number is None else f"{number:.6g}" for number in (figure.value, figure.low, figure.high)]
            trunc = "" if cell.trunc is None else f"{cell.trunc:g}"
            about = [cell.method, methods[cell.method], trunc, cell.region, column.key, column.title, column.better]
            rows.writerow([*about, *numbers, cell.n, cell.missing, best])
    return file.getvalue()


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _mark(text: str) -> str:
    return text.replace("|", r"\|")


def _bold_markdown(entry: Entry) -> str:
    number = f"**{entry.text}**" if entry.best else entry.text
    return f"{number} {entry.interval}".rstrip()


def _bold_latex(entry: Entry) -> str:
    number = rf"\textbf{{{entry.text}}}" if entry.best else _tex(entry.text)
    return number + (rf" {{\scriptsize {entry.interval}}}" if entry.interval else "")


def _heads(table: Table) -> list[str]:
    """One line with the truncations, and one with the regions below them where they differ."""
    regions = [region for _, region in table.columns]
    if not any(regions):
        return [" & ".join(["", *(rf"$\psi = {trunc:g}$" for trunc, _ in table.columns)]) + r" \\"]
    truncs = list(dict.fromkeys(trunc for trunc, _ in table.columns))
    wide = len(regions) // len(truncs)
    tops = [rf"\multicolumn{{{wide}}}{{c}}{{$\psi = {trunc:g}$}}" for trunc in truncs]
    rules = [rf"\cmidrule(lr){{{2 + wide * index}-{1 + wide * (index + 1)}}}" for index in range(len(truncs))]
    return [" & ".join(["", *tops]) + r" \\", " ".join(rules), " & ".join(["", *map(_tex, regions)]) + r" \\"]


def _tex(text: str) -> str:
    escaped = _SPECIAL.sub(lambda match: _SPOKEN.get(match[0], "\\" + match[0]), text)
    for sign, command in _TEX.items():
        escaped = escaped.replace(sign, command)
    return "{[}" + escaped[1:] if escaped.startswith("[") else escaped  # it would belong to the line break before it
