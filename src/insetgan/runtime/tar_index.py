"""What lies in a tar, from its headers alone: files that come from anywhere are looked at before anything is read."""

import os
import tarfile
from collections.abc import Iterator
from typing import IO

from insetgan.runtime import limits
from insetgan.runtime.tars import Place
from insetgan.runtime.zips import leads_out, shown

_BLOCK = tarfile.BLOCKSIZE
_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ")  # gzip, zstandard, bzip2, xz
_REFUSED = {tarfile.SYMTYPE: "a link", tarfile.LNKTYPE: "a link", tarfile.GNUTYPE_SPARSE: "a file with holes"}


def scan_tar(stream: IO[bytes]) -> Iterator[tuple[str, Place]]:
    """Names and places of the files in a plain tar: ustar, GNU or PAX, not compressed.

    Args:
        stream: of the whole tar, which can be positioned; a caller may read from it between two files.

    Raises:
        ValueError: it is no tar, cut short, or holds links, names that lead out or stand twice, or more files than
            `limits.ZIP_MEMBERS`.
    """
    end, position = stream.seek(0, os.SEEK_END), 0
    names: set[str] = set()
    long_name, long_size = "", None
    while (info := _header(stream, position)) is not None:
        is_table = info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE)
        size = info.size if long_size is None or is_table else long_size
        place = Place(position + _BLOCK, size)
        position = place.offset + -(-size // _BLOCK) * _BLOCK
        if size < 0 or place.offset + size > end:
            raise ValueError(f"is cut short: {shown(long_name or info.name)} would end behind its {end} bytes")
        if is_table:
            long_name, long_size = _further(info, stream, size, long_name)
            continue
        name, long_name, long_size = (long_name or info.name).removeprefix("./"), "", None
        if info.type in _REFUSED:
            raise ValueError(f"holds {_REFUSED[info.type]}, {shown(name)}")
        if info.type not in tarfile.REGULAR_TYPES:
            continue  # folders, and tables for all files, of which nothing is used
        _refuse(name, names)
        names.add(name)
        yield name, place


def _header(stream: IO[bytes], position: int) -> tarfile.TarInfo | None:
    """The header at a position; None for the mark of the end."""
    stream.seek(position)
    block = stream.read(_BLOCK)
    if len(block) < _BLOCK:
        raise ValueError("is cut short, the mark of its end is missing" if position else "is no tar")
    if not block.strip(b"\0"):
        return None
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        if not position and block.startswith(_PACKED):
            raise ValueError("is compressed; unpack it to a plain tar") from error
        raise ValueError(f"is no whole tar ({error})") from error


def _further(info: tarfile.TarInfo, stream: IO[bytes], size: int, name: str) -> tuple[str, int | None]:
    """Name and size of the next file, as a table before it says."""
    if size > limits.TAR_NAME:
        raise ValueError(f"holds a name or table of more than {limits.TAR_NAME} bytes")
    content = stream.read(size)
    if info.type == tarfile.GNUTYPE_LONGNAME:
        return content.rstrip(b"\0").decode("utf-8", "surrogateescape"), None
    return _pax(content, name)


def _refuse(name: str, names: set[str]) -> None:
    if leads_out(name) or len(name) > limits.NAME_LENGTH:
        raise ValueError(f"the member {shown(name)} has a name that leads out of the archive, or is too long")
    if name in names:
        raise ValueError(f"holds two members called {shown(name)}")
    if len(names) >= limits.ZIP_MEMBERS:
        raise ValueError(f"holds more than {limits.ZIP_MEMBERS} members")


def _pax(content: bytes, name: str) -> tuple[str, int | None]:
    """Name and size of the next file, where a table of PAX has them: lines of "LENGTH KEY=VALUE"."""
    size = None
    while content:
        length, _, _ = content.partition(b" ")
        if not length.isdigit() or not len(length) + 1 < int(length) <= len(content):
            raise ValueError("holds a damaged table of names")
        key, _, value = content[len(length) + 1 : int(length) - 1].partition(b"=")
        if key == b"path":
            name = value.decode("utf-8", "surrogateescape")
        elif key == b"size" and value.isdigit():
            size = int(value[:20])
        content = content[int(length) :]
    return name, size
