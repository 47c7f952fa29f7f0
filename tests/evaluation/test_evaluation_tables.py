"""Tables against what a person would write by hand."""

import csv
import io

import pytest
from PIL import Image

from insetgan.evaluation.cell import Cell, Column, Figure
from insetgan.evaluation.tables import decimals, lay_out
from insetgan.evaluation.tables_text import comma_separated, latex, markdown
from insetgan.reports.tables_image import draw_table
from insetgan.reports.truncation_curve import draw_curves

FID, SEAM = Column("fid", "FID (Inception)", "lower"), Column("seam", "Seam", "one")
METHODS = {"plain": "Unconditional", "joint": "InsetGAN (joint)"}
PAPER = {  # Table 1 of the paper
    ("plain", 0.7): (26.67, 27.14), ("plain", 0.4): (71.90, 66.61),
    ("joint", 0.7): (25.33, 31.61), ("joint", 0.4): (69.58, 61.57),
}  # fmt: skip


def cells(figures=lambda method, region: {}):
    return [
        Cell(method, trunc, region, 500, 0, {"fid": Figure(value), **figures(method, region)})
        for (method, trunc), values in PAPER.items()
        for region, value in zip(("body", "face"), values, strict=True)
    ]


def table(*columns, **options):
    return lay_out(cells(**options), columns or [FID], METHODS, [0.7, 0.4], "n = 500, features: Inception & co.")


def test_markdown_is_the_papers_table_with_its_bold_numbers():
    assert markdown(table()) == (
        "| FID (Inception) \u2193 | psi 0.7, body | psi 0.7, face | psi 0.4, body | psi 0.4, face |\n"
        "| --- | ---: | ---: | ---: | ---: |\n"
        "| Unconditional | 26.67 | **27.14** | 71.90 | 66.61 |\n"
        "| InsetGAN (joint) | **25.33** | 31.61 | **69.58** | **61.57** |\n"
        "\n"
        "n = 500, features: Inception & co.\n"
    )


def test_latex_is_booktabs():
    assert (
        latex(table(), "tab:one")
        == r"""\begin{table}
  \centering
  \begin{tabular}{lrrrr}
    \toprule
     & \multicolumn{2}{c}{$\psi = 0.7$} & \multicolumn{2}{c}{$\psi = 0.4$} \\
    \cmidrule(lr){2-3} \cmidrule(lr){4-5}
     & body & face & body & face \\
    \midrule
    \multicolumn{5}{l}{\emph{FID (Inception) $\downarrow$}} \\
    Unconditional & 26.67 & \textbf{27.14} & 71.90 & 66.61 \\
    InsetGAN (joint) & \textbf{25.33} & 31.61 & \textbf{69.58} & \textbf{61.57} \\
    \bottomrule
  \end{tabular}
  \caption{n = 500, features: Inception \& co.}
  \label{tab:one}
\end{table}
"""
    )


def test_csv_has_a_row_a_figure():
    rows = list(csv.DictReader(io.StringIO(comma_separated(cells(), [FID], METHODS))))
    assert len(rows) == 8
    assert rows[0] == {
        "method": "plain", "title": "Unconditional", "trunc": "0.7", "region": "body", "metric": "fid",
        "name": "FID (Inception)", "better": "lower", "value": "26.67", "low": "", "high": "", "n": "500", "missing": "0",
        "best": "0",
    }  # fmt: skip
    best = {(row["method"], row["trunc"], row["region"]) for row in rows if row["best"] == "1"}
    assert best == {
        ("plain", "0.7", "face"),
        ("joint", "0.7", "body"),
        ("joint", "0.4", "body"),
        ("joint", "0.4", "face"),
    }


@pytest.mark.parametrize(
    ("better", "values", "best"),
    [("lower", (2.0, 3.0), 0), ("higher", (2.0, 3.0), 1), ("one", (0.8, 1.1), 1), ("one", (0.95, 1.1), 0)],
)
def test_what_is_better_is_bold(better, values, best):
    column = Column("x", "X", better)
    made = [Cell(name, 1.0, "body", 9, 0, {"x": Figure(value)}) for name, value in zip("ab", values, strict=True)]
    (panel,) = lay_out(made, [column], {"a": "A", "b": "B"}, [1.0], "").panels
    assert [entries[0].best for _, entries in panel.rows] == [best == 0, best == 1]


