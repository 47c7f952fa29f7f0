"""Image archives: NVIDIA's zip layout with the boxes and masks of the parts beside the images.

An archive is a zip, a folder of the same layout, or tar shards, which ``data.shards`` describes. A zip holds
``00000/img00000000.webp`` (or ``.png``, ``.jpg``) and so on, in any folders, ``dataset.json``, which ``data.labels``
describes, and the boxes and masks of the parts in ``annotations.json``, which ``data.coco`` describes; in older archives in
``parts.json``, which ``data.parts_json`` describes. Both tables may be missing.
"""

import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from insetgan.data.annotations import Annotations, Box, Mask
from insetgan.data.coco import is_coco_name, read_coco
from insetgan.data.containers import Container, Folder, Zip
from insetgan.data.image import Facts, Shape, examine, read_facts, read_pixels, why
from insetgan.data.image import Pixels as Pixels
from insetgan.data.labels import DATASET_FILE, Labels, one_hot_classes, parse_labels
from insetgan.data.parts_json import PARTS_FILE, read_parts_json
from insetgan.data.reading import PLAIN, Reading
from insetgan.data.shards import Shards, shard_addresses
from insetgan.runtime import limits
from insetgan.runtime.errors import UserError
from insetgan.runtime.folders import passed_over
from insetgan.runtime.reading import parse_json
from insetgan.runtime.zips import shown

IMAGE_SUFFIXES = (".webp", ".png", ".jpg", ".jpeg")
PEOPLE = Path(__file__).with_name("people.zip")
"""The rendered people that come with the package."""

_SAMPLE = 32  # images whose size is looked at where none is declared


