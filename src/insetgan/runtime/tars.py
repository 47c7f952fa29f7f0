"""Tar files whose bytes depend on nothing but the names and contents of their members."""

import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

_MODE = 0o644


class Place(NamedTuple):
    """Where the content of a member lies in its tar: `offset` and `size`, in bytes."""

    offset: int
    size: int


def write_tar(path: Path, members: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, Place]]:
    """Write members in the order in which they come: no time, owner or mode of this machine is stored.

    Args:
        path: the file.
        members: name of at most 100 letters, and content.

    Yields:
        Name and place of each, after it is written. The file is whole when the iterator ends.

    Raises:
        OSError: it cannot be written.
        ValueError: a name is too long, or no ASCII.
    """
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT, encoding="ascii", errors="strict") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)  # time, user and group are 0
            info.size, info.mode = len(content), _MODE
            begins = tar.offset
            tar.addfile(info, io.BytesIO(content))
            yield name, Place(begins + tarfile.BLOCKSIZE, len(content))