@pytest.mark.parametrize(("values", "marks"), [((1.0, 1.0), "00"), ((1.0, 1.00001, 2.0), "110"), ((5.0,), "0")])
def test_ties_are_bold_together_and_nothing_is_where_all_are_alike(values, marks):
    names = "abc"[: len(values)]
    made = [Cell(name, 1.0, "body", 9, 0, {"fid": Figure(value)}) for name, value in zip(names, values, strict=True)]
    (panel,) = lay_out(made, [FID], {name: name for name in names}, [1.0], "").panels
    assert "".join(str(int(entries[0].best)) for _, entries in panel.rows) == marks


@pytest.mark.parametrize(("values", "marks"), [((0.0, 2.0), "00"), ((0.0, 2.0, 3.0), "010"), ((1.0, 2.0), "10")])
def test_a_change_of_nothing_is_no_merit(values, marks):
    """The naive paste changes nothing of the canvas, by definition."""
    column = Column("change", "Change", "lower", of_change=True)
    names = "abc"[: len(values)]
    made = [Cell(name, 1.0, "body", 9, 0, {"change": Figure(value)}) for name, value in zip(names, values, strict=True)]
    (panel,) = lay_out(made, [column], {name: name for name in names}, [1.0], "").panels
    assert "".join(str(int(entries[0].best)) for _, entries in panel.rows) == marks
    rows = list(csv.DictReader(io.StringIO(comma_separated(made, [column], {name: name for name in names}))))
    assert "".join(row["best"] for row in rows) == marks


def test_numbers_that_are_none_are_never_the_best():
    made = [
        Cell(name, 1.0, "body", 9, 0, {"fid": Figure(v)})
        for name, v in zip("abc", (float("nan"), 2.0, 3.0), strict=True)
    ]
    (panel,) = lay_out(made, [FID], {name: name for name in "abc"}, [1.0], "").panels
    assert [entries[0].best for _, entries in panel.rows] == [False, True, False]


def test_intervals_stand_beside_the_numbers():
    made = [
        Cell(name, 0.7, "body", 9, 0, {"fid": Figure(v, v - 1, v + 1)})
        for name, v in (("plain", 30.0), ("joint", 20.0))
    ]
    whole = lay_out(made, [FID], METHODS, [0.7], "")
    assert "| InsetGAN (joint) | **20.00** [19.00, 21.00] |" in markdown(whole)
    assert r"InsetGAN (joint) & \textbf{20.00} {\scriptsize [19.00, 21.00]} \\" in latex(whole)


def test_figures_that_some_methods_lack_have_a_panel_with_the_others():
    whole = table(
        FID, SEAM, figures=lambda method, region: {"seam": Figure(1.1)} if (method, region) == ("joint", "face") else {}
    )
    assert [panel.title for panel in whole.panels] == ["FID (Inception) \u2193", "Seam \u2192 1"]
    ((title, entries),) = whole.panels[1].rows
    assert title == "InsetGAN (joint)"
    assert [entry.text for entry in entries] == ["\u2013", "1.100", "\u2013", "1.100"]
    assert r"\emph{Seam $\to$ 1}" in latex(whole)
    assert r"InsetGAN (joint) & -- & 1.100 & -- & 1.100 \\" in latex(whole)


def test_given_images_stand_in_every_column():
    given = [Cell("given", None, region, 9, 0, {"fid": Figure(1.0)}) for region in ("body", "face")]
    whole = lay_out([*cells(), *given], [FID], {**METHODS, "given": "Given"}, [0.7, 0.4], "")
    assert "| Given | **1.00** | **1.00** | **1.00** | **1.00** |" in markdown(whole)


def test_many_truncations_give_each_region_its_panel():
    truncs = [1.0, 0.9, 0.8, 0.7]
    made = [Cell("plain", t, region, 9, 0, {"fid": Figure(10 * t)}) for t in truncs for region in ("body", "face")]
    whole = lay_out(made, [FID], {"plain": "Unconditional"}, truncs, "")
    assert [panel.title for panel in whole.panels] == ["FID (Inception), body \u2193", "FID (Inception), face \u2193"]
    assert "| FID (Inception), body \u2193 | psi 1 | psi 0.9 | psi 0.8 | psi 0.7 |" in markdown(whole)
    assert r" & $\psi = 1$ & $\psi = 0.9$ & $\psi = 0.8$ & $\psi = 0.7$ \\" in latex(whole)


