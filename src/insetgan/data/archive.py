"""Picture archives: NVIDIA's zip layout with the boxes and masks of the parts beside the pictures.

An archive is a zip (or a folder of the same layout) that holds ``00000/img00000000.webp`` (or ``.png``) and so on,
``dataset.json`` with ``{"labels": null}``, and ``parts.json``::

    {"size": [H, W], "parts": ["face", ...], "images": {name: {"boxes": {part: [x0, y0, x1, y1] | null},
     "masks": {part: "<run lengths>"}}}}

Boxes are integer half-open pixels round the visible pixels of a part, null when fewer than four show. A mask is
stored as the lengths of its runs within its box, row by row, the first run being of zeros (possibly of length 0).
"""

import io
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from insetgan.errors import UserError

Box = tuple[int, int, int, int]
Mask = npt.NDArray[np.bool_]
Picture = npt.NDArray[np.uint8]

PARTS_FILE, DATASET_FILE = "parts.json", "dataset.json"
IMAGE_SUFFIXES = (".webp", ".png", ".jpg", ".jpeg")
_SHARD = 1000
_FORM = '{"size": [height, width], "parts": [name, ...], "images": {picture: {"boxes": {...}, "masks": {...}}}}'


def encode_mask(mask: Mask) -> str:
    """Run lengths of a mask [h, w] in row-major order, space separated, starting with a run of zeros."""
    flat = np.concatenate([[False], np.asarray(mask, bool).ravel()])
    edges = np.flatnonzero(np.diff(flat))
    bounds = np.concatenate([[0], edges, [flat.size - 1]])
    runs = np.diff(bounds)
    return " ".join(str(int(run)) for run in runs)


def decode_mask(runs: str, height: int, width: int) -> Mask:
    """Inverse of encode_mask: bool [height, width]. Raises ValueError when the runs do not fill the box."""
    lengths = np.array([int(run) for run in runs.split()], np.int64)
    if (lengths < 0).any() or int(lengths.sum()) != height * width:
        raise ValueError(f"mask runs sum to {int(lengths.sum())}, the box holds {height * width} pixels")
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(height, width)


def image_name(index: int, image_format: str) -> str:
    """Name of picture ``index`` in NVIDIA's layout, such as ``00000/img00000000.webp``."""
    return f"{index // _SHARD:05d}/img{index:08d}.{image_format}"


def encode_image(image: Picture, image_format: str, quality: int) -> bytes:
    """Bytes of an image [H, W, 3] uint8 as ``webp`` (lossy, quality 0 to 100) or ``png``."""
    if image_format not in ("webp", "png"):
        raise UserError(f"image_format={image_format}: allowed are webp and png")
    stream = io.BytesIO()
    if image_format == "webp":
        Image.fromarray(image).save(stream, "WEBP", quality=quality, method=6)
    else:
        Image.fromarray(image).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def part_entry(boxes: Mapping[str, Box | None], masks: Mapping[str, Mask]) -> dict[str, dict[str, Any]]:
    """The ``parts.json`` entry of one picture from boxes and full-size masks [H, W]."""
    entry: dict[str, dict[str, Any]] = {"boxes": {}, "masks": {}}
    for part, box in boxes.items():
        entry["boxes"][part] = None if box is None else [int(v) for v in box]
        if box is not None:
            x0, y0, x1, y1 = box
            entry["masks"][part] = encode_mask(masks[part][y0:y1, x0:x1])
    return entry


