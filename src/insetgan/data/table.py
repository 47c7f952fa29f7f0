"""The table of an archive, ``parts.json``: where the parts are in each picture, and how the pictures were made.

::

    {"size": [H, W], "parts": ["face", ...], "recipe": {...}, "images": {name: {
     "boxes": {part: [x0, y0, x1, y1] | null}, "masks": {part: "<run lengths>"}}}}

Each field may be left out. Boxes are integer half-open pixels round the visible pixels of a part, null when fewer than
four show. A mask is stored as the lengths of its runs within its box, row by row, the first run being of zeros
(possibly of length 0). The recipe holds whatever the maker needs to tell its own work from others'.
"""

from collections.abc import Mapping
from typing import Any

from insetgan.data.masks import Mask, encode_mask

Box = tuple[int, int, int, int]

PARTS_FILE = "parts.json"
FORM = '{"size": [height, width], "parts": [name, ...], "images": {picture: {"boxes": {...}, "masks": {...}}}}'


def part_entry(boxes: Mapping[str, Box | None], masks: Mapping[str, Mask]) -> dict[str, dict[str, Any]]:
    """The ``parts.json`` entry of one picture from boxes and full-size masks [H, W]."""
    entry: dict[str, dict[str, Any]] = {"boxes": {}, "masks": {}}
    for part, box in boxes.items():
        entry["boxes"][part] = None if box is None else [int(v) for v in box]
        if box is not None:
            x0, y0, x1, y1 = box
            entry["masks"][part] = encode_mask(masks[part][y0:y1, x0:x1])
    return entry


def is_table(table: Any) -> bool:
    """Whether a ``parts.json`` has the form described above."""
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


def has_boxes(images: Mapping[str, Any]) -> bool:
    """Whether a part of any picture has a box; `images` as in the table."""
    return any(box is not None for entry in images.values() for box in entry.get("boxes", {}).values())


def misplaced_box(images: Mapping[str, Any], size: tuple[int, int]) -> str:
    """Name the first box that is empty or leaves the canvas (H, W), and what is allowed; "" when there is none."""
    height, width = size
    for name, entry in images.items():
        for part, box in entry.get("boxes", {}).items():
            if box is None or (0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height):
                continue
            return (
                f"box {box} of {part} in {name} must be [x0, y0, x1, y1] with 0 <= x0 < x1 <= {width} and "
                f"0 <= y0 < y1 <= {height}, or null where the part is not seen"
            )
    return ""


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
