"""Copies of objects on this machine, which together take no more room than is allowed."""

import hashlib
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from insetgan.runtime import limits, objects
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import cache_folder, write_whole

_ENDING = ".object"
# It leaves at once when the copy is whole: what a store's threads do at the end of a process is not to be waited for.
_HELPER = (
    "import os, sys; from insetgan.runtime import object_cache; object_cache.copy_object(*sys.argv[1:]); os._exit(0)"
)
_TRIES = 3


def fetch(address: str) -> Path:
    """A copy of an object; the ones that were not used for the longest time make room for it.

    Several processes share the copies, and none fetches what another one is fetching. A copy may be removed once this
    process has let go of it: whoever finds it gone calls this again.

    Args:
        address: see `runtime.objects`.

    Raises:
        UserError: it cannot be had, or is larger than `limits.CACHE_BYTES`.
    """
    size, tag = objects.facts(address)
    if size > limits.CACHE_BYTES:
        raise objects.too_large(address, size, limits.CACHE_BYTES)
    folder = cache_folder() / "objects"
    name = hashlib.sha256(f"{address}\n{size}\n{tag}".encode()).hexdigest()[:32]
    path = folder / f"{name}{_ENDING}"
    if _use(path, size):
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{name}.lock"):
        if _use(path, size):
            return path
        with FileLock(folder / "room.lock"):
            _make_room(folder, size)
        write_whole(path, lambda beside: _copy(address, size, beside))
    return path


def _use(path: Path, size: int) -> bool:
    """Whether a whole copy is there; if so it counts as used now."""
    try:
        if path.stat().st_size != size:
            return False
        os.utime(path)
    except OSError:
        return False
    return True


def _copy(address: str, size: int, path: Path) -> None:
    if objects.needs_own_process(address):
        _copy_elsewhere(address, size, path)
        return
    with path.open("wb") as file:
        for piece in objects.pieces(address, size):
            file.write(piece)


def _copy_elsewhere(address: str, size: int, path: Path) -> None:
    """Copy in a process of its own, which takes a second more: the threads of a store do not outlive a fork."""
    arguments = [sys.executable, "-c", _HELPER, address, str(size), str(path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    for _ in range(_TRIES):
        done = subprocess.run(arguments, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode == 0:
            return
        if said := done.stderr.strip().splitlines():
            raise UserError(said[-1])
        # It died without a word, as processes with threads of native code sometimes do: that says nothing of the object.
    raise UserError(f"{address}: cannot be copied (the process that copies ended with {done.returncode})")


def copy_object(address: str, size: str, path: str) -> None:
    """What the process of `_copy_elsewhere` does; a mistake is its last line on standard error."""
    try:
        _copy(address, int(size), Path(path))
    except UserError as error:
        sys.exit(str(error))


def _make_room(folder: Path, size: int) -> None:
    """Remove copies until one of `size` bytes fits, the one unused for the longest time first."""
    known = []
    for path in folder.glob(f"*{_ENDING}"):
        with suppress(OSError):
            status = path.stat()
            known.append((status.st_mtime, status.st_size, path))
    held = sum(each[1] for each in known)
    for _, freed, path in sorted(known):
        if held + size <= limits.CACHE_BYTES:
            return
        with suppress(OSError):
            path.unlink()
        held -= freed
