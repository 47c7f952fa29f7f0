"""The folder in which a command keeps its results: whole, checked, and for one command at a time."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insetgan.runtime.errors import UserError
from insetgan.runtime.files import lock_folder, make_folder, write_whole
from insetgan.runtime.reading import read_file
from insetgan.runtime.record import read_record, seal
from insetgan.runtime.run_log import log_to

MARKER = "settings.txt"
"""Says which kind of results a folder holds, and of which settings."""

Content = bytes | Callable[[Path], object]
"""Bytes of a file, or what writes them to the path it is given."""

_MARK = re.compile(r"insetgan (\w+) ([0-9a-f]{64})\n")
_LONGEST_MARK = 4096  # bytes; a longer marker is something else
_OLD_MARK = re.compile(r"(completion )?[0-9a-f]{64}")  # of 0.1.0 and before, which had no checksums


@dataclass(frozen=True)
class Layout:
    """What the folders of one kind of results hold.

    Attributes:
        kind: one word, such as `refine`.
        title: what the results are called in messages, such as "results" or "completions".
        pieces: regular expression of the names of a result's files; no other file is removed by `overwrite`.
        folder: folder of these files within the result folder; empty for the result folder itself.
        gathered: names of files made of all results, which mean nothing without them.
    """

    kind: str
    title: str
    pieces: str
    folder: str = ""
    gathered: Sequence[str] = ()


class ResultFolder:
    """Where a command keeps its results.

    A result has a key and consists of files, its pieces. Beside them, `<key>.json` is written last: the record. It holds
    what the result depends on, what was given as its data, and a checksum of each piece and of itself. A result is
    finished if its record is whole, of this fingerprint, and every piece is what it was. Otherwise it is made again.

    Nothing is touched before `open`. Processes that share the work open the folder in one of them only.

    Args:
        path: the folder.
        fingerprint: from `runtime.fingerprint`, says from which settings the results come.
        layout: what such folders hold.
        overwrite: whether `open` removes the results that are there, of whichever settings.
        out: what messages call the folder, if not by its path.
    """

    def __init__(
        self, path: str | Path, fingerprint: str, layout: Layout, *, overwrite: bool = False, out: Path | None = None
    ) -> None:
        self.path, self.fingerprint, self.layout, self.overwrite = Path(path), fingerprint, layout, overwrite
        self.out = out or self.path
        self.results = self.path / layout.folder

    @contextmanager
    def open(self) -> Iterator[None]:
        """Keep other commands out of the folder, claim it for these settings, and append what is said to <kind>.log.

        Raises:
            UserError: another command is writing there, it cannot be written to, or it holds other results that may not
                be overwritten.
        """
        with lock_folder(self.path, out=self.out):
            self.claim()
            with log_to(self.path / f"{self.layout.kind}.log"):
                yield

    def claim(self) -> None:
        """Claim the folder for these settings; its lock, or that of a folder above, must be held.

        Raises:
            UserError: it holds other results that may not be overwritten, or something else.
        """
        make_folder(self.path, out=self.out)
        make_folder(self.results, out=self.out)
        mark, found = self._mark, self._marker()
        owners = self._owners() if found != mark else set()  # the marker may be lost or damaged, the records say more
        if found != mark and owners != {self.fingerprint}:
            self._refuse_others(found, mark, known=bool(owners))
            self._clear()
        elif self.overwrite:
            self._clear()
        if found != mark:
            write_whole(self.path / MARKER, mark.encode())

    @property
    def _mark(self) -> str:
        return f"insetgan {self.layout.kind} {self.fingerprint}\n"

    def _marker(self) -> str | None:
        """What the marker says, if there is one."""
        marker = self.path / MARKER
        if not marker.is_file():
            return None
        try:
            return read_file(marker, _LONGEST_MARK).decode(errors="replace")
        except ValueError:
            return "too long"

    def is_claimed(self) -> bool:
        """Whether the folder is claimed for these settings."""
        return self._marker() == self._mark

    def _owners(self) -> set[str]:
        """Fingerprints of the settings from which the results in the folder come, as far as their records are whole."""
        notes = [self._note(path.stem) for path in self._pieces()]
        return {note["fingerprint"] for note in notes if note is not None}

    def _refuse_others(self, found: str | None, mark: str, *, known: bool) -> None:
        """Raise UserError unless the folder may be claimed.

        Args:
            found: the marker, if there is one.
            mark: the marker that would be right.
            known: whether there are results of this layout, of whichever settings.
        """
        kind, title = self.layout.kind, self.layout.title
        match, old = _MARK.fullmatch(found or ""), _OLD_MARK.fullmatch(found or "")
        if match is not None and match[1] != kind:
            raise UserError(f"out={self.out}: holds results of {match[1]}, not of {kind}; choose another folder")
        if found is None and not known and (self.path / "config.yaml").exists():
            raise UserError(f"out={self.out}: holds another run, not {title} of {kind}; choose another folder")
        cut_short = found is not None and mark.startswith(found)
        if not (found is None or known or match or old or cut_short):
            raise UserError(f"out={self.out}: holds a {MARKER} of something else; choose another folder")
        if self._pieces() and not self.overwrite:
            of = "an earlier version, which this one cannot go on with" if old else "other settings"
            raise UserError(
                f"out={self.out}: holds {title} of {of}; choose another folder, or replace them with overwrite=true"
            )

    def _pieces(self) -> list[Path]:
        pattern = re.compile(self.layout.pieces)
        return [path for path in self.results.iterdir() if pattern.fullmatch(path.name)]

    def _clear(self) -> None:
        for old in (*self._pieces(), *(self.path / name for name in self.layout.gathered)):
            old.unlink(missing_ok=True)
        shutil.rmtree(self._partials, ignore_errors=True)

    def finished(self, key: str, depends: Any = None) -> bool:
        """Whether a result stands whole, made with these settings; every byte of it is read.

        Args:
            key: of the result.
            depends: what it must depend on beside the settings, plain JSON values; None takes any.
        """
        return self._problem(key, depends) is None

    def _problem(self, key: str, depends: Any) -> str | None:
        """What is wrong with a result, or None."""
        note = self._note(key)
        if note is None:
            return "is missing or damaged"
        if note["fingerprint"] != self.fingerprint or (depends is not None and _plain(depends) != note["depends"]):
            return "was made otherwise"
        for name, digest in note["pieces"].items():
            try:
                if not (self.results / name).is_file():  # from a pipe reading may never end
                    return f"lacks {name}"
                with (self.results / name).open("rb") as file:
                    if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                        return f"is damaged in {name}"
            except OSError:
                return f"lacks {name}"
        return None

    def add(self, key: str, pieces: Mapping[str, Content], *, depends: Any = None, data: Any = None) -> None:
        """Write a result; it counts as finished once all of it is written.

        Args:
            key: of the result.
            pieces: its files, by name.
            depends: what it depends on beside the settings, plain JSON values.
            data: plain JSON values that `data` gives back.

        Raises:
            UserError: the folder was removed.
            OSError: a file cannot be written.
        """
        digests = {}
        for name, content in pieces.items():
            self._write(self.results / name, content)
            if callable(content):
                with (self.results / name).open("rb") as file:
                    digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
            else:
                digests[name] = hashlib.sha256(content).hexdigest()
        note = {"key": key, "fingerprint": self.fingerprint, "depends": depends, "pieces": digests, "data": data}
        self._write(self._record(key), seal(note))

    def data(self, key: str) -> Any:
        """The data of a finished result.

        Raises:
            UserError: it is missing or damaged.
        """
        note = self._note(key)
        if note is None:
            raise self._unfinished(key, "is missing or damaged")
        return note["data"]

    def require(self, keys: Sequence[str], depends: Sequence[Any] | None = None) -> None:
        """Check that all of these results are finished.

        Args:
            keys: of the results.
            depends: what each must depend on beside the settings; None takes any.

        Raises:
            UserError: one is not.
        """
        for key, wanted in zip(keys, depends or [None] * len(keys), strict=True):
            if (problem := self._problem(key, wanted)) is not None:
                raise self._unfinished(key, problem)

    def _unfinished(self, key: str, problem: str) -> UserError:
        return UserError(f"out={self.out}: result {key} {problem}; the same command makes it again")

    def write(self, name: str, content: Content) -> None:
        """Write a file of the folder that belongs to no result, such as config.yaml.

        Raises:
            UserError: the folder was removed.
            OSError: it cannot be written.
        """
        self._write(self.path / name, content)

    def _write(self, path: Path, content: Content) -> None:
        try:
            if not (self.path / MARKER).is_file():
                raise FileNotFoundError
            write_whole(path, content)
        except FileNotFoundError as error:
            if (self.path / MARKER).is_file():
                raise
            raise UserError(
                f"out={self.out}: the folder was removed while this command wrote to it; give the command again"
            ) from error

    @property
    def _partials(self) -> Path:
        return self.path / ".partial"

    def partial(self, key: str) -> Path:
        """Where the state of an unfinished result may be kept, a file that need not exist; write it by `write_whole`.

        Remove it by `remove_partial` when the result is finished. The state of other settings is removed by `open`.
        """
        return self._partials / key

    def partials(self) -> list[str]:
        """Keys of the states of unfinished results that are kept."""
        try:
            return sorted(path.name for path in self._partials.iterdir())
        except OSError:
            return []

    def remove_partial(self, key: str) -> None:
        """Remove the state of an unfinished result, if there is one."""
        self.partial(key).unlink(missing_ok=True)
        try:
            self._partials.rmdir()
        except OSError:  # it holds the states of others, or there was none
            pass

    def _record(self, key: str) -> Path:
        return self.results / f"{key}.json"

    def _note(self, key: str) -> dict[str, Any] | None:
        note = read_record(self._record(key))
        return note if note is not None and note["key"] == key else None


def _plain(value: Any) -> Any:
    """The value as JSON gives it back, where a tuple is a list."""
    return json.loads(json.dumps(value))
