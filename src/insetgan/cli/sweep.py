"""What a sweep of refinements leaves beside its runs: a table, a contact sheet and a page that compare them."""

import atexit
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hydra.experimental.callback import Callback

# Hydra imports this module when a command starts, so everything heavy is imported where it is used.
if TYPE_CHECKING:
    from omegaconf import DictConfig
    from PIL import Image

    from insetgan.metrics.measures import Quantity

NOTES = ".runs"
"""Folder of a sweep in which each run notes where it is; written by the run, which may be in another process."""

IN_ROW = 8  # samples of a run on the sheet
ROWS = 192  # pixels: height of a picture
MOST = 100  # runs with pictures; more would make a page and a sheet that nothing opens


class SweepPage(Callback):
    """Gathers the runs of `refine.py -m` when they are done, also those that were finished before."""

    def on_multirun_start(self, config: "DictConfig", **_: Any) -> None:
        """Forget the runs of an earlier sweep in the same folder."""
        if _is_first_process():
            self.folder = Path(config.hydra.sweep.dir)
            for note in _notes(self.folder):
                note.unlink()
            # Hydra calls nobody when a run fails and takes the sweep with it; those before it are worth a page all the same.
            atexit.register(self._finish)

    def on_job_start(self, config: "DictConfig", **_: Any) -> None:
        """Note where a run is and what was asked of it."""
        self._note(config, "started")

    def on_job_end(self, config: "DictConfig", job_return: Any, **_: Any) -> None:
        """Note that a run ended, and whether well."""
        self._note(config, "completed" if job_return.status.name == "COMPLETED" else "failed")

    def on_multirun_end(self, config: "DictConfig", **_: Any) -> None:
        """Write the page and say where it is."""
        if _is_first_process():
            atexit.unregister(self._finish)
            self._finish()

    def _finish(self) -> None:
        from insetgan.cli.terminal import PatientConsole

        if _notes(self.folder):
            PatientConsole().print(f"sweep page: {write_sweep_page(self.folder)}")

    def _note(self, config: "DictConfig", state: str) -> None:
        from hydra.types import RunMode

        from insetgan.runtime.files import write_whole
        from insetgan.runtime.paths import read_path

        if config.hydra.mode == RunMode.MULTIRUN and _is_first_process():
            folder = os.path.abspath(read_path(config.get("out") or config.hydra.runtime.output_dir, key="out"))
            note = {"folder": folder, "overrides": list(config.hydra.overrides.task), "state": state}
            path = Path(config.hydra.sweep.dir) / NOTES / f"{config.hydra.job.num}.json"
            write_whole(path, json.dumps(note).encode())


@dataclass(frozen=True)
class Run:
    """One run of a sweep.

    Attributes:
        folder: of the run.
        overrides: what was asked of it, value by key; a key that was removed is named with its tilde and has no value.
        records: its samples as in results.json; empty where there is a problem.
        problem: why there are no results, or nothing.
        quantities: what the numbers of the records are, by name.
    """

    folder: Path
    overrides: Mapping[str, str]
    records: Sequence[Mapping[str, Any]]
    problem: str = ""
    quantities: Mapping[str, "Quantity"] = field(default_factory=dict)

    def label(self, keys: Sequence[str]) -> str:
        """What tells this run from the others."""
        asked = [f"{key}={self.overrides[key]}".removesuffix("=") for key in keys if key in self.overrides]
        return ", ".join(asked) or self.folder.name


