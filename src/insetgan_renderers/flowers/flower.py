"""Painted flowers in a meadow: images with one part, the blossom, and nobody in them.

The image of a seed is the same at any size of one ratio.
"""

from typing import NamedTuple

import numpy as np

from insetgan.data.annotations import Box, Mask
from insetgan.data.archive import Pixels
from insetgan.runtime.errors import UserError
from insetgan_renderers.flowers.plane import Canvas, Field, Light, Look, from_hsv

_FINER = 3  # painted so many times as high and wide, then averaged
_MIDDLE = 0.42  # y of the head's middle on average
_SHIFT = 0.02  # by which the head wanders to every side
_RADII = (0.1885, 0.202)  # of the head
_GOLDEN = np.pi * (3 - 5**0.5)

_Rng = np.random.Generator


class Flower(NamedTuple):
    """A painted image.

    Attributes:
        image: uint8 [H, W, 3].
        box: the square round the circle that the petals reach, (x0, y0, x1, y1) in half-open pixels.
        mask: bool [H, W], the visible head.
    """

    image: Pixels
    box: Box
    mask: Mask


_TIMES = (  # zenith, horizon, tint
    ((0.25, 0.50, 0.86), (0.80, 0.90, 0.97), (1.00, 1.00, 0.98)),
    ((0.36, 0.62, 0.92), (0.93, 0.95, 0.93), (1.00, 0.99, 0.95)),
    ((0.42, 0.56, 0.80), (0.99, 0.84, 0.62), (1.05, 0.95, 0.82)),
    ((0.44, 0.42, 0.68), (0.98, 0.70, 0.62), (1.02, 0.90, 0.88)),
    ((0.62, 0.70, 0.78), (0.86, 0.88, 0.89), (0.93, 0.95, 0.97)),
    ((0.18, 0.34, 0.62), (0.66, 0.78, 0.86), (0.90, 0.95, 1.04)),
)
_PETALS = (  # hue, saturation and value of the petals; how much paler or deeper their roots are is drawn for each flower
    (0.13, 0.03, 0.98),
    (0.14, 0.85, 0.98),
    (0.09, 0.88, 0.98),
    (0.03, 0.78, 0.95),
    (0.99, 0.80, 0.86),
    (0.93, 0.50, 0.96),
    (0.88, 0.68, 0.86),
    (0.78, 0.55, 0.86),
    (0.70, 0.60, 0.85),
    (0.62, 0.55, 0.92),
)


def paint_flower(seed: int, height: int, width: int) -> Flower:
    """Paint the flower of a seed, whose head is always at about the same place and of about the same size.

    Args:
        seed: 0 or more; the same seed gives the same flower at any size of one ratio.
        height: of the image, pixels.
        width: of the image, pixels; at least half of the height, so that the head has room.

    Returns:
        The image, with the box and the mask of the head.

    Raises:
        UserError: the image is too narrow.
    """
    check_shape(height, width)
    rng = np.random.default_rng(seed)
    canvas = Canvas(_FINER * height, _FINER * width)
    light = _light(rng)
    x, y = rng.uniform(-_SHIFT, _SHIFT, 2)
    radius = rng.uniform(*_RADII)
    _paint_sky(canvas, rng, light)
    ground = _paint_hills(canvas, rng, light)
    _paint_grass(canvas, rng, ground, blades=70, tallest=0.30)
    _paint_stem(canvas, rng, light, ground, (x, _MIDDLE + y))
    _paint_head(canvas, rng, light, (x, _MIDDLE + y), radius)
    _paint_grass(canvas, rng, ground, blades=60, tallest=0.19)
    image, head = canvas.reduced(_FINER)
    side = int(2 * radius * height + 0.5)
    left, top = (int(v * height - side / 2 + 0.5) for v in (x + width / height / 2, _MIDDLE + y))
    return Flower(image, (left, top, left + side, top + side), head > 0.5)


def check_shape(height: int, width: int) -> None:
    """Raise UserError where a flower has no room."""
    if 2 * width < height:
        raise UserError(f"data.width={width}: must be at least half of data.height={height}, for a flower to have room")


def _light(rng: _Rng) -> Light:
    zenith, horizon, tint = (np.array(each, np.float32) for each in _TIMES[rng.integers(len(_TIMES))])
    wander = rng.uniform(-0.04, 0.04, 3).astype(np.float32)
    angle = -np.pi / 2 + rng.uniform(-1.1, 1.1)
    return Light(np.clip(zenith + wander, 0, 1), np.clip(horizon + wander / 2, 0, 1), tint, angle)


