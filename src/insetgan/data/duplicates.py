"""Images that an archive holds twice, byte for byte."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path

from insetgan.data.archive import Archive
from insetgan.runtime.zips import shown

_TAIL = 4096


def copies_line(archive: Archive, indices: Sequence[int]) -> str:
    """A line about images that are there more than once; "" when there are none.

    In a zip by the sizes and checksums that it holds; in a folder by the sizes, then the ends of the files, then all of them.
    """
    chosen = sorted(set(indices))
    if archive.shards is not None:  # which have no checksums of their files
        return ""
    groups: list[list[int]] = [chosen]
    for key in _keys(archive):
        groups = [group for some in groups for group in _alike(some, key)]
    if not groups:
        return ""
    count = sum(len(group) - 1 for group in groups)
    first, second = (shown(archive.names[index]) for index in groups[0][:2])
    return (
        f"{count} of {len(chosen)} images are copies, byte for byte, of others, the first {second} of {first}; each "
        "counts as an image of its own"
    )


def _alike(indices: Iterable[int], key: Callable[[int], Hashable]) -> list[list[int]]:
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for index in indices:
        groups[key(index)].append(index)
    return [group for group in groups.values() if len(group) > 1]


def _keys(archive: Archive) -> list[Callable[[int], Hashable]]:
    """What is compared, from the cheapest on."""
    if not archive.path.is_dir():
        return [archive.checksum]

    def path(index: int) -> Path:
        return archive.path / archive.names[index]

    def size(index: int) -> Hashable:
        return path(index).stat().st_size if path(index).exists() else -1 - index

    def tail(index: int) -> Hashable:
        with path(index).open("rb") as file:
            file.seek(max(path(index).stat().st_size - _TAIL, 0))
            return file.read(_TAIL)

    def whole(index: int) -> Hashable:
        with path(index).open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()

    return [size, tail, whole]
