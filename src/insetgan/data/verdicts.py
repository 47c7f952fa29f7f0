"""What the check of an archive found, remembered so that the next start need not look again."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from insetgan.data.archive import Archive
from insetgan.data.image import Shape
from insetgan.runtime import limits
from insetgan.runtime.files import cache_folder, write_whole
from insetgan.runtime.fingerprint import fingerprint
from insetgan.runtime.reading import read_file
from insetgan.runtime.record import seal, unseal

_VERSION = 2  # of the check; another one trusts nothing that this one found


class Verdicts:
    """The sizes of the images that were found whole, in a file of the user's cache folder.

    The file belongs to the archive as it stood when this object was made: its path, size and time of change, for a folder
    those of every image. Whatever hinders reading or writing it is no error.

    Attributes:
        shapes: (H, W) of every image found whole, None for the others; to be filled in.
    """

    def __init__(self, archive: Archive) -> None:
        """Recall what is known of the archive."""
        self.shapes: list[Shape | None] = [None] * len(archive)
        self._file: Path | None = None
        self._fingerprint = _fingerprint(archive)
        try:
            self._file = cache_folder() / "checked" / f"{archive.path.stem}-{self._fingerprint}.json"
            known = self._unpacked(read_file(self._file, limits.RECORD_BYTES))
        except (OSError, ValueError, TypeError, KeyError, RuntimeError):
            return
        if len(known) == len(self.shapes):
            self.shapes = known

    def save(self) -> None:
        """Remember `shapes`."""
        runs = [[*(shape or (0, 0)), len(list(run))] for shape, run in itertools.groupby(self.shapes)]
        try:
            if self._file is not None:
                write_whole(self._file, seal({"archive": self._fingerprint, "runs": runs}))
        except OSError:
            pass

    def _unpacked(self, content: bytes) -> list[Shape | None]:
        """The shapes that a file holds, none if it is damaged or of another archive."""
        kept = unseal(content)
        if kept is None or kept["archive"] != self._fingerprint:
            return []
        shapes: list[Shape | None] = []
        for height, width, count in kept["runs"]:
            if not all(isinstance(number, int) for number in (height, width, count)):
                return []
            if count > len(self.shapes) - len(shapes):  # before memory is taken for them
                return []
            shapes += [(height, width) if height else None] * count
        return shapes

    def write_list(self, lines: Sequence[str]) -> Path | None:
        """Write lines to a text file beside, for people to read; None where that cannot be."""
        if self._file is None:
            return None
        path = self._file.with_suffix(".txt")
        try:
            write_whole(path, "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))
        except OSError:
            return None
        return path


def _fingerprint(archive: Archive) -> str:
    """Changes whenever the archive does, as far as its sizes and times of change tell."""
    path = archive.path.resolve()
    return fingerprint({"check": _VERSION, "path": str(path)}, archives=[path], code=False)[:16]
