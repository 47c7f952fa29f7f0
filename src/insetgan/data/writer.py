"""Writes image archives, an image at a time and resumable."""

import io
import json
import os
import shutil
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote

from PIL import Image

from insetgan.data.annotations import Box, Mask
from insetgan.data.archive import Archive, Pixels
from insetgan.data.coco import COCO_FILE, coco_annotations, coco_table
from insetgan.data.labels import DATASET_FILE
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import LOCK, write_whole
from insetgan.runtime.fingerprint import fingerprint
from insetgan.runtime.store import MARKER, Layout, ResultFolder

LAYOUT = Layout(kind="archive", title="images", pieces=r"(?!settings)[^.].*\.\w+")

_SHARD = 1000


def image_name(index: int, image_format: str) -> str:
    """Name of image ``index`` in NVIDIA's layout, such as ``00000/img00000000.webp``."""
    return f"{index // _SHARD:05d}/img{index:08d}.{image_format}"


def check_format(image_format: str) -> None:
    """Raise UserError unless images can be stored in this format."""
    if image_format not in ("webp", "png"):
        raise UserError(f"data.image_format={image_format}: must be webp or png")


def encode_image(image: Pixels, image_format: str, quality: int) -> bytes:
    """Bytes of an image [H, W, 3] uint8 as ``webp`` (lossy, quality 1 to 100) or ``png``."""
    check_format(image_format)
    stream = io.BytesIO()
    if image_format == "webp":
        Image.fromarray(image).save(stream, "WEBP", quality=quality, method=6)
    else:
        Image.fromarray(image).save(stream, "PNG", optimize=True)
    return stream.getvalue()