def test_markup_in_titles_is_text():
    made = [Cell("a", 1.0, "hand_left", 9, 0, {"fid": Figure(1.0)})]
    whole = lay_out(made, [FID], {"a": "50 % of_a|b \\ {x}"}, [1.0], "")
    assert r"50 % of_a\|b" in markdown(whole)
    assert r"50 \% of\_a|b \textbackslash{} \{x\}" in latex(whole)
    assert r"hand\_left" in latex(whole)


def test_a_title_in_brackets_is_no_argument_of_the_line_before():
    made = [Cell("a", 1.0, "body", 9, 0, {"fid": Figure(1.0)})]
    whole = lay_out(made, [FID], {"a": "[a] of [b]"}, [1.0], "")
    assert "    {[}a] of [b] & " in latex(whole)


@pytest.mark.parametrize(
    ("values", "digits"),
    [([26.67], 2), ([0.3375], 4), ([0.05, -3.0], 3), ([1234.0], 2), ([1e-9], 6), ([0.0], 2), ([], 2)],
)
def test_four_digits_that_matter(values, digits):
    assert decimals(values) == digits


@pytest.mark.parametrize("interval", [False, True])
def test_the_image_holds_all_rows_and_is_always_the_same(interval):
    ends = (1.0, 2.0) if interval else ()
    made = [Cell(name, 0.7, "body", 9, 0, {"fid": Figure(1.5, *ends)}) for name in METHODS]
    small, large = (lay_out(made, columns, METHODS, [0.7], "caption " * 30) for columns in ([FID], [FID] * 3))
    assert draw_table(small) == draw_table(small)
    heights = [Image.open(io.BytesIO(draw_table(whole))).height for whole in (small, large)]
    assert heights[1] > heights[0] + 2 * 3 * 40


def test_curves_have_a_plot_a_figure_and_region():
    made = [
        Cell("plain", t, region, 9, 0, {"fid": Figure(t, t - 0.1, t + 0.1)})
        for t in (1.0, 0.5, 0.2)
        for region in ("body", "face")
    ]
    one, two = (Image.open(io.BytesIO(draw_curves(made, columns, METHODS))) for columns in ([FID], [FID, SEAM]))
    assert one.size == two.size, "what nobody has is left out"
    assert one.width > one.height


def test_titles_are_no_formulas():
    methods = {name: rf"costs $\frac {name}$ 5" for name in METHODS}
    made = [Cell(name, t, "body", 9, 0, {"fid": Figure(t)}) for name in methods for t in (1.0, 0.5)]
    assert draw_table(lay_out(made, [FID], methods, [1.0, 0.5], r"against $\frac.zip$"))
    assert draw_curves(made, [FID], methods)


def test_what_is_no_number_is_a_dash():
    values = {"plain": float("nan"), "joint": 0.5}
    made = [Cell(name, 0.7, "body", 3, 0, {"fid": Figure(value)}) for name, value in values.items()]
    made.append(Cell("plain", 0.4, "body", 4, 0, {"fid": Figure(0.25)}))
    (panel,) = lay_out(made, [FID], METHODS, [0.7, 0.4], "").panels
    texts = [[entry.text for entry in entries] for _, entries in panel.rows]
    assert texts == [["\u2013", "0.2500"], ["0.5000", "\u2013"]]
    assert not any(entry.best for _, entries in panel.rows for entry in entries)


def test_long_titles_have_room():
    """The image of a table and the legend of a plot grow with them; both were cut or written over."""
    made = [Cell(name, t, "body", 9, 0, {"fid": Figure(t)}) for name in METHODS for t in (1.0, 0.7, 0.4)]
    sizes = []
    for methods in (
        METHODS,
        {name: f"{name}, four hundred steps, of a generator of faces of my own" for name in METHODS},
    ):
        drawn = draw_table(lay_out(made, [FID], methods, [1.0, 0.7, 0.4], "")), draw_curves(made, [FID], methods)
        sizes.append([Image.open(io.BytesIO(each)).size for each in drawn])
    (table_before, curves_before), (table_after, curves_after) = sizes
    assert table_after[0] > table_before[0] + 200
    assert curves_after[0] > curves_before[0]
