"""Boxes and masks of the parts in the images of an archive, whatever file they were read from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Box = tuple[int, int, int, int]
"""(x0, y0, x1, y1), half-open pixels."""
Mask = npt.NDArray[np.bool_]
"""bool [H, W]."""
DecodeMask = Callable[[Any, Box, tuple[int, int]], Mask]
"""Makes the mask [H, W] from its stored form, the box of the part and (H, W); raises ValueError where they do not fit."""


def _no_mask(stored: Any, box: Box, size: tuple[int, int]) -> Mask:
    raise ValueError("no file holds masks")


@dataclass(frozen=True)
class Annotations:
    """What a file says about the parts in the images of an archive.

    Attributes:
        file: name of the file; "" where the archive has none.
        size: (H, W) of all images; None where the file does not say it.
        parts: names of the parts.
        recipe: how the images were made, as their maker noted it; None where it did not.
        boxes: by image, then by part; None where the part is not visible. Images that the file does not know are left out.
        masks: by image, then by part, in the form in which the file stores them.
        decode: makes a mask from that form.
        notes: lines about what is passed over.
    """

    file: str = ""
    size: tuple[int, int] | None = None
    parts: tuple[str, ...] = ()
    recipe: dict[str, Any] | None = None
    boxes: Mapping[str, Mapping[str, Box | None]] = field(default_factory=dict)
    masks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    decode: DecodeMask = _no_mask
    notes: tuple[str, ...] = ()

    @property
    def has_boxes(self) -> bool:
        """Whether a part of any image has a box."""
        return any(box is not None for boxes in self.boxes.values() for box in boxes.values())

    def misplaced_box(self, size: tuple[int, int]) -> str:
        """Name the first box that is empty or leaves the canvas (H, W), and what is allowed; "" when there is none."""
        height, width = size
        for name, boxes in self.boxes.items():
            for part, box in boxes.items():
                if box is None or (0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height):
                    continue
                return (
                    f"box {list(box)} of {part} in {name} must be [x0, y0, x1, y1] with 0 <= x0 < x1 <= {width} and "
                    f"0 <= y0 < y1 <= {height}; a part that is not visible has none"
                )
        return ""

    def mask(self, name: str, part: str, size: tuple[int, int]) -> Mask:
        """Mask of a part as bool [H, W]; all False where the part is not visible.

        Raises:
            ValueError: there is a box but no mask, or the stored mask does not fit.
        """
        box = self.boxes.get(name, {}).get(part)
        if box is None:
            return np.zeros(size, bool)
        stored = self.masks.get(name, {}).get(part)
        if stored is None:
            raise ValueError("there is a box but no mask")
        return self.decode(stored, box, size)
