"""Image files that a user names: one file, or all below a folder."""

import io
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import UnidentifiedImageError
from torch import Tensor

from insetgan.data.image import ARCHIVES, examine, read_facts, read_pixels, why
from insetgan.data.reading import Reading
from insetgan.runtime import limits
from insetgan.runtime.errors import UserError
from insetgan.runtime.folders import list_folder
from insetgan.runtime.reading import read_file

LEAST = (4096, 4096)
"""(H, W) to which a larger JPEG may be decoded at a fraction of its size."""

_OTHERS = (".json", ".txt", ".csv", ".md", ".xml", ".yaml", ".html", ".pdf", ".zip", ".mp4", ".mov", ".ini", ".db")
"""Endings of files that lie beside photographs, and are not looked at."""


@dataclass(frozen=True)
class Inputs:
    """The files to look at.

    Attributes:
        folder: in which they lie.
        names: of the files from the folder on, sorted.
        notes: lines about what is passed over.
    """

    folder: Path
    names: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())

    def stamps(self) -> list[list[object]]:
        """Name, size in bytes and time of change of each file, plain JSON values."""
        found: list[list[object]] = []
        for name in self.names:
            path = self.folder / name
            status = path.stat() if path.exists() else None
            found.append([name, status.st_size if status else -1, status.st_mtime_ns if status else 0])
        return found


def find_inputs(path: Path, limit: int | None = None) -> Inputs:
    """List the files.

    All files are taken whose ending does not say that they are something else, since cameras and people give images
    wrong endings; whether a file is an image its content decides.

    Args:
        path: a file or a folder.
        limit: how many at most; the first by name.

    Raises:
        UserError: nothing there, or a folder without such files.
    """
    if path.is_file():
        _refuse_other(path)
        return Inputs(path.parent, (path.name,))
    if not path.is_dir():
        raise UserError(f"data.input={path}: no such file or folder")
    try:
        listing = list_folder(path)
    except (OSError, ValueError) as error:
        raise UserError(f"data.input={path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    hidden = [name for name in listing.files if any(part.startswith((".", "__MACOSX")) for part in name.split("/"))]
    seen = sorted(set(listing.files) - set(hidden))
    others = [name for name in seen if name.lower().endswith(_OTHERS)]
    names = [name for name in seen if name not in set(others)]
    notes = list(listing.notes)
    if passed := len(hidden) + len(others):
        first = (others or hidden)[0]
        notes.append(f"{passed} files passed over, hidden or no images by their ending, the first {first}")
    if not names:
        raise UserError(f"data.input={path}: holds no images; {'; '.join(notes) or 'it is empty'}")
    if limit is not None and limit < len(names):
        notes.append(f"data.num_images={limit}: the first {limit} of {len(names)} files by name are looked at")
        names = names[:limit]
    return Inputs(path, tuple(names), tuple(notes))


def _refuse_other(path: Path) -> None:
    """Refuse a file that is given by itself, and that is no image by its ending.

    Raises:
        UserError: saying what may be given.
    """
    if path.name.lower().endswith(ARCHIVES):
        raise UserError(
            f"data.input={path}: is an archive, and this source reads a photograph or a folder of photographs; unpack it"
        )
    if path.name.lower().endswith(_OTHERS):
        raise UserError(f"data.input={path}: is no image by its ending; give a photograph or a folder of photographs")


@dataclass(frozen=True)
class Photo:
    """A decoded image.

    Attributes:
        pixels: uint8 [3, h, w], upright; a JPEG larger than twice `LEAST` at a fraction of its size.
        shape: (H, W) of the file, upright.
        notes: what was changed on reading, as in "have 16 bits a colour, of which 8 are kept".
    """

    pixels: Tensor
    shape: tuple[int, int]
    notes: tuple[str, ...] = ()


def read_photo(path: Path, reading: Reading, *, least: tuple[int, int] | None = LEAST) -> Photo:
    """Decode an image file to its end.

    Raises:
        ValueError: why it cannot be used, in a few words for people.
    """
    try:
        data = read_file(path, limits.IMAGE_BYTES)
        if not data:
            raise ValueError("is empty")
        # What is larger is decoded once; its header says what is changed on reading.
        facts = examine(data, reading) if len(data) < 1 << 22 else read_facts(io.BytesIO(data))
        pixels, shape = read_pixels(data, reading, least=least)
    except UnidentifiedImageError as error:
        raise ValueError("no whole PNG, JPEG or WebP by its content") from error
    except FileNotFoundError as error:
        raise ValueError("no longer there, or a link that leads nowhere") from error
    except Exception as error:  # damaged files make Pillow's decoders raise nearly anything
        grey = "; data.grey=rgb takes greyscale" if str(error) == "greyscale" else ""
        raise ValueError(f"{why(error)}{grey}") from error
    notes = tuple(reading.change(kind) for kind in sorted(facts.kinds))
    return Photo(torch.from_numpy(pixels).permute(2, 0, 1).contiguous(), shape, notes)
