"""Medians over more samples than memory holds: numbers go to files, one a column, and come back a column at a time."""

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from insetgan.metrics.measures import MEASURES, Measure

_TOGETHER = 4096  # numbers of a column that wait in memory


class SummaryColumns:
    """Gathers records, and gives what `summary.summarise` gives of them.

    At most one column is in memory at a time: 8 MB for a million samples.

    Args:
        folder: an empty one, for the files.
        measures: whose numbers the records have.
    """

    def __init__(self, folder: Path, measures: Sequence[Measure] = MEASURES) -> None:
        self.folder = folder
        self.names = [*(key for measure in measures for key in measure.keys), "spread", "objective"]
        self.status: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()
        self.count = 0
        self._waiting: dict[tuple[str, str | None], array[float]] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Take the numbers of a sample."""
        self.count += 1
        self.status[record["status"]] += 1
        self.missing.update(record["missing"])
        self._put("steps", None, record["steps"])
        for name in self.names:
            value = record[name]
            parts = value if isinstance(value, Mapping) else {None: value}
            for part, number in parts.items():
                self._put(name, part, number)

    def summary(self) -> dict[str, Any]:
        """Medians by name, by part for measures of parts, and how often each status occurred."""
        found: dict[str, Any] = {}
        for name in self.names:
            parts = [part for known, part in self._waiting if known == name]
            named = [part for part in parts if part is not None]
            found[name] = {part: self._median(name, part) for part in named} if named else self._median(name, None)
        found["steps"] = self._median("steps", None)
        found["status"] = {status: self.status[status] for status in sorted(self.status)}
        return found

    def _put(self, name: str, part: str | None, number: float | None) -> None:
        column = self._waiting.setdefault((name, part), array("d"))
        if number is not None:
            column.append(number)
        if len(column) >= _TOGETHER:
            self._flush(name, part)

    def _file(self, name: str, part: str | None) -> Path:
        return self.folder / str(list(self._waiting).index((name, part)))

    def _flush(self, name: str, part: str | None) -> None:
        column = self._waiting[name, part]
        with self._file(name, part).open("ab") as file:
            column.tofile(file)
        del column[:]

    def _median(self, name: str, part: str | None) -> float | None:
        if (name, part) not in self._waiting:
            return None
        self._flush(name, part)
        numbers = np.fromfile(self._file(name, part), np.float64)
        return float(np.median(numbers, overwrite_input=True)) if len(numbers) else None
