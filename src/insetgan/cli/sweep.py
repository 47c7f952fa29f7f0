"""What Hydra tells us of a sweep: each run is noted, and the page is written when all are done."""

import atexit
import json
import os
import time
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig

from insetgan.reports.sweep_notes import NOTES, note_paths
from insetgan.runtime import limits
from insetgan.runtime.errors import RunFailed
from insetgan.runtime.files import write_whole
from insetgan.runtime.paths import read_path
from insetgan.runtime.reading import parse_json, read_file

SAID = 2000
"""Characters that a note keeps of what a run said in the end."""

FILLED_EVERY = 10.0
RUNS_A_SECOND = 20.0
"""The page of a sweep that still runs is written every so many seconds, and less often where there are many runs."""


class SweepNotes(Callback):
    """Notes each run of a sweep in its folder. Each may be in a process, or on a machine, of its own."""

    folder: Path | None = None  # of the sweep that this process began; a process has one

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Forget the runs of an earlier sweep in the same folder."""
        if _is_first_process():
            SweepNotes.folder = Path(config.hydra.sweep.dir)
            for note in note_paths(SweepNotes.folder):
                note.unlink()

    def on_job_start(self, config: DictConfig, **_: Any) -> None:
        """Note where a run is and what was asked of it."""
        self._note(config, "started")

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:
        """Note that a run ended, and whether well."""
        if job_return.status == JobStatus.COMPLETED:
            self._note(config, "completed")
            return
        error = job_return._return_value
        self._note(config, "failed", str(error) or type(error).__name__)
        if isinstance(error, RunFailed) and _knows_all_runs(config):
            # Hydra would end the sweep by an error of its own. `failures` tells of the run when all are done.
            job_return.status, job_return.return_value = JobStatus.COMPLETED, float("nan")

    def _note(self, config: DictConfig, state: str, said: str = "") -> None:
        if config.hydra.mode == RunMode.MULTIRUN and _is_first_process():
            folder = os.path.abspath(read_path(config.get("out") or config.hydra.runtime.output_dir, key="out"))
            note = {
                "folder": folder,
                "overrides": list(config.hydra.overrides.task),
                "state": state,
                "said": said[:SAID],
            }
            path = Path(config.hydra.sweep.dir) / NOTES / f"{config.hydra.job.num}.json"
            write_whole(path, json.dumps(note).encode())


class SweepPage(Callback):
    """Draws the runs of `refine.py -m`: while they finish, and when all are done, also those that were finished before."""

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: a launcher sends this to other processes, which begin no sweep."""
        return {}

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Get ready to draw."""
        if _is_first_process():
            # Hydra imports this module when any command starts, so what draws the page is imported when a sweep starts. At exit
            # it would be too late: torch cannot be imported then.
            from insetgan.cli.terminal import PatientConsole
            from insetgan.reports.sweep_page import write_sweep_page

            self.folder = Path(config.hydra.sweep.dir)
            self.write_page, self.say = write_sweep_page, PatientConsole().print
            # If a run raises, Hydra skips on_multirun_end, so the page is written at exit.
            atexit.register(self._finish)

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:
        """Write the page anew from time to time."""
        if in_sweep() and _is_first_process():
            _fill(Path(config.hydra.sweep.dir))

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Write the page and say where it is."""
        if _is_first_process():
            atexit.unregister(self._finish)
            self._finish()

    def _finish(self) -> None:
        if note_paths(self.folder):
            self.say(f"sweep page: {self.write_page(self.folder)}")


def failures() -> str:
    """Say how many runs of this process's sweep failed, and why the first one did; empty where all went well."""
    folder = SweepNotes.folder
    if folder is None:
        return ""
    notes = [parse_json(read_file(path, limits.JSON_BYTES)) for path in note_paths(folder)]
    failed = [note.get("said") or "it did not say why" for note in notes if note["state"] == "failed"]
    return f"{len(failed)} of {len(notes)} runs failed, the first: {failed[0]}" if failed else ""


def _fill(folder: Path) -> None:
    """Write the page of a sweep that still runs, unless it is new or another run writes it.

    Each run may be in a process, or on a machine, of its own. A page of many runs is written seldom, since it costs more.
    """
    page = folder / "sweep.html"
    try:
        seconds = max(FILLED_EVERY, len(note_paths(folder)) / RUNS_A_SECOND)
        if page.exists() and time.time() - page.stat().st_mtime < seconds:
            return
        with FileLock(folder / NOTES / "page.lock", timeout=0):
            from insetgan.reports.sweep_page import write_sweep_page

            write_sweep_page(folder, running=True)
    except (Timeout, OSError, ValueError):
        return  # the page is written once more at the end, which says what is wrong


def _knows_all_runs(config: DictConfig) -> bool:
    """Whether Hydra's own sweeper runs; one that searches must hear of a run that failed."""
    return str(config.hydra.sweeper._target_).endswith("BasicSweeper")


def in_sweep() -> bool:
    """Whether this run is one of a sweep, `-m`."""
    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def _is_first_process() -> bool:
    # A Trainer with several devices starts this command once more for each of them.
    return os.environ.get("LOCAL_RANK", "0") == "0" and os.environ.get("NODE_RANK", "0") == "0"
