"""Zip files that may come from anywhere: their members are looked at before anything of them is read."""

import io
import zipfile
from pathlib import PurePosixPath
from typing import IO

from insetgan.runtime import limits
from insetgan.runtime.reading import size_text, take

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


def check_members(archive: zipfile.ZipFile) -> list[str]:
    """Names of the files in a zip, none of which could lead out of it, hide another one or be a bomb.

    Raises:
        ValueError: naming the first member that will not do, and why.
    """
    infos = archive.infolist()
    if len(infos) > limits.ZIP_MEMBERS:
        raise ValueError(f"holds {len(infos)} members, at most {limits.ZIP_MEMBERS} are read")
    names: set[str] = set()
    for info in infos:
        if info.is_dir():
            continue
        if fault := _fault(info):
            raise ValueError(f"the member {shown(info.filename)} {fault}")
        if info.filename in names:
            raise ValueError(f"holds two members called {shown(info.filename)}")
        names.add(info.filename)
    return list(names)


def check_size(info: zipfile.ZipInfo, most: int) -> None:
    """Refuse a member that is larger than it may be. Raises ValueError."""
    if info.file_size > most:
        raise ValueError(f"holds {size_text(info.file_size)}, at most {size_text(most)} are read")


def open_member(archive: zipfile.ZipFile, name: str, most: int) -> IO[bytes]:
    """Open a member as a stream that never unpacks more than it is asked for, whatever its header claims.

    Raises:
        ValueError: it is larger than `most` bytes.
    """
    check_size(archive.getinfo(name), most)
    return _Steady(archive.open(name), most)


def read_member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Read a member whole. Raises ValueError when it, or any other member, will not do, or it is larger than `most` bytes."""
    check_members(archive)
    with open_member(archive, name, most) as stream:
        return take(stream, most)


class _Steady(io.RawIOBase, IO[bytes]):
    """A member whose read() goes by pieces; zipfile's own unpacks up to 2 GiB at once where the header lies."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream, self._most = stream, most

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            return take(self._stream, self._most)
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._stream.seekable()

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def shown(name: str) -> str:
    """A name from a file for a message: without control characters, not too long."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:100])


def leads_out(name: str) -> bool:
    """Whether a member's name would lead out of its archive."""
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or "\\" in name or name[1:2] == ":" or "\0" in name


def _fault(info: zipfile.ZipInfo) -> str:
    if len(info.filename) > limits.NAME_LENGTH:
        return f"has a name of more than {limits.NAME_LENGTH} letters"
    if leads_out(info.filename) or "\0" in info.orig_filename:
        return "has a name that leads out of the archive; names must be like folder/image.png"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if info.compress_type not in _METHODS:
        return "is packed otherwise than with deflate"
    if info.file_size > limits.ZIP_RATIO_FROM and info.file_size > limits.ZIP_RATIO * max(info.compress_size, 1):
        return (
            f"would unpack {size_text(info.compress_size)} to {size_text(info.file_size)}; at most "
            f"{limits.ZIP_RATIO} times as much is believed"
        )
    return ""
