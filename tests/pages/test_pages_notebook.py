"""notebooks/quickstart.ipynb is small, holds no outputs, shows what it says it shows, and runs."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import insetgan

ROOT = Path(__file__).resolve().parents[2]
PATHS = sorted((ROOT / "notebooks").iterdir())
NOTEBOOK = ROOT / "notebooks" / "quickstart.ipynb"


def cells(kind):
    return [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == kind]


def test_only_notebooks_without_outputs_are_kept():
    for path in PATHS:
        assert path.suffix == ".ipynb" and path.stat().st_size < 20_000, path
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        for cell in notebook.cells:
            assert cell.cell_type != "code" or (cell.outputs == [] and cell.execution_count is None), cell.source


def test_it_shows_what_it_promises_by_names_of_the_library():
    headings = [line[3:] for cell in cells("markdown") for line in cell.source.splitlines() if line.startswith("## ")]
    assert headings == ["Draw", "Refine", "Look", "Sweep", "Weights of your own", "Headless"]
    source = "\n".join(cell.source for cell in cells("code"))
    ast.parse(source)
    used = set(re.findall(r"insetgan\.(\w+)", source))
    assert used <= set(insetgan.__all__) and {"load", "draw", "compose", "measure", "sheet", "Part"} <= used
    for link in re.findall(r"\]\(([^)#:]+)\)", "\n".join(cell.source for cell in cells("markdown"))):
        assert (NOTEBOOK.parent / link).exists(), link


@pytest.mark.slow
def test_it_runs(tmp_path):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert "STEPS = 100" in notebook.cells[1].source
    notebook.cells[1].source = notebook.cells[1].source.replace("STEPS = 100", "STEPS = 40")
    lines = "assert [len(line.get_xdata()) for line in plt.gca().lines] == [STEPS + 1] * len(seeds), 'a line a seed'"
    drawing = next(cell for cell in notebook.cells if "semilogy" in cell.source)
    drawing.source += f"\n{lines}"
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    shown = [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]
    assert not [out for out in shown if out.output_type == "error"]
    assert sum("image/png" in out.get("data", {}) for out in shown) == 7
    seams = re.findall(r"seam +([\d.]+) -> ([\d.]+)", "".join(out.get("text", "") for out in shown))
    assert len(seams) == 4 and all(float(after) < float(before) for before, after in seams)
    assert (tmp_path / "outputs" / "notebook" / "report.html").is_file()