class Archive:
    """Reads an archive, zip or folder. Images are decoded on demand; safe to pickle to worker processes.

    Attributes:
        path: where it is.
        names: of the images, in order.
        size: (H, W) of the images; where none is declared, what most of the first ones have.
        one_size: whether all images must have `size`: it is declared, or there are boxes, which need one canvas.
        has_boxes: whether a part of any image has a box.
        parts: names of the parts.
        recipe: how the images were made, as their maker noted it; None where it did not.
        reading: how images become RGB.
        notes: lines about files that are passed over and entries without an image, for the caller to print.
    """

    def __init__(self, path: str | Path, reading: Reading = PLAIN) -> None:
        """Open and read the tables.

        Args:
            path: of the zip or folder.
            reading: how images become RGB; transparent ones over white, and greyscale refused, unless given.

        Raises:
            UserError: nothing at the path, not a zip, members beyond the bounds of `runtime.limits` or that are there twice,
                no images or none that can be read, two files of boxes, or one of another form or another size than the images,
                or a box outside the canvas.
        """
        self.path = Path(path)
        self.reading = reading
        self.notes: list[str] = []
        self._files = _container(path)
        try:
            found = self._files.names()
            members = {name for name in found if not _is_hidden(name)}
            self.names = sorted(m for m in members if m.lower().endswith(IMAGE_SUFFIXES))
            self._annotations = self._files.annotations() or self._annotated(members)
            self.notes += self._files.notes
        except UserError:
            raise
        except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, ValueError, NotImplementedError) as error:
            needed = "" if self.path.is_dir() else ", a whole zip archive is needed"
            if self.path.name.lower().endswith(IMAGE_SUFFIXES):
                needed = ", a folder or a zip of images is needed, and not an image alone"
            raise UserError(f"archive {self.path}: cannot be read{needed} ({why(error)})") from error
        if line := passed_over(members - {*self.names, self._annotations.file, DATASET_FILE}, set(found) - members):
            self.notes.append(line)
        if not self.names:
            others = "".join(f"; {note}" for note in self.notes)
            raise UserError(f"archive {self.path}: holds no images ({', '.join(IMAGE_SUFFIXES)}){others}")
        annotations = self._annotations
        self.parts, self.recipe, self.has_boxes = annotations.parts, annotations.recipe, annotations.has_boxes
        self.notes += annotations.notes
        self._labelled = DATASET_FILE in members
        self.one_size = annotations.size is not None or self.has_boxes
        self.size: Shape = self._find_size(annotations.size)
        if fault := annotations.misplaced_box(self.size):
            raise UserError(f"archive {self.path}: {fault}")

    def _table(self, name: str) -> Any:
        try:
            return parse_json(self._files.read(name, limits.JSON_BYTES))
        except ValueError as error:
            raise ValueError(f"{name} {error}") from error

    def _annotated(self, members: set[str]) -> Annotations:
        """What the archive's file of boxes says, if there is one."""
        files = sorted(name for name in members if name == PARTS_FILE or is_coco_name(name))
        if not files:
            return Annotations()
        if len(files) > 1:
            raise UserError(
                f"archive {self.path}: {files[0]} and {files[1]} both hold boxes; only one of them may be there"
            )
        table, names = self._table(files[0]), set(self.names)
        try:
            return read_parts_json(table, names) if files[0] == PARTS_FILE else read_coco(files[0], table, names)
        except ValueError as error:
            raise UserError(f"archive {self.path}: {error}") from error

    def __len__(self) -> int:
        """Number of images."""
        return len(self.names)

    def image(self, index: int, *, least: Shape | None = None, window: Box | None = None) -> Pixels:
        """Image ``index`` as uint8 [H, W, 3], upright and in colour.

        Args:
            index: of the image.
            least: (H, W) that is enough: a JPEG that is twice as large or more may come at a fraction of its size.
            window: (x0, y0, x1, y1) to take only these pixels; not with `least`.

        Raises:
            UserError: it cannot be decoded or is of another size.
        """
        with self._telling(index) as name:
            pixels, shape = read_pixels(
                self._files.read(name, limits.IMAGE_BYTES), self.reading, least=least, window=window
            )
        self._check_size(index, shape)
        return pixels

    def shape(self, index: int) -> Shape:
        """(H, W) of image ``index`` as its header has it. Raises UserError when it cannot be read."""
        return self.facts(index).shape

    def facts(self, index: int) -> Facts:
        """What image ``index`` is as its header has it. Raises UserError when it cannot be read."""
        with self._telling(index) as name, self._files.stream(name) as stream:
            return read_facts(stream)

    def examine(self, index: int) -> Facts:
        """What image ``index`` is; it is decoded to the end for that.

        Raises:
            UserError: it cannot be decoded, its checksum is wrong, its end is missing, or it is stored as greyscale where that
                is refused; the error's cause says which.
        """
        with self._telling(index) as name:
            return examine(self._files.read(name, limits.IMAGE_BYTES), self.reading)

    def checksum(self, index: int) -> tuple[int, int] | None:
        """Size and CRC-32 of the file of image ``index``, as a zip holds them; None where it lies in no zip."""
        return self._files.checksum(self.names[index]) if isinstance(self._files, Zip) else None

    @property
    def is_remote(self) -> bool:
        """Whether images are fetched from an object store."""
        return isinstance(self._files, Shards) and self._files.remote

    @property
    def shards(self) -> list[int] | None:
        """For each image the number of its tar shard; None where there are no shards."""
        files = self._files
        return [files.shard_of(name) for name in self.names] if isinstance(files, Shards) else None

    @contextmanager
    def _telling(self, index: int) -> Iterator[str]:
        """Name the image in whatever is raised meanwhile."""
        name = self.names[index]
        try:
            yield name
        except FileNotFoundError:
            path = self.path / name
            reason = (
                f"a link to {shown(os.readlink(path))}, where nothing is" if path.is_symlink() else "no longer there"
            )
            raise UserError(f"archive {self.path}: {name} cannot be read ({reason})") from ValueError(reason)
        except Exception as error:  # damaged files make zipfile and Pillow's decoders raise nearly anything
            raise UserError(f"archive {self.path}: {name} cannot be read ({why(error)})") from error

    def _find_size(self, declared: Shape | None) -> Shape:
        """The size of the images, past those that cannot be read."""
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
            rule = (
                f"{self._annotations.file} says"
                if self._annotations.size
                else f"boxes need one size, and {self._example} is"
            )
            raise UserError(
                f"archive {self.path}: {self.names[index]} is {shape[0]} x {shape[1]} (height x width), but {rule} "
                f"{self.size[0]} x {self.size[1]}"
            )

    @cached_property
    def labels(self) -> Labels | None:
        """Labels of the images as float32 [n, c_dim]; None where there are none.

        Raises:
            UserError: a ``dataset.json`` of another form, or with no label for an image.
        """
        if not self._labelled and not self._files.labels:
            return None
        try:
            if not self._labelled:
                return one_hot_classes(self._files.labels, self.names)
            return parse_labels(self._files.read(DATASET_FILE, limits.JSON_BYTES), self.names, self.notes)
        except Exception as error:  # zipfile, again, raises nearly anything
            raise UserError(f"archive {self.path}: {why(error)}") from error

    @property
    def c_dim(self) -> int:
        """Length of a label; 0 where there are none. Raises UserError as `labels` does."""
        return 0 if self.labels is None else self.labels.shape[1]

    def boxes(self, index: int) -> dict[str, Box | None]:
        """Boxes of image ``index``: part -> (x0, y0, x1, y1), None where the part is not visible."""
        return {part: None for part in self.parts} | dict(self._annotations.boxes.get(self.names[index], {}))

    def mask(self, index: int, part: str) -> Mask:
        """Mask of a part as bool [H, W]; all False where the part is not visible.

        Raises:
            UserError: the part has a box but no mask, or the stored mask does not fit the image.
        """
        try:
            return self._annotations.mask(self.names[index], part, self.size)
        except ValueError as error:
            raise UserError(f"archive {self.path}: mask {part} of {self.names[index]} is broken ({error})") from error


def _container(path: str | Path) -> Container:
    """What holds the files.

    Raises:
        UserError: nothing is there.
    """
    if (shards := shard_addresses(path)) is not None and not (Path(path).is_dir() and _holds_images(Path(path))):
        return Shards(shards)
    if not Path(path).exists():
        raise UserError(f"archive {path}: no such file or folder")
    return Folder(Path(path)) if Path(path).is_dir() else Zip(Path(path))


def _holds_images(folder: Path) -> bool:
    """Whether a folder with tar files holds images too, so that it is no folder of shards."""
    return any(each.suffix.lower() in IMAGE_SUFFIXES for each in folder.iterdir())


def _is_hidden(name: str) -> bool:
    """Whether a member is the file system's own, such as the ``__MACOSX/._img.png`` in zips made on macOS."""
    return any(part == "__MACOSX" or (part.startswith(".") and part.strip(".")) for part in name.split("/"))
