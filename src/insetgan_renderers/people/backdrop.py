"""Studio backgrounds: seamless paper with a gradient, floor and wall blended, and the shadow under the feet."""

import colorsys
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from insetgan_renderers.people.camera import Camera
from insetgan_renderers.people.template import FloatArray


@dataclass(frozen=True)
class Backdrop:
    """Linear colours of wall and floor, where they meet (share of the height), how softly, and a glow."""

    wall: FloatArray
    floor: FloatArray
    meet: float
    blend: float
    glow: float
    centre: tuple[float, float]
    tilt: float
    shadow: float


def sample_backdrop(rng: np.random.Generator) -> Backdrop:
    """Draw a background: mostly light and grey, some coloured, some dark."""
    style = rng.choice(["light", "grey", "colour", "dark"], p=[0.5, 0.22, 0.2, 0.08])
    value = {"light": rng.uniform(0.84, 0.96), "grey": rng.uniform(0.55, 0.8), "colour": rng.uniform(0.6, 0.9),
             "dark": rng.uniform(0.22, 0.4)}[str(style)]  # fmt: skip
    saturation = rng.uniform(0.06, 0.22) if style == "colour" else rng.uniform(0, 0.06)
    wall = np.array(colorsys.hsv_to_rgb(float(rng.random()), float(saturation), float(value)))
    floor = np.clip(wall * rng.uniform(0.88, 1.02), 0, 1)
    return Backdrop(
        wall=(wall**2.2).astype(np.float32),
        floor=(floor**2.2).astype(np.float32),
        meet=float(rng.uniform(0.8, 0.9)),
        blend=float(rng.choice([rng.uniform(0.02, 0.05), rng.uniform(0.08, 0.2)], p=[0.3, 0.7])),
        glow=float(rng.uniform(0.0, 0.16)),
        centre=(float(rng.uniform(0.25, 0.55)), float(rng.uniform(0.3, 0.7))),
        tilt=float(rng.normal(0, 0.04)),
        shadow=float(rng.uniform(0.45, 0.7)),
    )


def paint_backdrop(backdrop: Backdrop, height: int, width: int) -> FloatArray:
    """Linear RGB [H, W, 3] without shadows."""
    rows = ((np.arange(height) + 0.5) / height)[:, None]
    columns = ((np.arange(width) + 0.5) / width)[None, :]
    t = np.clip((rows - backdrop.meet) / backdrop.blend + 0.5, 0, 1)
    mix = np.broadcast_to(t * t * (3 - 2 * t), (height, width))[..., None]
    image = backdrop.wall * (1 - mix) + backdrop.floor * mix
    away = ((rows - backdrop.centre[0]) / 0.6) ** 2 + ((columns - backdrop.centre[1]) * width / height / 0.5) ** 2
    light = 1 + backdrop.glow * (np.exp(-away) - 0.5) + backdrop.tilt * (columns - 0.5)
    result: FloatArray = (image * light[..., None]).astype(np.float32)
    return result


def floor_shadow(
    backdrop: Backdrop, camera: Camera, soles: FloatArray, floor: float, key: FloatArray, height: int, width: int
) -> FloatArray:
    """Factor [H, W] in 0..1 that darkens the floor about points of the soles [n, 3]: contact and soft cast shadow."""
    factor = np.ones((height, width), np.float32)
    rows = np.arange(height)[camera.project(np.array([[0, 1.2, floor]], np.float32), width)[0, 0].astype(int) :]
    if len(rows) == 0:
        return factor
    r, c = np.meshgrid(rows + 0.5, np.arange(width) + 0.5, indexing="ij")
    origins, ways = camera.rays(r.ravel().astype(np.float32), c.ravel().astype(np.float32), width)
    reach = (floor - origins[:, 2]) / np.minimum(ways[:, 2], -1e-4)
    ground = (origins + ways * reach[:, None])[:, :2]
    tree = cKDTree(soles[::4, :2])
    near, _ = tree.query(ground, distance_upper_bound=1.0)
    contact = np.exp(-((near / 0.035) ** 2)) * 0.8 + np.exp(-((near / 0.11) ** 2)) * 0.4
    middle = soles[:, :2].mean(axis=0) - 0.16 * key[:2] / max(float(key[2]), 0.3)
    away = ((ground - middle) / np.array([0.34, 0.3])) ** 2
    cast = 0.4 * np.exp(-away.sum(axis=1))
    dark = np.clip(contact + cast, 0, 1.1) * backdrop.shadow
    factor[rows] = (1 - np.clip(dark, 0, 0.85)).reshape(len(rows), width)
    return factor
