"""Where the files of an archive lie: a zip, a folder, or tar shards. Safe to pickle to worker processes."""

import os
import zipfile
from pathlib import Path
from typing import IO, Protocol

from insetgan.data.annotations import Annotations
from insetgan.runtime import limits
from insetgan.runtime.folders import list_folder
from insetgan.runtime.reading import read_file, take
from insetgan.runtime.zips import check_members, open_member


class Container(Protocol):
    """Gives files by name.

    Attributes:
        notes: lines about what is passed over, filled by `names`.
        labels: the classes of samples by name of their image, where the container has them itself; else empty.
    """

    notes: list[str]
    labels: dict[str, int]

    def names(self) -> list[str]:
        """Names of all files, with forward slashes. Raises ValueError where one will not do, OSError, and zipfile's errors."""
        ...

    def annotations(self) -> Annotations | None:
        """Boxes that stand with the samples; None where they are in a file of their own."""
        ...

    def read(self, name: str, most: int) -> bytes:
        """The content of a file. Raises ValueError where it is larger than `most` bytes."""
        ...

    def stream(self, name: str) -> IO[bytes]:
        """A file as a stream; Pillow reads the header of an image from there."""
        ...


class Zip:
    """Files in a zip.

    Args:
        path: of the zip.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self.labels: dict[str, int] = {}
        self._zip: zipfile.ZipFile | None = None
        self._owner = -1

    def __getstate__(self) -> dict[str, object]:
        """State without the open file."""
        return {**self.__dict__, "_zip": None}

    def _open(self) -> zipfile.ZipFile:
        # A forked process must not share the parent's file position.
        if self._zip is None or self._owner != os.getpid():
            self._zip, self._owner = zipfile.ZipFile(self.path), os.getpid()
        return self._zip

    def names(self) -> list[str]:
        """See `Container`."""
        if not self.path.is_file():
            raise ValueError("is neither a file nor a folder")
        return check_members(self._open())

    def annotations(self) -> Annotations | None:
        """None: a file of the zip has them."""
        return None

    def read(self, name: str, most: int) -> bytes:
        """See `Container`."""
        with open_member(self._open(), name, most) as stream:
            return take(stream, most)

    def stream(self, name: str) -> IO[bytes]:
        """See `Container`."""
        return open_member(self._open(), name, limits.IMAGE_BYTES)

    def checksum(self, name: str) -> tuple[int, int]:
        """Size and CRC-32 of a file, as the zip holds them."""
        info = self._open().getinfo(name)
        return info.file_size, info.CRC


class Folder:
    """Files below a folder.

    Args:
        path: of the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self.labels: dict[str, int] = {}

    def names(self) -> list[str]:
        """See `Container`."""
        listing = list_folder(self.path)
        self.notes += listing.notes
        return listing.files

    def annotations(self) -> Annotations | None:
        """None: a file of the folder has them."""
        return None

    def read(self, name: str, most: int) -> bytes:
        """See `Container`."""
        return read_file(self.path / name, most)

    def stream(self, name: str) -> IO[bytes]:
        """See `Container`."""
        return (self.path / name).open("rb")
