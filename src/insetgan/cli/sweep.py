"""What Hydra tells us of a sweep: each run is noted, and the page is written when all are done."""

import atexit
import json
import os
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig

from insetgan.reports.sweep_notes import NOTES, note_paths
from insetgan.runtime.files import write_whole
from insetgan.runtime.paths import read_path


class SweepPage(Callback):
    """Gathers the runs of `refine.py -m` when they are done, also those that were finished before."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Forget the runs of an earlier sweep in the same folder."""
        if _is_first_process():
            # Hydra imports this module when any command starts, so what draws the page is imported when a sweep starts. At exit
            # it would be too late: torch cannot be imported then.
            from insetgan.cli.terminal import PatientConsole
            from insetgan.reports.sweep_page import write_sweep_page

            self.folder, self.write_page, self.say = (
                Path(config.hydra.sweep.dir),
                write_sweep_page,
                PatientConsole().print,
            )
            for note in note_paths(self.folder):
                note.unlink()
            # If a run raises, Hydra skips on_multirun_end, so the page is written at exit.
            atexit.register(self._finish)

    def on_job_start(self, config: DictConfig, **_: Any) -> None:
        """Note where a run is and what was asked of it."""
        self._note(config, "started")

    def on_job_end(self, config: DictConfig, job_return: Any, **_: Any) -> None:
        """Note that a run ended, and whether well."""
        self._note(config, "completed" if job_return.status.name == "COMPLETED" else "failed")

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Write the page and say where it is."""
        if _is_first_process():
            atexit.unregister(self._finish)
            self._finish()

    def _finish(self) -> None:
        if note_paths(self.folder):
            self.say(f"sweep page: {self.write_page(self.folder)}")

    def _note(self, config: DictConfig, state: str) -> None:
        if config.hydra.mode == RunMode.MULTIRUN and _is_first_process():
            folder = os.path.abspath(read_path(config.get("out") or config.hydra.runtime.output_dir, key="out"))
            note = {"folder": folder, "overrides": list(config.hydra.overrides.task), "state": state}
            path = Path(config.hydra.sweep.dir) / NOTES / f"{config.hydra.job.num}.json"
            write_whole(path, json.dumps(note).encode())


def in_sweep() -> bool:
    """Whether this run is one of a sweep, `-m`."""
    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def _is_first_process() -> bool:
    # A Trainer with several devices starts this command once more for each of them.
    return os.environ.get("LOCAL_RANK", "0") == "0" and os.environ.get("NODE_RANK", "0") == "0"
