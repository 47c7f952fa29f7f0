"""How far a file has come: a bar on a terminal, else a line at the start and the end."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from insetgan.runtime.printing import printable, say_error


class Transfer:
    """Shows a transfer on standard error, where it mixes with no result.

    Args:
        title: what is being transferred.
    """

    def __init__(self, title: str) -> None:
        self.title = printable(title)
        self._bar: Progress | None = None
        self._said = False

    def __enter__(self) -> Self:
        """Show it."""
        if sys.stderr is not None and sys.stderr.isatty():
            text = TextColumn("{task.description}", markup=False)
            columns = [text, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()]
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._bar.add_task(self.title, total=None)
            self._bar.start()
        return self

    def move(self, have: int, total: int | None) -> None:
        """Say how many bytes there are, and of how many; None where that is not known."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=have, total=total)
        elif not self._said:
            self._said = True
            say_error(f"{self.title}" + (f", {total / 2**20:.1f} MB" if total is not None else ""))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
