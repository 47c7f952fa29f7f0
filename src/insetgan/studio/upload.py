"""Own pictures: taken in with limits, kept for a while, and deleted."""

import secrets
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from insetgan.data.image import open_image, read_pixels, why
from insetgan.data.reading import Reading
from insetgan.inversion.given import ENDINGS
from insetgan.runtime.errors import UserError
from insetgan.runtime.reading import read_file, size_text

MOST_BYTES = 16 << 20
"""Of a picture."""

MOST_PIXELS = 40_000_000
"""Of a picture, such as 7300 x 5500; decoded they take 120 MB."""

KEPT_FOR = 3600.0
"""Seconds for which a picture is kept at most."""

MOST_KEPT = 50
"""Pictures kept at once, the newest."""


@dataclass(frozen=True)
class Picture:
    """A picture that was taken in.

    Attributes:
        path: of its file, byte for byte what was sent.
        name: what the artist calls it.
        came: when, in seconds of `time.monotonic`.
    """

    path: Path
    name: str
    came: float


class Uploads:
    """Keeps own pictures in a folder, each under a key that cannot be guessed.

    Args:
        folder: for them alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._kept: dict[str, Picture] = {}
        self._lock = threading.Lock()

    def take(self, sent: Path) -> tuple[str, NDArray[np.uint8]]:
        """Take a picture in, and remove the file in which it came, whether it is good or not.

        Args:
            sent: the file.

        Returns:
            The key of the picture, and its pixels as refine.py reads them, uint8 [H, W, 3].

        Raises:
            UserError: another ending than those of pictures, too many bytes or pixels, or no picture.
        """
        name = "".join(letter for letter in sent.name if letter.isprintable())[-80:]
        try:
            if sent.suffix.lower() not in ENDINGS:
                raise UserError(f"{name}: must end in {', '.join(ENDINGS)}")
            data, pixels = _read(sent, name)
        finally:
            sent.unlink(missing_ok=True)
        key = secrets.token_urlsafe(16)
        path = self.folder / f"{key}{sent.suffix.lower()}"
        path.write_bytes(data)
        with self._lock:
            self._kept[key] = Picture(path, name, time.monotonic())
            self._clear()
        return key, pixels

    def find(self, key: str) -> Picture:
        """A picture that was taken in.

        Raises:
            UserError: it is kept no more.
        """
        with self._lock:
            self._clear()
            if key not in self._kept:
                raise UserError("your picture was deleted after an hour; give it again")
            return self._kept[key]

    def remove(self, key: str) -> None:
        """Delete a picture, if it is there."""
        with self._lock:
            if (picture := self._kept.pop(key, None)) is not None:
                picture.path.unlink(missing_ok=True)

    def _clear(self) -> None:
        keys = list(self._kept)
        old = time.monotonic() - KEPT_FOR
        for number, key in enumerate(keys):
            if self._kept[key].came < old or number < len(keys) - MOST_KEPT:
                self._kept.pop(key).path.unlink(missing_ok=True)


def _read(sent: Path, name: str) -> tuple[bytes, NDArray[np.uint8]]:
    """The bytes of a picture and its pixels.

    Raises:
        UserError: too many of either, or no picture.
    """
    try:
        if sent.stat().st_size > MOST_BYTES:
            raise UserError(f"{name}: must have {size_text(MOST_BYTES)} at most")
        data = read_file(sent, MOST_BYTES)
        with open_image(data) as image:  # reads the head alone
            width, height = image.size
        if width * height > MOST_PIXELS:
            raise UserError(
                f"{name}: has {width} x {height} pixels; must have {MOST_PIXELS // 1_000_000} million at most"
            )
        return data, read_pixels(data, Reading(grey="rgb"))[0]
    except UserError:
        raise
    except Exception as error:  # nearly anything when it is damaged, as Pillow raises
        raise UserError(f"{name}: {why(error)}") from error
