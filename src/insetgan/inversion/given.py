"""Images that the user gives by name: a file, a folder or a pattern; read upright, in colour, and nothing else of them."""

import glob
import hashlib
import io
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from insetgan.data.image import ARCHIVES, read_facts, read_pixels, why
from insetgan.data.reading import Reading
from insetgan.runtime import limits
from insetgan.runtime.errors import UserError
from insetgan.runtime.folders import list_folder, some_of
from insetgan.runtime.paths import read_path
from insetgan.runtime.reading import read_file

ENDINGS = (".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True)
class GivenImage:
    """One image of the user's.

    Attributes:
        name: of its results: that of its file without the ending, and only letters, digits, dots and dashes.
        path: of the file.
    """

    name: str
    path: Path

    def read(
        self, reading: Reading | None = None, *, key: str = "image", changed: Counter[str] | None = None
    ) -> Tensor:
        """Its pixels, uint8 [3, H, W], upright as EXIF says; greyscale becomes RGB.

        Args:
            reading: how it becomes RGB.
            key: what the setting is called, for messages.
            changed: counts what is changed on reading, such as transparency, as `Reading.change` words it.

        Raises:
            UserError: it cannot be read.
        """
        return self.read_with_digest(reading, key=key, changed=changed)[0]

    def read_with_digest(
        self, reading: Reading | None = None, *, key: str = "image", changed: Counter[str] | None = None
    ) -> tuple[Tensor, str]:
        """What `read` gives, and the SHA-256 of the file from which it comes."""
        reading = reading or Reading(grey="rgb")
        try:
            data = read_file(self.path, limits.IMAGE_BYTES)
            pixels, _ = read_pixels(data, reading)
            if changed is not None:
                changed.update(reading.change(kind, key="") for kind in read_facts(io.BytesIO(data)).kinds)
        except Exception as error:  # nearly anything when it is damaged, as Pillow raises
            raise UserError(f"{key}={self.path}: {why(error)}") from error
        return torch.from_numpy(pixels).permute(2, 0, 1).contiguous(), hashlib.sha256(data).hexdigest()


def changes(changed: Counter[str], count: int, *, key: str = "image") -> list[str]:
    """A line about each thing that was changed on reading `count` images."""
    return [f"{key}: {number} of {count} images {text}" for text, number in sorted(changed.items())]


def find_images(
    source: str | Sequence[str], *, key: str = "image", say: Callable[[str], None] = lambda line: None
) -> list[GivenImage]:
    """The images that a setting names.

    Args:
        source: a file, a folder (its images in the order of their names), a pattern such as "faces/*.jpg", or several.
        key: what the setting is called, for messages.
        say: is told in a line of files of a folder or a pattern that are passed over.

    Raises:
        UserError: there is none.
    """
    paths: list[Path] = []
    for each in [source] if isinstance(source, str) else source:
        found = _paths(str(each), key, say)
        if not found:
            raise UserError(f"{key}={each}: no image there; give a file, a folder or a pattern of {', '.join(ENDINGS)}")
        paths += found
    taken: set[str] = set()
    images = []
    for path in paths:
        name = free = re.sub(r"[^A-Za-z0-9.-]+", "-", path.stem).strip("-.") or "image"
        number = 1
        while free.lower() in taken:  # some file systems do not tell capitals from small letters
            number += 1
            free = f"{name}-{number}"
        taken.add(free.lower())
        images.append(GivenImage(free, path))
    return images


def _paths(source: str, key: str, say: Callable[[str], None]) -> list[Path]:
    path = read_path(source, key=key)
    if path.is_file() and path.name.lower().endswith(ARCHIVES):
        raise UserError(f"{key}={source}: is an archive; unpack it, and give a file, a folder or a pattern")
    if path.is_file():
        return [path]
    if path.is_dir():
        try:
            listing = list_folder(path)
        except (OSError, ValueError) as error:
            raise UserError(f"{key}={source}: cannot be read ({error})") from error
        for note in listing.notes:
            say(f"{key}={source}: {note}")
        listed = [path / name for name in sorted(listing.files)]
    else:
        listed = [each for each in map(Path, sorted(glob.glob(str(path), recursive=True))) if not each.is_dir()]
    found = [each for each in listed if _is_image(each.name)]
    if others := [each.name for each in listed if not _is_image(each.name)]:
        say(f"{key}={source}: passed over, by their names no PNG, JPEG or WebP: {some_of(others)}")
    return found


def _is_image(name: str) -> bool:
    return name.lower().endswith(ENDINGS)


def content_digest(pixels: Any) -> str:
    """SHA-256 of the pixels of an image, of whichever file it came."""
    found = hashlib.sha256(str(tuple(pixels.shape)).encode())
    found.update(pixels.contiguous().cpu().numpy().tobytes())
    return found.hexdigest()
