"""One fingerprint for whatever decides a result: plain settings, contents of files, and archives of images."""

import functools
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from insetgan.runtime import objects, plugins
from insetgan.runtime.errors import UserError
from insetgan.runtime.folders import list_folder


@runtime_checkable
class ReadsFiles(Protocol):
    """A component that reads files; a change of one of them makes earlier results invalid."""

    def files(self) -> Sequence[Path]:
        """The files whose contents decide what this component computes; empty if there are none."""
        ...


class FromFile:
    """A network that may have been read from a file.

    Attributes:
        source: the file; None for a network that was built otherwise.
    """

    source: Path | None = None

    def files(self) -> list[Path]:
        """The file it was read from; see `ReadsFiles`."""
        return [] if self.source is None else [self.source]


def fingerprint(values: Any, *, files: Iterable[Path] = (), archives: Iterable[Path] = (), code: bool = True) -> str:
    """Digest of everything that decides a result, the source code of the packages that the user named among it.

    Args:
        values: numbers, text, None, and lists and dicts of them; the order of a dict's keys does not matter.
        files: their contents count, and neither their names nor their places.
        archives: zip files, tar shards (also in object stores) or folders of images, too large to be read each time. Names,
            sizes and times of change count.
        code: whether the source code of the admitted packages counts.

    Returns:
        64 hexadecimal digits (SHA-256).

    Raises:
        TypeError: a value of another type.
        OSError: a file or an archive cannot be read.
    """
    content = [values, [file_digest(path) for path in files], [_archive_stamp(path) for path in archives]]
    if code and (named := plugins.digests()):
        content.append(named)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def files_of(*components: object) -> list[Path]:
    """The files of all components that say which they read (see `ReadsFiles`), in their order; None reads none.

    Raises:
        UserError: a component does not say which files it reads.
    """
    found: list[Path] = []
    for component in components:
        if component is None:
            continue
        if not isinstance(component, ReadsFiles):
            name = f"{type(component).__module__}.{type(component).__qualname__}"
            raise UserError(f"{name}: needs a method files(), which returns the files that it reads, or an empty list")
        found += map(Path, component.files())
    return found


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content; computed once for each state of the file.

    Raises:
        OSError: it cannot be read.
    """
    status = os.stat(path)
    return _digest_of_state(os.path.realpath(path), status.st_size, status.st_mtime_ns, status.st_ino)


@functools.lru_cache(maxsize=256)
def _digest_of_state(path: str, *_: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _archive_stamp(path: Path) -> list[Any]:
    """Names within the archive, sizes in bytes and times of change in nanoseconds of its files."""
    if objects.is_remote(path) or (objects.is_pattern(path) and not path.exists()):
        return [_shard_stamp(address) for address in objects.expand(path)]
    if not path.is_dir():
        status = path.stat()
        return [[path.name, status.st_size, status.st_mtime_ns]]
    listing = list_folder(path)
    return [[name, *_state(path / name)] for name in sorted(listing.files)]


def _shard_stamp(address: str) -> list[Any]:
    if objects.is_remote(address):
        return [address, *objects.facts(address)]
    return [Path(address).name, *_state(Path(address))]


def _state(path: Path) -> tuple[int, int]:
    if not path.exists():  # a link that leads nowhere
        return -1, 0
    status = path.stat()
    return status.st_size, status.st_mtime_ns
