"""What a sweep of refinements leaves beside its runs: a table, a contact sheet and a page that compare them."""

import io
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from insetgan.data.image import read_rgb
from insetgan.ops.titles import GAP, stack_titled
from insetgan.reports.report import data_uri, render
from insetgan.reports.sweep_runs import Run, differing, read_notes
from insetgan.reports.sweep_table import html_table, write_table
from insetgan.runtime.files import write_whole

IN_ROW = 8  # samples of a run on the sheet
ROWS = 192  # pixels: height of an image
MOST = 100  # runs with images; more would make a page and a sheet that nothing opens


def write_sweep_page(folder: Path, *, running: bool = False) -> Path:
    """Write sweep.csv, sweep.png and sweep.html from the runs that are noted in a sweep's folder.

    Args:
        folder: of the sweep.
        running: the sweep goes on, so that runs without an end still run.

    Returns:
        The page.

    Raises:
        OSError: a file cannot be written.
    """
    runs = read_notes(folder, "runs" if running else "did not end")
    keys = differing(runs)
    strips = [_strip(run) for run in runs]
    write_whole(folder / "sweep.csv", lambda beside: write_table(beside, runs, keys))
    sheet = stack_titled([(_said(run, keys), strip) for run, strip in zip(runs[:MOST], strips, strict=False)])
    write_whole(folder / "sweep.png", _encoded(sheet, "PNG"))
    images = ["" if strip is None else data_uri(_encoded(strip, "WEBP"), "image/webp") for strip in strips[:MOST]]
    images += [""] * (len(runs) - len(images))
    page = render(
        Path(__file__).with_name("sweep.html.j2"),
        title=folder.resolve().name,
        runs=len(runs),
        broken=[(run.label(keys), run.problem) for run in runs if run.problem],
        table=html_table(runs, keys, images, [_link(run, folder) for run in runs]),
        shown=min(len(runs), MOST),
        rows=ROWS,
    )
    write_whole(folder / "sweep.html", page.encode())
    return folder / "sweep.html"


def _strip(run: Run) -> Image.Image | None:
    """The refined images of the first samples side by side; None where there are none."""
    images = []
    for record in run.records[:IN_ROW]:
        path = run.folder / "samples" / f"{record.get('name', record.get('seed'))}_refined.png"
        if path.is_file():
            try:
                image = read_rgb(path)
            except (OSError, ValueError):  # the table of numbers is worth having without it
                continue
            width = max(1, round(image.width * ROWS / image.height))
            images.append(image.resize((width, ROWS), Image.Resampling.LANCZOS))
    if not images:
        return None
    strip = Image.new("RGB", (sum(image.width + GAP for image in images) - GAP, ROWS), "white")
    left = 0
    for image in images:
        strip.paste(image, (left, 0))
        left += image.width + GAP
    return strip


def _said(run: Run, keys: Sequence[str]) -> str:
    return run.label(keys) + (f": {run.problem}" if run.problem else "")


def _link(run: Run, folder: Path) -> str:
    """Address of a run as seen from the sweep's folder: its report, or its folder where there is none."""
    report = run.folder / "report.html"
    target = report if report.is_file() else run.folder
    return quote(os.path.relpath(target, folder)) if target.exists() else ""


def _encoded(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **({} if kind == "PNG" else {"quality": 90}))
    return buffer.getvalue()
