"""A box of a part with the confidence that it is there."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class PartBox:
    """Where a part is.

    Attributes:
        box: (x0, y0, x1, y1) in pixels, not rounded.
        score: confidence in 0..1.
    """

    box: tuple[float, float, float, float]
    score: float

    @property
    def area(self) -> float:
        """In pixels."""
        return max(self.box[2] - self.box[0], 0) * max(self.box[3] - self.box[1], 0)

    def clipped(self, height: int, width: int) -> "PartBox | None":
        """What lies in an image; None where less than half of it does, or not one pixel."""
        x0, y0, x1, y1 = self.box
        inside = PartBox((max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height))), self.score)
        wide, high = inside.box[2] - inside.box[0], inside.box[3] - inside.box[1]
        return inside if min(wide, high) >= 1 and inside.area >= 0.5 * self.area else None

    def scaled(self, factor: float) -> "PartBox":
        """The same in an image that is `factor` times as large."""
        x0, y0, x1, y1 = (value * factor for value in self.box)
        return PartBox((x0, y0, x1, y1), self.score)

    def whole(self, height: int, width: int) -> tuple[int, int, int, int]:
        """The smallest box of whole pixels round it, inside an image."""
        x0, y0, x1, y1 = self.box
        left, top = max(math.floor(x0), 0), max(math.floor(y0), 0)
        return left, top, max(min(math.ceil(x1), width), left), max(min(math.ceil(y1), height), top)