def write_sweep_page(folder: Path) -> Path:
    """Write sweep.csv, sweep.png and sweep.html from the runs that are noted in a sweep's folder.

    Args:
        folder: of the sweep.

    Returns:
        The page.

    Raises:
        OSError: a file cannot be written.
    """
    from insetgan.cli.sweep_table import html_table, write_table
    from insetgan.ops.titles import stack_titled
    from insetgan.reports.report import data_uri, render
    from insetgan.runtime import limits
    from insetgan.runtime.files import write_whole
    from insetgan.runtime.reading import parse_json, read_file

    runs = [read_run(parse_json(read_file(note, limits.JSON_BYTES))) for note in _notes(folder)]
    keys = differing(runs)
    strips = [_strip(run) for run in runs]
    write_whole(folder / "sweep.csv", lambda beside: write_table(beside, runs, keys))
    sheet = stack_titled([(_said(run, keys), strip) for run, strip in zip(runs[:MOST], strips, strict=False)])
    write_whole(folder / "sweep.png", _encoded(sheet, "PNG"))
    pictures = ["" if strip is None else data_uri(_encoded(strip, "WEBP"), "image/webp") for strip in strips[:MOST]]
    pictures += [""] * (len(runs) - len(pictures))
    page = render(
        Path(__file__).with_name("sweep.html.j2"),
        title=folder.resolve().name,
        runs=len(runs),
        broken=[(run.label(keys), run.problem) for run in runs if run.problem],
        table=html_table(runs, keys, pictures, [_link(run, folder) for run in runs]),
        shown=min(len(runs), MOST),
        rows=ROWS,
    )
    write_whole(folder / "sweep.html", page.encode())
    return folder / "sweep.html"


def read_run(note: Mapping[str, Any]) -> Run:
    """Read what a run left.

    Args:
        note: its "folder", "overrides" (as Hydra lists them) and "state": started, completed or failed.

    Returns:
        The run, with a problem instead of records where it did not come to an end or left no results that can be read.
    """
    from insetgan.metrics.measures import read_quantities
    from insetgan.runtime import limits
    from insetgan.runtime.reading import parse_json, read_file

    folder = Path(note["folder"])
    overrides = {}
    for override in note["overrides"]:
        key, _, value = override.partition("=")
        overrides[key.lstrip("+")] = value.replace("'", "")  # the quotes of text settings
    if note["state"] != "completed":
        return Run(folder, overrides, [], "failed" if note["state"] == "failed" else "did not end")
    try:
        results = parse_json(read_file(folder / "results.json", limits.JSON_BYTES))
        records, known = results["samples"], read_quantities(results.get("measures"))
    except FileNotFoundError:
        return Run(folder, overrides, [], "no results")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Run(folder, overrides, [], "results cannot be read")
    return Run(folder, overrides, records, "" if records else "no samples", known)


def differing(runs: Sequence[Run]) -> list[str]:
    """Keys of the overrides that are not the same in all runs, in the order in which they were given."""
    keys = dict.fromkeys(key for run in runs for key in run.overrides if key != "out")
    return [key for key in keys if len({run.overrides.get(key) for run in runs}) > 1]


def in_sweep() -> bool:
    """Whether this run is one of a sweep, `-m`."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def _notes(folder: Path) -> list[Path]:
    return sorted((folder / NOTES).glob("[0-9]*.json"), key=lambda path: int(path.stem))


def _is_first_process() -> bool:
    # A Trainer with several devices starts this command once more for each of them.
    return os.environ.get("LOCAL_RANK", "0") == "0" and os.environ.get("NODE_RANK", "0") == "0"


def _strip(run: Run) -> "Image.Image | None":
    """The refined pictures of the first samples side by side; None where there are none."""
    from PIL import Image

    from insetgan.data.picture import read_rgb
    from insetgan.ops.titles import GAP

    pictures = []
    for record in run.records[:IN_ROW]:
        path = run.folder / "samples" / f"{record.get('name', record.get('seed'))}_refined.png"
        if path.is_file():
            try:
                picture = read_rgb(path)
            except (OSError, ValueError):  # the table of numbers is worth having without it
                continue
            width = max(1, round(picture.width * ROWS / picture.height))
            pictures.append(picture.resize((width, ROWS), Image.Resampling.LANCZOS))
    if not pictures:
        return None
    strip = Image.new("RGB", (sum(picture.width + GAP for picture in pictures) - GAP, ROWS), "white")
    left = 0
    for picture in pictures:
        strip.paste(picture, (left, 0))
        left += picture.width + GAP
    return strip


def _said(run: Run, keys: Sequence[str]) -> str:
    return run.label(keys) + (f": {run.problem}" if run.problem else "")


def _link(run: Run, folder: Path) -> str:
    """Address of a run as seen from the sweep's folder: its report, or its folder where there is none."""
    report = run.folder / "report.html"
    target = report if report.is_file() else run.folder
    return quote(os.path.relpath(target, folder)) if target.exists() else ""


def _encoded(image: "Image.Image", kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **({} if kind == "PNG" else {"quality": 90}))
    return buffer.getvalue()
