"""Training scalars in a CSV file that survives interruption."""

import csv
import io
import math
from pathlib import Path
from typing import Any

from insetgan.runtime import limits
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import append, write_whole
from insetgan.runtime.lightning import Logger
from insetgan.runtime.printing import say_error
from insetgan.runtime.reading import read_file

CLOCK = "Progress/kimg"


class MetricsCSV(Logger):
    """One row a tick, one column a scalar, in <folder>/metrics.csv.

    A run that resumes goes on in the same file; rows later than its checkpoint are dropped, since these steps are done
    again.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: str | Path) -> None:
        super().__init__()
        self.path = Path(folder) / "metrics.csv"
        self._rows: list[dict[str, str]] = []
        self._columns: list[str] = []
        self._stands = False  # whether the file holds just these rows

    @property
    def name(self) -> str:
        """Name of the logger."""
        return "csv"

    @property
    def version(self) -> str:
        """Not used; Lightning asks for it."""
        return ""

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """Nothing: the result folder has config.yaml."""

    def start(self, kimg: float) -> None:
        """Take over the rows of an earlier start of this run, up to its checkpoint; damaged ones are counted in a line."""
        self._rows, self._columns, self._stands = [], [], False
        if kimg > 0 and self.path.is_file():
            try:
                text = read_file(self.path, limits.METRICS_BYTES).decode(errors="replace")
                reader = csv.DictReader(io.StringIO(text, newline=""))
                rows = list(reader)
                whole = [row for row in rows if not _is_damaged(row)]
                self._rows = [row for row in whole if _kimg(row) <= kimg]
                self._columns = list(reader.fieldnames or [])
            except (ValueError, csv.Error) as error:
                raise UserError(f"{self.path}: {error}; move it away to go on without its rows") from error
            if damaged := len(rows) - len(whole):
                say_error(f"{self.path}: {damaged} of {len(rows)} rows are damaged and left out")

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Add a row; appended, unless it has a column that the file has not."""
        row = {name: f"{value:.6g}" for name, value in metrics.items()}
        fresh = [name for name in row if name not in self._columns]
        self._columns += fresh
        self._rows.append(row)
        if self._stands and not fresh and self.path.is_file():
            append(self.path, self._text([row], header=False).encode())
            return
        write_whole(self.path, self._text(self._rows, header=True).encode())
        self._stands = True

    def _text(self, rows: list[dict[str, str]], *, header: bool) -> str:
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, self._columns, lineterminator="\n")
        if header:
            writer.writeheader()
        writer.writerows(rows)
        return buffer.getvalue()


def _is_damaged(row: dict[str, Any]) -> bool:
    """Whether a row is cut short, as a killed run may leave it, too long, or says not when it was written."""
    return None in row or None in row.values() or not math.isfinite(_kimg(row))


def _kimg(row: dict[str, str]) -> float:
    """When a row was written; not a number for one that does not say so."""
    try:
        return float(row.get(CLOCK) or "nan")
    except ValueError:
        return math.nan
