"""The log file of a result folder: what the terminal said, with the time."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from insetgan import __version__
from insetgan.runtime.errors import Stopped, UserError
from insetgan.runtime.printing import printable

_NOTES = logging.getLogger("insetgan.run")
_NOTES.propagate = False
_NOTES.setLevel(logging.INFO)
_MOST_WAITING = 1000  # lines kept in memory before there is a file


class _Waiting(logging.Handler):
    """Keeps the lines that are noted before the result folder exists."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records = [*self.records, record][-_MOST_WAITING:]


class _LogFile(logging.FileHandler):
    """Appends lines; where nothing can be written it falls silent, and the work goes on."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8", errors="backslashreplace")
        self.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))

    def handleError(self, record: logging.LogRecord) -> None:
        """Write no more after an error such as a full disk, instead of printing a traceback."""
        _NOTES.removeHandler(self)

    def close(self) -> None:
        """Close the file; what it still holds is lost on a full disk."""
        with suppress(OSError):
            super().close()


_WAITING = _Waiting()
_NOTES.addHandler(_WAITING)


def note(text: str) -> None:
    """Write text to the log file of the run; until there is one, keep it in memory.

    Control characters, and bytes of file names that are no text, are written as escapes, as on the terminal.
    """
    shown = printable(text).encode(errors="backslashreplace").decode()
    for line in shown.rstrip().splitlines():
        _NOTES.info("%s", line.rstrip())


@contextmanager
def log_to(path: Path) -> Iterator[None]:
    """Append to a log file: version and command, what was noted before, what is noted inside, and an error that ends it.

    Args:
        path: the file, in a folder that exists.
    """
    file = _LogFile(path)
    waiting, _WAITING.records = _WAITING.records, []
    _NOTES.removeHandler(_WAITING)
    _NOTES.addHandler(file)
    try:
        note(f"insetgan {__version__}: {' '.join(sys.argv)}")
        for record in waiting:
            file.handle(record)
        yield
    except UserError as error:
        note(f"error: {error}")
        raise
    except (KeyboardInterrupt, Stopped) as error:
        note(f"stopped by {error.number.name if isinstance(error, Stopped) else 'SIGINT'}")
        raise
    except Exception:
        _NOTES.exception("this is a bug:")
        raise
    finally:
        _NOTES.removeHandler(file)
        _NOTES.addHandler(_WAITING)
        file.close()