class ArchiveWriter:
    """Writes an archive picture by picture; what was written survives a kill and is not written again.

    Finished pictures lie in a folder ``<target>.partial`` beside the target (each written whole, then renamed);
    ``close`` assembles them in order, renames the result to the target and removes the folder. Pictures may come
    in any order and from several processes, each with its own writer. ``with`` closes only when nothing failed.
    """

    def __init__(self, path: str | Path, *, size: tuple[int, int], parts: tuple[str, ...], recipe: str = "") -> None:
        """Open or resume.

        Args:
            path: the archive to make, ending in ``.zip``.
            size: (H, W) of the pictures.
            parts: names of the parts, in order.
            recipe: describes how the pictures are made; pictures of another recipe are never mixed in.

        Raises:
            UserError: the path is not a zip file name or cannot be written.
        """
        self.path = Path(path)
        if self.path.suffix != ".zip":
            raise UserError(f"archive path {self.path}: must end in .zip")
        self.size, self.parts = size, parts
        self.folder = self.path.with_name(self.path.name + ".partial")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._match_recipe(json.dumps({"size": list(size), "parts": list(parts), "recipe": recipe}))
        except OSError as error:
            raise UserError(f"archive path {self.path}: cannot be written ({error.strerror})") from error

    def _match_recipe(self, recipe: str) -> None:
        file = self.folder / "recipe.json"
        if file.exists() and file.read_text(encoding="utf-8") == recipe:
            return
        for old in self.folder.iterdir():
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        self._write_whole(file, recipe.encode())

    def _write_whole(self, file: Path, data: bytes) -> None:
        beside = file.with_name(f"{file.name}.{os.getpid()}.tmp")
        beside.write_bytes(data)
        os.replace(beside, file)

    def _files(self, name: str) -> tuple[Path, Path]:
        flat = name.replace("/", "_")
        return self.folder / flat, self.folder / (flat + ".json")

    def has(self, name: str) -> bool:
        """Whether a picture is already written."""
        return self._files(name)[1].exists()

    def add(self, name: str, data: bytes, boxes: Mapping[str, Box | None], masks: Mapping[str, Mask]) -> None:
        """Write one picture: its encoded bytes, boxes and full-size masks [H, W] of the parts that have a box."""
        picture, entry = self._files(name)
        self._write_whole(picture, data)
        self._write_whole(entry, json.dumps(part_entry(boxes, masks), separators=(",", ":")).encode())

    def close(self, names: Collection[str] | None = None) -> None:
        """Assemble the archive from the named pictures (None: all written so far), in the order of their names."""
        entries = {f.name[: -len(".json")].replace("_", "/", 1): f for f in self.folder.glob("*_*.json")}
        entries = {name: file for name, file in entries.items() if names is None or name in names}
        table: dict[str, Any] = {"size": list(self.size), "parts": list(self.parts), "images": {}}
        beside = self.path.with_name(self.path.name + ".tmp")
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as archive:
            for name in sorted(entries):
                archive.writestr(zipfile.ZipInfo(name), self._files(name)[0].read_bytes())
                table["images"][name] = json.loads(entries[name].read_text(encoding="utf-8"))
            archive.writestr(zipfile.ZipInfo(DATASET_FILE), json.dumps({"labels": None}))
            info = zipfile.ZipInfo(PARTS_FILE)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, json.dumps(table, separators=(",", ":")), compresslevel=9)
        os.replace(beside, self.path)
        shutil.rmtree(self.folder)

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close after success; after a failure keep the finished pictures for the next attempt."""
        if kind is None:
            self.close()


class Archive:
    """Reads an archive, zip or folder. Pictures are decoded on demand; safe to pickle to worker processes."""

    def __init__(self, path: str | Path) -> None:
        """Open and read the tables.

        Raises:
            UserError: nothing at the path, not a zip, no pictures in it, or a parts.json of another form.
        """
        self.path = Path(path)
        self._zip: zipfile.ZipFile | None = None
        self._owner = -1
        if not self.path.exists():
            raise UserError(f"archive {self.path}: no such file or folder")
        try:
            members = self._members()
            table: Any = json.loads(self._read(PARTS_FILE)) if PARTS_FILE in members else {}
        except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, ValueError) as error:
            raise UserError(f"archive {self.path}: cannot be read, a whole zip archive is needed ({error})") from error
        if not _is_table(table):
            raise UserError(f"archive {self.path}: {PARTS_FILE} is not of the form {_FORM}")
        self.names = sorted(m for m in members if m.lower().endswith(IMAGE_SUFFIXES))
        if not self.names:
            raise UserError(f"archive {self.path}: holds no pictures ({', '.join(IMAGE_SUFFIXES)})")
        self.parts: tuple[str, ...] = tuple(table.get("parts", ()))
        self._entries: dict[str, dict[str, Any]] = table.get("images", {})
        height, width = table["size"] if "size" in table else self.image(0).shape[:2]
        self.size: tuple[int, int] = (int(height), int(width))

    def _members(self) -> set[str]:
        if self.path.is_dir():
            return {f.relative_to(self.path).as_posix() for f in self.path.rglob("*") if f.is_file()}
        return set(self._open().namelist())

    def _open(self) -> zipfile.ZipFile:
        # A forked process must not share the parent's file position.
        if self._zip is None or self._owner != os.getpid():
            self._zip, self._owner = zipfile.ZipFile(self.path), os.getpid()
        return self._zip

    def _read(self, name: str) -> bytes:
        return (self.path / name).read_bytes() if self.path.is_dir() else self._open().read(name)

    def __getstate__(self) -> dict[str, Any]:
        """State without the open file."""
        return {**self.__dict__, "_zip": None}

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.names)

    def image(self, index: int) -> Picture:
        """Picture ``index`` as uint8 [H, W, 3]. Raises UserError when it cannot be decoded."""
        try:
            with Image.open(io.BytesIO(self._read(self.names[index]))) as picture:
                return np.array(picture.convert("RGB"))
        except (OSError, ValueError, SyntaxError, zipfile.BadZipFile, zlib.error) as error:
            reason = "not a whole picture" if isinstance(error, UnidentifiedImageError) else error
            raise UserError(f"archive {self.path}: {self.names[index]} cannot be read ({reason})") from error

    def boxes(self, index: int) -> dict[str, Box | None]:
        """Boxes of picture ``index``: part -> (x0, y0, x1, y1), None where the part is not visible."""
        found = self._entries.get(self.names[index], {}).get("boxes", {})
        boxes: dict[str, Box | None] = {part: None for part in self.parts}
        for part, box in found.items():
            boxes[part] = None if box is None else (int(box[0]), int(box[1]), int(box[2]), int(box[3]))
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


def _is_table(table: Any) -> bool:
    """Whether a parts.json has the form described above; each of its fields may be left out."""
    if not isinstance(table, dict):
        return False
    size, parts, images = table.get("size", [1, 1]), table.get("parts", []), table.get("images", {})
    return (
        _are_integers(size, 2)
        and min(size) > 0
        and isinstance(parts, list)
        and all(isinstance(part, str) for part in parts)
        and isinstance(images, dict)
        and all(_is_entry(entry) for entry in images.values())
    )


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    boxes, masks = entry.get("boxes", {}), entry.get("masks", {})
    if not isinstance(boxes, dict) or not isinstance(masks, dict):
        return False
    return all(box is None or _are_integers(box, 4) for box in boxes.values())


def _are_integers(value: Any, count: int) -> bool:
    return isinstance(value, list) and len(value) == count and all(type(item) is int for item in value)