def _paint_sky(canvas: Canvas, rng: _Rng, light: Light) -> None:
    """A gradient, the sun's glow, and clouds that thin out upwards."""
    height = np.clip(canvas.y / 0.62, 0, 1)[..., None] ** 1.2
    canvas.rgb[:] = light.zenith + (light.horizon - light.zenith) * height
    sun_x, sun_y = 0.55 * np.cos(light.angle), _MIDDLE + 0.55 * np.sin(light.angle)
    reach = np.hypot(canvas.x - sun_x, canvas.y - sun_y)
    everything = (slice(None), slice(None))
    canvas.lay(everything, np.clip(light.horizon * light.tint * 1.08, 0, 1), 0.55 * np.exp(-((reach / 0.35) ** 2)))
    field = sum(canvas.noise(rng, 4 * 2**k, 3 * 2**k) * 0.55**k for k in range(4))
    dense = np.clip((field - rng.uniform(-0.1, 0.7)) * 2.2, 0, 1) * np.clip(1.1 - canvas.y / 0.65, 0, 1)
    white = 0.25 * light.horizon + 0.75 * np.minimum(light.tint, 1)
    canvas.lay(everything, white - 0.10 * np.clip(field, 0, 1)[..., None], 0.85 * dense)


def _paint_hills(canvas: Canvas, rng: _Rng, light: Light) -> Field:
    """Three ridges, hazy far away and green near by; returns the colour of the nearest."""
    green = from_hsv(rng.uniform(0.20, 0.32), rng.uniform(0.45, 0.75), rng.uniform(0.42, 0.68)) * light.tint
    ridge = rng.uniform(0.50, 0.60)
    rough = canvas.noise(rng, 64, 12) + canvas.noise(rng, 150, 40)
    for haze in (0.62, 0.34, 0.08):
        waves = [(rng.uniform(0.005, 0.035), rng.uniform(2, 9), rng.uniform(0, 2 * np.pi)) for _ in range(3)]
        line = ridge + sum(size * np.sin(rate * canvas.x + phase) for size, rate, phase in waves)
        depth = canvas.y - line
        shade = 1.12 - 0.5 * np.clip(depth, 0, 0.6) + 0.035 * (1 - haze) * rough
        colour = (green * (1 - haze) + light.horizon * haze * 0.92) * shade[..., None]
        canvas.lay((slice(None), slice(None)), np.clip(colour, 0, 1), canvas.cover(depth))
        ridge += rng.uniform(0.06, 0.11)
    return green


def _paint_grass(canvas: Canvas, rng: _Rng, ground: Field, *, blades: int, tallest: float) -> None:
    """Blades from the lower border upwards, below the head."""
    reach = canvas.width / canvas.height / 2 + 0.05
    for _ in range(blades):
        colour = np.clip(ground * rng.uniform(0.65, 1.25) + rng.uniform(-0.03, 0.05, 3), 0, 1)
        tall = tallest * rng.uniform(0.45, 1)
        canvas.blade(rng.uniform(-reach, reach), 1.02, tall, rng.normal(0, 0.06), rng.uniform(0.004, 0.011), colour)


def _paint_stem(canvas: Canvas, rng: _Rng, light: Light, ground: Field, head: tuple[float, float]) -> None:
    """A bent stem with two to four leaves."""
    green = np.clip(ground * np.array([0.75, 1.0, 0.7], np.float32) * rng.uniform(0.75, 1.1), 0, 1)
    lean, tall = rng.uniform(-0.07, 0.07), 1.02 - head[1]
    canvas.blade(head[0] - lean, 1.02, tall, lean, -rng.uniform(0.009, 0.014), green)
    look = Look(green * 0.8, np.clip(green * 1.25, 0, 1), rng.uniform(0.7, 1.1), rng.uniform(0.7, 1.1), 0.0, 0.1)
    side = rng.choice([-1, 1])
    for t in np.linspace(0.15, rng.uniform(0.4, 0.58), rng.integers(2, 5)):
        root = (head[0] - lean + lean * t**2, 1.02 - tall * t)
        angle = -np.pi / 2 + side * rng.uniform(0.55, 1.15)
        canvas.petal(root, angle, rng.uniform(0.15, 0.25), rng.uniform(0.05, 0.085), look, light)
        side = -side


