"""What flowers are painted on.

Coordinates: y from 0 at the top to 1 at the bottom, x in the same unit from the middle. Colours are sRGB in 0..1.
"""

import colorsys
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from insetgan.data.archive import Pixels

Field = npt.NDArray[np.floating[Any]]
"""Numbers over pixels, or a colour."""


def from_hsv(hue: float, saturation: float, value: float) -> Field:
    """A colour [3]; the hue goes round from 0 to 1, the others are clipped to it."""
    return np.array(
        colorsys.hsv_to_rgb(hue % 1, float(np.clip(saturation, 0, 1)), float(np.clip(value, 0, 1))), np.float32
    )


class Look(NamedTuple):
    """Colours and outline of a petal: narrow at its root with `belly`, pointed with `blunt` near 1, cut in by `notch`."""

    root: Field
    tip: Field
    belly: float
    blunt: float
    notch: float
    start: float  # where along the petal the root's colour begins to fade


class Light(NamedTuple):
    """Time of day: colours of the sky above and at the horizon, of the sunlight, and where that comes from."""

    zenith: Field
    horizon: Field
    tint: Field
    angle: float  # of the sun seen from the head, in the plane of the image; upwards is negative


class Canvas:
    """What is painted on: rgb [H, W, 3], and the coordinates of its pixels."""

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.x = ((np.arange(width, dtype=np.float32) + 0.5 - width / 2) / height)[None, :]
        self.y = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]
        self.rgb = np.zeros((height, width, 3), np.float32)
        self.head = np.zeros((height, width), np.float32)

    def near(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        """Rows and columns within `reach` of a point, for what is small."""
        top, bottom = (int(np.clip((y + side) * self.height, 0, self.height)) for side in (-reach, reach))
        left, right = (int(np.clip((x + s) * self.height + self.width / 2, 0, self.width)) for s in (-reach, reach))
        return slice(top, bottom + 1), slice(left, right + 1)

    def cover(self, distance: Field) -> Field:
        """Coverage of what lies inside by `distance` (negative: outside), its edge a pixel wide."""
        coverage: Field = np.clip(distance * self.height + 0.5, 0, 1)
        return coverage

    def lay(self, where: tuple[slice, slice], colour: Field, alpha: Field) -> None:
        """Paint over: colour [3] or [h, w, 3], alpha [h, w]."""
        self.rgb[where] += alpha[..., None] * (colour - self.rgb[where])

    def noise(self, rng: np.random.Generator, rows: int, columns: int) -> Field:
        """Smooth noise [H, W] in about -1..1, `rows` x `columns` bumps; the same at any size of image."""
        grid = rng.uniform(-1, 1, (rows, columns)).astype(np.float32)
        smooth = Image.fromarray(grid).resize((self.width, self.height), Image.Resampling.BICUBIC)
        return np.asarray(smooth, np.float32)

    def petal(
        self, root: tuple[float, float], angle: float, length: float, breadth: float, look: Look, light: Light
    ) -> tuple[tuple[slice, slice], Field]:
        """Paint a petal or a leaf that grows from `root` along `angle`; returns where, and its coverage [h, w]."""
        where = self.near(root[0] + np.cos(angle) * length / 2, root[1] + np.sin(angle) * length / 2, 0.75 * length)
        dx, dy = self.x[:, where[1]] - np.float32(root[0]), self.y[where[0]] - np.float32(root[1])
        along = (dx * np.cos(angle) + dy * np.sin(angle)) / length
        across = dy * np.cos(angle) - dx * np.sin(angle)
        t = np.clip(along + look.notch * np.exp(-((across / (0.22 * breadth)) ** 2)), 0, 1)
        widest = look.belly / (look.belly + look.blunt)
        profile = t**look.belly * (1 - t) ** look.blunt / (widest**look.belly * (1 - widest) ** look.blunt)
        half = breadth * profile / 2
        side = across / np.maximum(half, 1e-4)
        cast = self.head[where] * np.clip((1.3 * half + 0.006 - np.abs(across)) / 0.012, 0, 1) * (along > 0)
        self.rgb[where] *= 1 - 0.3 * cast[..., None]  # its shadow on the petals beneath
        ramp = np.clip((t - look.start) / (1 - look.start), 0, 1)[..., None]
        lit = 1 + 0.10 * np.cos(angle - light.angle) + 0.13 * np.clip(side, -1, 1) * np.sin(light.angle - angle)
        lit -= 0.09 * np.exp(-((across / (0.07 * breadth)) ** 2)) * (1 - t)  # the middle vein
        lit += 0.04 * np.cos(side * 9) * (1 - t) - 0.14 * np.clip(0.35 - t, 0, 1)
        colour = (look.root + (look.tip - look.root) * ramp**0.8) * lit[..., None] * light.tint
        alpha = self.cover(half - np.abs(across)) * (half > 0)
        self.lay(where, np.clip(colour, 0, 1), alpha)
        return where, alpha

    def blade(self, foot: float, bottom: float, tall: float, lean: float, breadth: float, colour: Field) -> None:
        """Paint a blade of grass, or with a negative breadth a stem, which does not taper."""
        where = self.near(foot + lean / 2, bottom - tall / 2, max(tall, abs(lean)) / 2 + abs(breadth))
        t = np.clip((bottom - self.y[where[0]]) / tall, 0, 1)
        half = abs(breadth) * np.sqrt(1 - t) if breadth > 0 else np.full_like(t, -breadth)
        across = self.x[:, where[1]] - foot - lean * t**2
        inside = (self.y[where[0]] <= bottom) & (self.y[where[0]] >= bottom - tall)
        round_ = 1 + 0.22 * np.clip(across / np.maximum(half, 1e-4), -1, 1) * np.sign(lean or 1)
        shaded = colour * ((0.62 + 0.5 * t) * round_)[..., None]
        self.lay(where, np.clip(shaded, 0, 1), self.cover(half - np.abs(across)) * inside)

    def reduced(self, finer: int) -> tuple[Pixels, Field]:
        """The image as bytes and the coverage of the head, averaged over blocks of `finer` x `finer` pixels."""
        shape = (self.height // finer, finer, self.width // finer, finer)
        image = np.clip(self.rgb, 0, 1).reshape(*shape, 3).mean((1, 3))
        return (image * 255 + 0.5).astype(np.uint8), self.head.reshape(shape).mean((1, 3))
