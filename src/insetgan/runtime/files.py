"""Files that appear whole or not at all, folders for one command at a time, and where cached files lie."""

import os
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from insetgan.runtime.errors import UserError
from insetgan.runtime.paths import home_folder

LOCK = ".lock"
"""File in a folder by which a command keeps other commands out."""

_BESIDE = re.compile(r"\.[0-9a-f]{12}\.tmp")


def write_whole(path: Path, content: bytes | Callable[[Path], object]) -> None:
    """Write a file beside its place, then rename it; what stood there before stands until then.

    The file beside has a name that no other process uses. A process that is killed leaves it behind; `remove_leftovers`
    removes it.

    Args:
        path: where to; missing folders are made.
        content: the bytes, or what writes them to the path it is given.

    Raises:
        OSError: it cannot be written; it names the path, and nothing is left behind.
    """
    beside = path.with_name(f".{uuid.uuid4().hex[:12]}.tmp")
    try:
        with _named(path, beside):
            path.parent.mkdir(parents=True, exist_ok=True)
            if callable(content):
                content(beside)
            else:
                beside.write_bytes(content)
            # Before the rename: after a power cut there is the old file or the new one, never an empty one.
            _to_disk(beside)
            os.replace(beside, path)
    finally:
        _remove(beside)


def append(path: Path, content: bytes) -> None:
    """Add to the end of a file.

    Raises:
        OSError: it cannot be written; it names the path.
    """
    with _named(path), path.open("ab") as file:
        file.write(content)


@contextmanager
def _named(path: Path, beside: Path | None = None) -> Iterator[None]:
    """Let errors name the path: a full disk is reported without one, or with the file beside, which a user does not know."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(beside)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder and below; no other process may write there meanwhile.

    Folders below that have a lock of their own belong to other commands and are not entered.
    """
    for parent, folders, names in os.walk(folder):
        if LOCK in names and Path(parent) != folder:
            folders.clear()
            continue
        for name in names:
            if _BESIDE.fullmatch(name):
                _remove(Path(parent, name))


@contextmanager
def lock_folder(folder: Path, *, out: Path | None = None, patience: float = 10.0, tidy: bool = True) -> Iterator[None]:
    """Keep other commands out of a folder; they are let in again when this process ends, however it ends.

    Args:
        folder: made if it is missing.
        out: what messages call it, if not by its path.
        patience: seconds to wait for a process that is about to end.
        tidy: whether to remove what killed commands left half-written there; not where others work below without a lock.

    Raises:
        UserError: another command has locked it, or it cannot be made or written to.
    """
    try:
        make_folder(folder, out=out)
        lock = FileLock(folder / LOCK)
        lock.acquire(timeout=patience, poll_interval=0.2)
    except Timeout:
        raise UserError(
            f"out={out or folder}: another command is writing there; wait for it or give another out="
        ) from None
    except OSError as error:
        raise UserError(f"out={out or folder}: cannot be written to ({error.strerror or error})") from error
    try:
        if tidy:
            remove_leftovers(folder)
        yield
    finally:
        lock.release()


def make_folder(path: Path, *, out: Path | None = None) -> None:
    """Make the folder of a run and those above it; `out` is what messages call it, if not by its path.

    Raises:
        UserError: it cannot be made.
    """
    try:
        Path(os.path.normpath(path)).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"out={out or path}: no folder can be made there ({error.strerror})") from error


def cache_folder() -> Path:
    """Where this user's cached files go: `$XDG_CACHE_HOME/insetgan`, or `~/.cache/insetgan`.

    Raises:
        UserError: there is neither.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if named.is_absolute():
        return named / "insetgan"
    if (home := home_folder()) is None:
        raise UserError("this user has no home folder; XDG_CACHE_HOME=/FOLDER says where cached files go")
    return home / ".cache" / "insetgan"


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # a folder stands in the place of the one above; there is nothing to remove then
        pass


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
