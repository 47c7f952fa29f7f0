"""The boxes and masks of older archives, in ``parts.json``; new archives have the form that ``data.coco`` describes.

::

    {"size": [H, W], "parts": ["face", ...], "recipe": {...}, "images": {name: {
     "boxes": {part: [x0, y0, x1, y1] | null}, "masks": {part: "<run lengths>"}}}}

Each field may be left out. Boxes are integer half-open pixels round the visible pixels of a part, null when fewer than
four show. A mask is stored as the lengths of its runs within its box, row by row, the first run being of zeros
(possibly of length 0). The recipe holds whatever the maker needs to tell its own images from others.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from insetgan.data.annotations import Annotations, Box, Mask
from insetgan.runtime.zips import shown

PARTS_FILE = "parts.json"
_FIELDS = ("size", "parts", "recipe", "images")
_ENTRY_FIELDS = ("boxes", "masks")
_FORM = '{"size": [height, width], "parts": [name, ...], "images": {image: {"boxes": {...}, "masks": {...}}}}'


def read_parts_json(table: Any, names: set[str]) -> Annotations:
    """Annotations from the content of a ``parts.json``.

    Args:
        table: the parsed file.
        names: of the images in the archive.

    Raises:
        ValueError: the file has another form, a field that there is not, or a part that it does not list.
    """
    if not _is_table(table):
        raise ValueError(f"{PARTS_FILE} is not of the form {_FORM}")
    images, size = table.get("images", {}), table.get("size")
    _refuse_unknown(table)
    strange = sorted(set(images) - names)
    some = f"{len(strange)} images that are not there, the first {strange[0]}" if strange else ""
    return Annotations(
        file=PARTS_FILE,
        size=None if size is None else (size[0], size[1]),
        parts=tuple(table.get("parts", ())),
        recipe=table.get("recipe"),
        boxes={
            name: {part: None if box is None else tuple(box) for part, box in entry.get("boxes", {}).items()}
            for name, entry in images.items()
        },
        masks={name: entry.get("masks", {}) for name, entry in images.items()},
        decode=_decode,
        notes=(f"{PARTS_FILE} has entries for {some}",) if some else (),
    )


def _refuse_unknown(table: Mapping[str, Any]) -> None:
    """Refuse a field that there is not, such as `box` for `boxes`: what it holds would be left out."""
    listed = table.get("parts")
    places: list[tuple[str, Mapping[str, Any], Collection[str] | None]] = [("the file", table, _FIELDS)]
    for name, entry in table.get("images", {}).items():
        places.append((name, entry, _ENTRY_FIELDS))
        places += [(f"{field} of {name}", entry.get(field, {}), listed) for field in _ENTRY_FIELDS]
    for place, held, known in places:
        for key in held:
            if known is not None and key not in known:
                raise ValueError(f"{PARTS_FILE}: {shown(place)} has {shown(key)} (allowed: {', '.join(known)})")


def decode_runs(runs: str, height: int, width: int) -> Mask:
    """Mask from its run lengths: bool [height, width]. Raises ValueError when the runs do not fill it."""
    if runs.count(" ") > 2 * height * width + 1:
        raise ValueError(f"mask has more runs than the box's {height * width} pixels can have")
    lengths = [int(run) for run in runs.split()]
    if min(lengths, default=0) < 0 or sum(lengths) != height * width:
        raise ValueError(f"mask runs sum to {sum(lengths)}, the box holds {height * width} pixels")
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(height, width)


def _decode(stored: str, box: Box, size: tuple[int, int]) -> Mask:
    x0, y0, x1, y1 = box
    full = np.zeros(size, bool)
    full[y0:y1, x0:x1] = decode_runs(stored, y1 - y0, x1 - x0)
    return full


def _is_table(table: Any) -> bool:
    if not isinstance(table, dict):
        return False
    size, parts, images = table.get("size", [1, 1]), table.get("parts", []), table.get("images", {})
    return (
        _are_integers(size, 2)
        and min(size) > 0
        and isinstance(parts, list)
        and all(isinstance(part, str) for part in parts)
        and isinstance(table.get("recipe", {}), dict)
        and isinstance(images, dict)
        and all(_is_entry(entry) for entry in images.values())
    )


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    boxes, masks = entry.get("boxes", {}), entry.get("masks", {})
    if not isinstance(boxes, dict) or not isinstance(masks, dict):
        return False
    return all(box is None or _are_integers(box, 4) for box in boxes.values()) and all(
        isinstance(mask, str) for mask in masks.values()
    )


def _are_integers(value: Any, count: int) -> bool:
    return isinstance(value, list) and len(value) == count and all(type(item) is int for item in value)