def _look_of_petals(rng: _Rng) -> tuple[Look, int, float]:
    """How petals look, how many there are in a ring, and the breadth of one as a fraction of its length."""
    hue, saturation, value = _PETALS[rng.integers(len(_PETALS))]
    hue, saturation = hue + rng.normal(0, 0.015), saturation * rng.uniform(0.8, 1.1)
    tip = from_hsv(hue, saturation, value * rng.uniform(0.93, 1.03))
    turn = rng.uniform(-0.09, 0.09)
    deeper = rng.random() < 0.6  # else paler
    root = (
        from_hsv(hue + turn, saturation + 0.35, value * 0.55)
        if deeper
        else from_hsv(hue + turn, saturation * 0.2, value + 0.1)
    )
    kind = rng.integers(4)
    if kind == 0:  # a daisy
        number, breadth, outline = (
            int(rng.integers(13, 22)),
            rng.uniform(0.22, 0.30),
            (0.6, rng.uniform(0.25, 0.4), 0.0),
        )
    elif kind == 1:  # an anemone, its petals broad and round
        number, breadth, outline = int(rng.integers(5, 8)), rng.uniform(0.75, 0.95), (0.75, rng.uniform(0.3, 0.42), 0.0)
    elif kind == 2:  # a cosmos, its petals cut in
        number, breadth, outline = (
            int(rng.integers(7, 11)),
            rng.uniform(0.50, 0.64),
            (0.9, 0.25, rng.uniform(0.05, 0.13)),
        )
    else:  # a star
        number, breadth, outline = int(rng.integers(8, 15)), rng.uniform(0.32, 0.46), (0.7, rng.uniform(0.8, 1.1), 0.0)
    return Look(root, tip, *outline, start=rng.uniform(0.15, 0.45)), number, breadth


def _paint_head(canvas: Canvas, rng: _Rng, light: Light, at: tuple[float, float], radius: float) -> None:
    """One to three rings of petals, the inner ones on top, and the disc."""
    look, number, breadth = _look_of_petals(rng)
    phase = rng.uniform(0, 2 * np.pi)
    rings = int(rng.choice([1, 2, 3], p=[0.4, 0.4, 0.2]))
    for ring in range(rings):
        size = radius * (1 - 0.24 * ring)
        for index in range(number):
            angle = phase + 2 * np.pi * (index + ring / 2) / number + rng.normal(0, 0.12 / number**0.5)
            length = size * (1 if ring == 0 and index % 3 == 0 else rng.uniform(0.93, 1))
            where, alpha = canvas.petal(at, angle, length, breadth * size, look, light)
            np.maximum(canvas.head[where], alpha, out=canvas.head[where])
    _paint_disc(canvas, rng, light, at, radius * rng.uniform(0.22, 0.36))


def _paint_disc(canvas: Canvas, rng: _Rng, light: Light, at: tuple[float, float], radius: float) -> None:
    """A dome of florets in the spiral of the golden angle."""
    where = canvas.near(*at, 1.3 * radius)
    x, y = (canvas.x[:, where[1]] - at[0]) / radius, (canvas.y[where[0]] - at[1]) / radius
    distance = np.sqrt(x**2 + y**2)
    canvas.rgb[where] *= 1 - 0.35 * (canvas.head[where] * np.clip((1.3 - distance) / 0.3, 0, 1))[..., None]
    hue, dark = rng.uniform(0.06, 0.17), rng.random() < 0.35
    edge = from_hsv(hue, 0.8, 0.42 if dark else 0.92)
    core = from_hsv(hue + rng.uniform(-0.03, 0.12), 0.75, 0.28 if dark else rng.uniform(0.55, 0.9))
    dots = np.arange(1, 56, dtype=np.float32)
    reach, turn = np.sqrt(dots / 56), dots * _GOLDEN
    nearest = np.min((x[..., None] - reach * np.cos(turn)) ** 2 + (y[..., None] - reach * np.sin(turn)) ** 2, axis=-1)
    floret = np.exp(-nearest / 0.006)
    dome = 1 + 0.28 * (x * np.cos(light.angle) + y * np.sin(light.angle)) - 0.18 * distance**4
    colour = core + (edge - core) * np.clip(distance, 0, 1)[..., None] ** 1.5
    colour = colour * ((0.72 + 0.45 * floret) * dome)[..., None] * light.tint
    alpha = canvas.cover((1 - distance) * radius)
    canvas.lay(where, np.clip(colour, 0, 1), alpha)
    np.maximum(canvas.head[where], alpha, out=canvas.head[where])
