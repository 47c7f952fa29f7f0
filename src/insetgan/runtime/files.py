"""Files that appear whole or not at all, folders for one command at a time, and where cached files lie."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from insetgan.runtime.errors import UserError
from insetgan.runtime.paths import home_folder


def write_whole(path: Path, content: bytes | Callable[[Path], object]) -> None:
    """Write a file beside its place, then move it there at once; what stood there before stands until then.

    The name beside is always the same, so what a killed process left half-written is overwritten by the next one.

    Args:
        path: where to; missing folders are made.
        content: the bytes, or what writes them to the path it is given.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.tmp")
    try:
        if callable(content):
            content(beside)
        else:
            beside.write_bytes(content)
        _to_disk(beside)  # before the name: after a power cut there is the old file or the new one, never an empty one
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def hold(folder: Path, *, patience: float = 10.0) -> Iterator[None]:
    """Keep other commands out of a folder; they are let in again when this process ends, however it ends.

    Args:
        folder: made if it is missing.
        patience: seconds to wait for a process that is about to end.

    Raises:
        UserError: another command holds it.
        OSError: the folder cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        end = time.monotonic() + patience
        while not _locked(descriptor):
            if time.monotonic() > end:
                raise UserError(f"out={folder}: another command is writing there; wait for it or give another out=")
            time.sleep(0.2)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: nobody is kept out
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


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


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
