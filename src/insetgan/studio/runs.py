"""Finished runs below one folder: which there are, and what is shown of one."""

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insetgan.data.image import read_rgb
from insetgan.ops.images import encode_png
from insetgan.runtime import limits
from insetgan.runtime.errors import UserError
from insetgan.runtime.reading import parse_json, read_file

MOST = 200
"""Runs that are listed, the newest, and rows of a table."""

DEEPEST = 4
"""Folders below the one that was given."""

_RUN, _SWEEP = "results.json", "sweep.csv"
_PICTURES = {_RUN: ("sheet.png", "curves.png"), _SWEEP: ("sweep.png",)}


@dataclass(frozen=True)
class Shown:
    """What is shown of a run or of a sweep.

    Attributes:
        pictures: file names and PNGs, those that are there.
        titles: of the table's columns.
        rows: of the table: the samples of a run, the runs of a sweep.
    """

    pictures: Sequence[tuple[str, bytes]]
    titles: Sequence[str]
    rows: Sequence[Sequence[str]]


class RunFolders:
    """Lists and opens the finished runs of refine.py, and its sweeps, below a folder; links are not followed.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> list[str]:
        """Folders below the root, the newest first, as paths from there."""
        found = sorted(self._found(), key=lambda item: -item[0])[:MOST]
        return [name for _, name, _ in found]

    def open(self, name: str) -> Shown:
        """Read what is shown of a run.

        Args:
            name: one of `names`; any other is refused, whatever it leads to.

        Raises:
            UserError: there is no such run, or its files are damaged.
        """
        kinds = {each: kind for _, each, kind in self._found()}
        if name not in kinds:
            raise UserError(f"{name[:80]}: there is no such run")
        folder, kind = self.root / name, kinds[name]
        try:
            titles, rows = _samples(folder) if kind == _RUN else _table(folder)
            pictures = [
                (each, encode_png(read_rgb(folder / each))) for each in _PICTURES[kind] if _is_file(folder / each)
            ]
        except (OSError, ValueError, LookupError, TypeError, csv.Error) as error:
            raise UserError(f"{name}: is damaged ({' '.join(str(error).split())[:120]})") from error
        return Shown(pictures, titles, rows)

    def _found(self) -> Iterator[tuple[float, str, str]]:
        """Time of change, path from the root, and the file that makes it a run or a sweep."""
        root = self.root.resolve()
        for path, folders, files in os.walk(root):
            depth = len(Path(path).relative_to(root).parts)
            folders[:] = sorted(folders) if depth < DEEPEST else []
            for kind in (_SWEEP, _RUN):
                place = Path(path) / kind
                if kind in files and _is_file(place) and (kind == _SWEEP or _is_file(place.with_name("sheet.png"))):
                    yield place.stat().st_mtime, Path(path).relative_to(root).as_posix(), kind
                    break


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _samples(folder: Path) -> tuple[list[str], list[list[str]]]:
    """A row for each sample of results.json."""
    results = parse_json(read_file(folder / _RUN, limits.JSON_BYTES).decode())
    records = results["samples"][:MOST]
    numbers = [key for key in ("seam_before", "seam_after", "band_before", "band_after") if key in records[0]]
    rows = [[str(each["name"]), str(each["status"]), *(_numbers(each[key]) for key in numbers)] for each in records]
    return ["sample", "status", *(key.replace("_", " ") for key in numbers)], rows


def _numbers(value: Any) -> str:
    """Numbers by part, in one cell."""
    if not isinstance(value, Mapping):
        return "" if value is None else f"{value:.2f}"
    return ", ".join(f"{part} {number:.2f}" for part, number in value.items() if number is not None)


def _table(folder: Path) -> tuple[list[str], list[list[str]]]:
    """The rows of sweep.csv."""
    text = read_file(folder / _SWEEP, limits.RECORD_BYTES).decode()
    rows = list(csv.reader(io.StringIO(text)))[: MOST + 1]
    return rows[0], rows[1:]
