"""The index of runs: outputs/runs.csv has a line for each command that wrote into outputs/."""

import csv
import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from insetgan.runtime.errors import Stopped
from insetgan.runtime.provenance import provenance

OUTPUTS = Path("outputs")
"""Folder of all runs that were not given another one; the index lies in it."""

COLUMNS = ("when", "state", "seconds", "folder", "command", "version", "commit")


@contextmanager
def indexed(folder: Path) -> Iterator[None]:
    """Add a line to the index when a command ends, if its folder lies in outputs/.

    The state is `finished`, `stopped` (by a signal) or `failed`. A command that is killed has no line. An index that
    cannot be written ends nothing.

    Args:
        folder: of the command.
    """
    began, state = time.time(), "failed"
    try:
        yield
        state = "finished"
    except (KeyboardInterrupt, Stopped, SystemExit):
        state = "stopped"
        raise
    finally:
        if OUTPUTS.resolve() in folder.resolve().parents:
            when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(began))
            seconds = f"{time.time() - began:.0f}"
            _append([when, state, seconds, os.path.relpath(folder, OUTPUTS), *_made_by()])


def _made_by() -> list[str]:
    known = provenance()
    return [known[name] for name in ("command", "version", "commit")]


def _append(row: list[str]) -> None:
    """Append a line in one write, so that lines of several commands do not mix."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    path = OUTPUTS / "runs.csv"
    try:
        with path.open("ab", buffering=0) as file:
            head = (",".join(COLUMNS) + "\n").encode() if file.tell() == 0 else b""
            file.write(head + text.getvalue().encode("utf-8", "surrogateescape"))
    except OSError:
        pass
