"""Holes for images that shall be completed, each a function of a seed, of the image's size and of where the face is."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from insetgan.ops.boxes import square_boxes
from insetgan.runtime.errors import UserError

Known = npt.NDArray[np.bool_]
"""[h, w], True = known, False = hole."""

Box = tuple[float, float, float, float]
"""(x0, y0, x1, y1), as everywhere."""

Random = np.random.Generator

OFFSET = 0.1
"""Largest shift of a square round the face, as a fraction of its side."""

MARGINS = (0.1, 0.3)
"""Of a square round the face, as fractions of the longer side of the box; `ops.boxes.MARGIN` is that of inset generators."""

SMALL_RECTANGLES, LARGE_RECTANGLES, STROKES = 9, 4, 19
STROKE_WIDTHS = (12 / 512, 48 / 512)  # of the longer side of the image


def face_hole(height: int, width: int, face: Box, random: Random) -> Known:
    """A square round the face, with a random margin and a small random offset (paper, appendix on CoModGAN)."""
    return ~_inside(height, width, _face_square(height, width, face, random))


def surroundings_hole(height: int, width: int, face: Box, random: Random) -> Known:
    """Everything but a square round the face: what "body for a given face" asks for."""
    return _inside(height, width, _face_square(height, width, face, random))


def body_hole(height: int, width: int, face: Box, random: Random) -> Known:
    """A rectangle over the body: from about the chin down to near the lower rim, two to five faces wide at least.

    The face and some of the background stay, unless the body fills the image.
    """
    side = max(face[2] - face[0], face[3] - face[1])
    centre = (face[0] + face[2]) / 2
    left = centre - side * random.uniform(1, 2.5)
    right = centre + side * random.uniform(1, 2.5)
    top = min(max(round(face[3] + side * random.uniform(-0.1, 0.3)), 1), height - 1)
    bottom = max(height - side * random.uniform(0, 1), top + 1)
    column = min(max(math.floor(centre), 0), width - 1)
    return ~_inside(height, width, (min(left, column), top, max(right, column + 1), bottom))


def free_hole(height: int, width: int, face: Box | None, random: Random) -> Known:
    """Random rectangles and brush strokes, some of each, of any share of the image (Zhao et al. 2021, appendix).

    Up to 9 rectangles below half of the image's size and up to 4 below its whole, and up to 19 strokes; drawn again until
    something is known and something is not. Where the face is does not matter.
    """
    while True:
        known = np.ones((height, width), bool)
        for most, share in ((SMALL_RECTANGLES, 0.5), (LARGE_RECTANGLES, 1.0)):
            for _ in range(int(random.integers(most + 1))):
                rows, columns = random.uniform(0, share, 2) * (height, width)
                y, x = random.uniform(0, height) - rows / 2, random.uniform(0, width) - columns / 2
                known &= ~_inside(height, width, (x, y, x + columns, y + rows))
        known &= ~_strokes(height, width, random)
        if known.any() and not known.all():
            return known


KINDS: Mapping[str, Callable[[int, int, Box, Random], Known]] = {
    "face": face_hole,
    "body": body_hole,
    "surroundings": surroundings_hole,
    "free": free_hole,
}
"""By the name that the configuration calls them; all but the last need a face."""


@dataclass(frozen=True)
class Holes:
    """What kinds of holes there are, and how often.

    Attributes:
        weights: how often each of `KINDS` is drawn, in proportion. Where no face is known, holes are free.

    Raises:
        UserError: an unknown kind, a weight below 0, or none above.
    """

    weights: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(KINDS, 1.0))

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        for kind, weight in self.weights.items():
            if kind not in KINDS:
                raise UserError(f"holes.{kind}: no such kind of holes (allowed: {', '.join(KINDS)})")
            if not isinstance(weight, (int, float)) or not 0 <= weight < math.inf:
                raise UserError(f"holes.{kind}={weight}: must be a number of 0 or more")
        if not sum(self.weights.values()):
            raise UserError(f"holes={dict(self.weights)}: one kind must have a weight above 0")

    def known(self, height: int, width: int, faces: Tensor, seeds: Sequence[int]) -> Tensor:
        """Cut holes.

        Args:
            height: of the images.
            width: likewise.
            faces: [n, 4], tight boxes of the faces in pixels; zeros where none is known.
            seeds: n of them; equal seeds give equal holes to equal faces.

        Returns:
            float32 [n, 1, height, width], 1 = known, 0 = hole; something of each.
        """
        kinds = [kind for kind, weight in self.weights.items() if weight > 0]
        shares = np.array([self.weights[kind] for kind in kinds], float)
        pieces = []
        for seed, face in zip(seeds, faces.tolist(), strict=True):
            random = np.random.default_rng(seed)
            kind = kinds[int(random.choice(len(kinds), p=shares / shares.sum()))]
            seen = face[2] > face[0] and face[3] > face[1]
            pieces.append(KINDS[kind if seen else "free"](height, width, face, random))
        return torch.from_numpy(np.stack(pieces)).float()[:, None]


def _face_square(height: int, width: int, face: Box, random: Random) -> Box:
    """The square by whose rule insets are placed, with another margin, shifted a little; inside, and not the whole image."""
    margin = random.uniform(*MARGINS)
    x0, y0, x1, _ = square_boxes(torch.tensor([face]), margin, height, width)[0].tolist()
    side = min(x1 - x0, max(1, min(height, width) - 1))
    shift_x, shift_y = np.rint(random.uniform(-OFFSET, OFFSET, 2) * side).astype(int).tolist()
    x0, y0 = min(max(x0 + shift_x, 0), width - side), min(max(y0 + shift_y, 0), height - side)
    return x0, y0, x0 + side, y0 + side


def _inside(height: int, width: int, box: Box) -> Known:
    """Which pixels' centres lie in a box."""
    rows, columns = np.arange(height) + 0.5, np.arange(width) + 0.5
    in_rows, in_columns = (rows >= box[1]) & (rows < box[3]), (columns >= box[0]) & (columns < box[2])
    return np.asarray(in_rows[:, None] & in_columns[None])


def _strokes(height: int, width: int, random: Random) -> Known:
    """What a brush covers that wanders up to 19 times through the image, with round ends and corners."""
    longer = max(height, width)
    image = Image.new("1", (width, height))
    pencil = ImageDraw.Draw(image)
    for _ in range(int(random.integers(STROKES + 1))):
        brush = max(1, round(random.uniform(*STROKE_WIDTHS) * longer))
        point = random.uniform(0, 1, 2) * (width, height)
        heading = random.uniform(0, 2 * math.pi)
        line = [tuple(point)]
        for turn in range(int(random.integers(2, 9))):
            # To and fro, as one scribbles, rather than round and round.
            heading += math.pi * (turn % 2) + random.uniform(-math.pi / 3, math.pi / 3)
            step = random.uniform(0, longer / 4) * np.array([math.cos(heading), math.sin(heading)])
            point = np.clip(point + step, 0, (width, height))
            line.append(tuple(point))
        pencil.line(line, fill=1, width=brush)
        for x, y in line:
            pencil.ellipse((x - brush / 2, y - brush / 2, x + brush / 2, y + brush / 2), fill=1)
    return np.asarray(image, bool)
