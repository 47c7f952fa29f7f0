"""Progress and summaries in the terminal: a live bar in a terminal, plain lines in a log file."""

import io
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from insetgan.runtime.printing import printable, show_all_letters, silence
from insetgan.runtime.run_log import note

LOG_EVERY = 10.0  # seconds between two lines in a log file

OnProgress = Callable[[int, int], None]


class PatientConsole(Console):
    r"""A console that takes text as it is, and whose reader may go away.

    Brackets and colons in paths are no markup and no emoji. Control characters are shown, as in `\x1b`, and characters that
    the terminal has no letter for likewise. Where nothing can be printed it falls silent, and the work goes on.
    """

    def __init__(self, stream: IO[str] | None = None) -> None:
        stream = stream or sys.stdout or _nowhere()
        show_all_letters(stream)
        super().__init__(file=stream, highlight=False, soft_wrap=True, markup=False, emoji=False)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print while anybody reads, and write the text to the log file of the run."""
        note_printed(*objects)
        try:
            super().print(*(printable(each) if isinstance(each, str) else each for each in objects), **options)
            self.file.flush()
        except (OSError, ValueError):  # ValueError: the stream is closed, or has no letter for it
            self.on_broken_pipe()

    def on_broken_pipe(self) -> None:
        """Fall silent, where rich would end the program."""
        silence(self.file)
        self.quiet = True


def note_printed(*objects: Any) -> None:
    """Write what is printed to the log file of the run: text as it is, tables as 120 columns of text."""
    for each in objects:
        if isinstance(each, str):
            note(each)
            continue
        page = io.StringIO()
        Console(file=page, width=120, color_system=None).print(each)
        note(page.getvalue())


def _nowhere() -> IO[str]:
    return open(os.devnull, "w")


class _Rate(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        """Units a second, as rich measures it."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f} {self.unit}/s" if speed else "")


@contextmanager
def progress(title: str, unit: str, *, console: Console | None = None) -> Iterator[OnProgress]:
    """Show how far a job is.

    Args:
        title: what is being done.
        unit: what is counted, e.g. "images".
        console: where to; standard output unless given.

    Yields:
        `on_progress(done, total)`; may start above zero when a job is resumed.
    """
    console = console or PatientConsole()
    if not console.is_terminal:
        yield _LineLog(console, title, unit)
        return
    columns = [
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(unit),
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(printable(title), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class _LineLog:
    """One line every `LOG_EVERY` seconds, and one at the end."""

    def __init__(self, console: Console, title: str, unit: str) -> None:
        self.console, self.title, self.unit = console, title, unit
        self.began: tuple[float, int] | None = None
        self.last = -LOG_EVERY

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self.began is None:
            self.began = (now, done)
        if now - self.last < LOG_EVERY and done < total:
            return
        self.last = now
        seconds, count = now - self.began[0], done - self.began[1]
        rate = count / seconds if seconds > 0 and count else 0.0
        left = f", {(total - done) / rate:.0f} s left" if rate and done < total else ""
        speed = f", {rate:.1f} {self.unit}/s" if rate else ""
        self.console.print(f"{self.title} {done}/{total}{speed}{left}", soft_wrap=True, highlight=False)


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str | Text]], *, console: Console | None = None
) -> None:
    """Print a small table; cells are ready text, or rich's `Text` with a style; numbers stand to the right."""
    sheet = Table(title=Text(printable(title)), title_justify="left", show_edge=False, pad_edge=False)
    for index, name in enumerate(columns):
        sheet.add_column(Text(printable(name)), justify="left" if index == 0 else "right")
    for row in rows:
        sheet.add_row(*(cell if isinstance(cell, Text) else Text(printable(cell)) for cell in row))
    (console or PatientConsole()).print(sheet)