class ArchiveWriter:
    """Writes an archive image by image; what was written survives a kill and is not written again.

    Finished images lie in a folder ``<target>.partial`` beside the target, a result folder with checksums; ``close``
    assembles them in order, renames the archive to the target and removes the folder. Images may come in any order and
    from several processes, each with a pickled copy of the writer. ``with`` opens, and closes only when nothing failed.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        size: tuple[int, int],
        parts: tuple[str, ...],
        recipe: Mapping[str, Any] | None = None,
        overwrite: bool = False,
    ) -> None:
        """Say what is to be written; nothing is touched before `open`.

        Args:
            path: the archive to make, ending in ``.zip``.
            size: (H, W) of the images.
            parts: names of the parts, in order.
            recipe: how the images are made, plain JSON values; images of another recipe are never mixed in. It is
                stored in the archive together with their number, ``count``.
            overwrite: whether the archive is made again if it stands there, and replaces another file at the path.

        Raises:
            UserError: the path is not a zip file name.
        """
        self.path = Path(path)
        if self.path.suffix != ".zip":
            raise UserError(f"out={path}: must end in .zip")
        self.size, self.parts, self.recipe, self.overwrite = size, parts, dict(recipe or {}), overwrite
        self.folder = self.path.with_name(self.path.name + ".partial")
        mark = fingerprint({"size": self.size, "parts": self.parts, "recipe": self.recipe, "boxes": "coco"})
        self._store = ResultFolder(self.folder, mark, LAYOUT, out=self.path)
        self._waste = self.path.with_name(self.path.name + ".waste")

    def is_made(self, names: Collection[str]) -> bool:
        """Whether the archive stands there already, of this recipe, with the images of these names, and may stay."""
        shutil.rmtree(self._waste, ignore_errors=True)  # perhaps a command was killed while it removed its folder
        if self.overwrite:
            return False
        try:
            archive = Archive(self.path) if self.path.is_file() else None
        except (UserError, OSError):
            return False  # unreadable, which `open` refuses or replaces
        made = (
            archive is not None
            and archive.recipe == {**self.recipe, "count": len(names)}
            and (archive.size, archive.parts, archive.names) == (self.size, self.parts, sorted(names))
        )
        if made and self._store.is_claimed():  # killed between the last rename and the removal of the folder
            self._discard()
        return made

    def open(self) -> Self:
        """Make the folder of the finished images, or go on with it.

        Raises:
            UserError: something stands at the path that may not be overwritten, or the path cannot be written.
        """
        self.refuse_existing()
        try:
            if self.folder.is_dir() and not (self.folder / MARKER).exists() and any(_foreign(self.folder)):
                raise UserError(f"out={self.path}: {self.folder} holds other files; remove it, or name another archive")
            self._claim()
        except OSError as error:
            raise UserError(f"out={self.path}: cannot be written ({error.strerror})") from error
        return self

    def _claim(self) -> None:
        try:
            self._store.claim()
        except UserError:
            if not self.overwrite:
                raise
            self._store.overwrite = True  # images of another recipe; those of this one are kept
            self._store.claim()
            self._store.overwrite = False

    def refuse_existing(self) -> None:
        """Refuse to write where something stands that may not be replaced.

        Raises:
            UserError: naming it.
        """
        if self.path.is_dir():
            raise UserError(f"out={self.path}: is a folder; name a file that ends in .zip")
        if self.overwrite or not self.path.exists():
            return
        try:
            recipe = Archive(self.path).recipe if self.path.is_file() else None
        except UserError:
            recipe = None
        made = (
            "made with " + " ".join(f"{key}={value}" for key, value in recipe.items()) if recipe else "made otherwise"
        )
        raise UserError(f"out={self.path}: exists already, {made}; name another file, or overwrite=true replaces it")

    def has(self, name: str) -> bool:
        """Whether an image is written, whole."""
        return self._store.finished(_key(name))

    def written(self) -> set[str]:
        """Names of the images that are already written."""
        names = {unquote(file.stem) for file in self.folder.glob("*.json")}
        return {name for name in names if self.has(name)}

    def add(self, name: str, data: bytes, boxes: Mapping[str, Box | None], masks: Mapping[str, Mask]) -> None:
        """Write one image: its encoded bytes, boxes and full-size masks [H, W] of the parts that have a box."""
        self._store.add(_key(name), {_key(name): data}, data=coco_annotations(boxes, masks))

    def remark(self, key: str, data: Any, pieces: Mapping[str, bytes] | None = None) -> None:
        """Keep plain JSON values, and files by name, that are not for the archive; they go when the archive is assembled.

        Args:
            key: no name of an image; letters, digits and dashes.
            data: for `remarked`.
            pieces: files of the folder of finished images, for `remarked_file`.
        """
        self._store.add(key, dict(pieces or {}), data=data)

    def remarked(self, key: str) -> Any:
        """What `remark` was given; None where nothing is kept, or not whole."""
        return self._store.data(key) if self._store.finished(key) else None

    def remarked_file(self, name: str) -> Path:
        """Where a file that `remark` was given lies."""
        return self.folder / name

    def discard(self) -> None:
        """Remove the folder of finished images, where no archive is to be made of them."""
        self._discard()

    def close(self, names: Collection[str] | None = None) -> None:
        """Assemble the archive from the named images (None: all written so far), in the order of their names."""
        chosen = sorted(self.written() if names is None else names)
        recipe = {**self.recipe, "count": len(chosen)}
        self._store.require([_key(name) for name in chosen])

        def assemble(beside: Path) -> None:
            with zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as archive:
                for name in chosen:
                    archive.writestr(zipfile.ZipInfo(name), (self.folder / _key(name)).read_bytes())
                archive.writestr(zipfile.ZipInfo(DATASET_FILE), json.dumps({"labels": None}))
                images = {name: self._store.data(_key(name)) for name in chosen}
                table = coco_table(images, size=self.size, parts=self.parts, recipe=recipe)
                info = zipfile.ZipInfo(COCO_FILE)
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, json.dumps(table, separators=(",", ":")), compresslevel=9)

        whole = self.folder / ".whole"  # within the folder, so that a kill leaves nothing else behind
        write_whole(whole, assemble)
        os.replace(whole, self.path)
        self._discard()

    def _discard(self) -> None:
        """Remove the folder: renamed first, so that a kill never leaves half of it to be taken for images."""
        shutil.rmtree(self._waste, ignore_errors=True)
        os.replace(self.folder, self._waste)
        shutil.rmtree(self._waste, ignore_errors=True)

    def __enter__(self) -> Self:
        """Open."""
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close after success; after a failure keep the finished images for the next attempt."""
        if kind is None:
            self.close()


def _key(name: str) -> str:
    """Name of an image as the name of a file."""
    return quote(name, safe="")


def _foreign(folder: Path) -> list[Path]:
    """What lies in a folder that no writer has claimed."""
    return [path for path in folder.iterdir() if path.name != LOCK]
