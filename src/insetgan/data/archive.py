"""Picture archives: NVIDIA's zip layout with the boxes and masks of the parts beside the pictures.

An archive is a zip (or a folder of the same layout) that holds ``00000/img00000000.webp`` (or ``.png``, ``.jpg``) and so
on, in any folders, ``dataset.json``, which ``data.labels`` describes, and ``parts.json``, which ``data.table`` describes.
Both tables may be missing.
"""

import json
import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np

from insetgan.data.labels import DATASET_FILE, Labels, parse_labels
from insetgan.data.masks import Mask, decode_mask
from insetgan.data.picture import Picture as Picture
from insetgan.data.picture import Shape, examine, read_pixels, read_shape, why
from insetgan.data.table import FORM, PARTS_FILE, Box, has_boxes, is_table, misplaced_box
from insetgan.runtime.errors import UserError

IMAGE_SUFFIXES = (".webp", ".png", ".jpg", ".jpeg")
PEOPLE = Path(__file__).with_name("people.zip")
"""The rendered people that come with the package."""

_SAMPLE = 32  # pictures whose size is looked at where none is declared


class Archive:
    """Reads an archive, zip or folder. Pictures are decoded on demand; safe to pickle to worker processes.

    Attributes:
        path: where it is.
        names: of the pictures, in order.
        size: (H, W) of the pictures; where none is declared, what most of the first ones have.
        one_size: whether all pictures must have `size`: it is declared, or there are boxes, which need one canvas.
        has_boxes: whether a part of any picture has a box.
        parts: names of the parts.
        recipe: how the pictures were made, as their maker noted it; None where nobody did.
    """

    def __init__(self, path: str | Path) -> None:
        """Open and read the tables.

        Raises:
            UserError: nothing at the path, not a zip, no pictures in it or none that can be read, a parts.json of
                another form or another size than the pictures, or a box outside the canvas.
        """
        self.path = Path(path)
        self._zip: zipfile.ZipFile | None = None
        self._owner = -1
        if not self.path.exists():
            raise UserError(f"archive {self.path}: no such file or folder")
        try:
            members = {name for name in self._members() if not _is_hidden(name)}
            table: Any = json.loads(self._read(PARTS_FILE)) if PARTS_FILE in members else {}
        except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, ValueError) as error:
            raise UserError(f"archive {self.path}: cannot be read, a whole zip archive is needed ({error})") from error
        if not is_table(table):
            raise UserError(f"archive {self.path}: {PARTS_FILE} is not of the form {FORM}")
        self.names = sorted(m for m in members if m.lower().endswith(IMAGE_SUFFIXES))
        if not self.names:
            raise UserError(f"archive {self.path}: holds no pictures ({', '.join(IMAGE_SUFFIXES)})")
        self.parts: tuple[str, ...] = tuple(table.get("parts", ()))
        self.recipe: dict[str, Any] | None = table.get("recipe")
        self._entries: dict[str, dict[str, Any]] = table.get("images", {})
        self._labelled = DATASET_FILE in members
        self._declared = "size" in table
        self.has_boxes = has_boxes(self._entries)
        self.one_size = self._declared or self.has_boxes
        self.size: Shape = self._find_size(tuple(table["size"]) if self._declared else None)
        if fault := misplaced_box(self._entries, self.size):
            raise UserError(f"archive {self.path}: {fault}")

    def _members(self) -> set[str]:
        if self.path.is_dir():
            return {f.relative_to(self.path).as_posix() for f in self.path.rglob("*") if f.is_file()}
        return set(self._open().namelist())

    def _open(self) -> zipfile.ZipFile:
        # A forked process must not share the parent's file position.
        if self._zip is None or self._owner != os.getpid():
            self._zip, self._owner = zipfile.ZipFile(self.path), os.getpid()
        return self._zip

    def _stream(self, name: str) -> IO[bytes]:
        return (self.path / name).open("rb") if self.path.is_dir() else self._open().open(name)

    def _read(self, name: str) -> bytes:
        with self._stream(name) as stream:
            return stream.read()

    def __getstate__(self) -> dict[str, Any]:
        """State without the open file."""
        return {**self.__dict__, "_zip": None}

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.names)

    def image(self, index: int, *, least: Shape | None = None, window: Box | None = None) -> Picture:
        """Picture ``index`` as uint8 [H, W, 3], upright and in colour.

        Args:
            index: of the picture.
            least: (H, W) that is enough: a JPEG that is twice as large or more may come at a fraction of its size.
            window: (x0, y0, x1, y1) to take only these pixels; not with `least`.

        Raises:
            UserError: it cannot be decoded or is of another size.
        """
        with self._telling(index) as name:
            pixels, shape = read_pixels(self._read(name), least=least, window=window)
        self._check_size(index, shape)
        return pixels

    def shape(self, index: int) -> Shape:
        """(H, W) of picture ``index`` as its header has it. Raises UserError when it cannot be read."""
        with self._telling(index) as name, self._stream(name) as stream:
            return read_shape(stream)

    def examine(self, index: int) -> Shape:
        """(H, W) of picture ``index``, which is decoded to the end for that.

        Raises:
            UserError: it cannot be decoded, its checksum is wrong, its end is missing, or it is stored as greyscale; the
                error's cause says which.
        """
        with self._telling(index) as name:
            return examine(self._read(name))

    @contextmanager
    def _telling(self, index: int) -> Iterator[str]:
        """Name the picture in whatever is raised meanwhile."""
        name = self.names[index]
        try:
            yield name
        except Exception as error:  # damaged files make zipfile and Pillow's decoders raise nearly anything
            raise UserError(f"archive {self.path}: {name} cannot be read ({why(error)})") from error

    def _find_size(self, declared: Shape | None) -> Shape:
        """The size of the pictures, past those that cannot be read."""
        shapes: dict[int, Shape] = {}
        failure: UserError | None = None
        for index in range(len(self)):
            try:
                shapes[index] = self.shape(index)
            except UserError as error:
                failure = failure or error
                continue
            if shapes[index] == declared:
                return declared
            if len(shapes) == _SAMPLE:
                break
        if failure and not shapes:
            raise failure
        if declared is not None:
            self.size = declared
            self._check_size(*next(iter(shapes.items())))
        usual = Counter(shapes.values()).most_common(1)[0][0]
        self._example = next(self.names[index] for index, shape in shapes.items() if shape == usual)
        return usual

    def _check_size(self, index: int, shape: tuple[int, ...]) -> None:
        if self.one_size and shape != self.size:
            rule = f"{PARTS_FILE} says" if self._declared else f"boxes need one size, and {self._example} is"
            raise UserError(
                f"archive {self.path}: {self.names[index]} is {shape[0]} x {shape[1]} (height x width), but {rule} "
                f"{self.size[0]} x {self.size[1]}"
            )

    @cached_property
    def labels(self) -> Labels | None:
        """Labels of the pictures as float32 [n, c_dim]; None where there are none.

        Raises:
            UserError: a ``dataset.json`` of another form, or with no label for a picture.
        """
        if not self._labelled:
            return None
        try:
            return parse_labels(self._read(DATASET_FILE), self.names)
        except Exception as error:  # zipfile, again, raises nearly anything
            raise UserError(f"archive {self.path}: {why(error)}") from error

    @property
    def c_dim(self) -> int:
        """Length of a label; 0 where there are none. Raises UserError as `labels` does."""
        return 0 if self.labels is None else self.labels.shape[1]

    def boxes(self, index: int) -> dict[str, Box | None]:
        """Boxes of picture ``index``: part -> (x0, y0, x1, y1), None where the part is not visible."""
        found = self._entries.get(self.names[index], {}).get("boxes", {})
        boxes: dict[str, Box | None] = {part: None for part in self.parts}
        for part, box in found.items():
            boxes[part] = None if box is None else (box[0], box[1], box[2], box[3])
        return boxes

    def mask(self, index: int, part: str) -> Mask:
        """Mask of a part as bool [H, W]; all False where the part is not visible.

        Raises:
            UserError: the stored runs do not fit the box.
        """
        full = np.zeros(self.size, bool)
        box = self.boxes(index).get(part)
        if box is not None:
            x0, y0, x1, y1 = box
            try:
                full[y0:y1, x0:x1] = decode_mask(self._entries[self.names[index]]["masks"][part], y1 - y0, x1 - x0)
            except (ValueError, KeyError) as error:
                raise UserError(
                    f"archive {self.path}: mask {part} of {self.names[index]} is broken ({error})"
                ) from error
        return full


def _is_hidden(name: str) -> bool:
    """Whether a member is the file system's own, such as the ``__MACOSX/._img.png`` in zips made on macOS."""
    return any(part == "__MACOSX" or (part.startswith(".") and part.strip(".")) for part in name.split("/"))
