"""How cloth looks: patterns in body coordinates, weave and folds."""

from typing import Any

import numpy as np
import numpy.typing as npt

from insetgan_renderers.people.folds import wrinkles
from insetgan_renderers.people.surface import REST, Hits, Look
from insetgan_renderers.people.template import FloatArray
from insetgan_renderers.people.wardrobe import Colour

Folds = tuple[FloatArray, FloatArray]


def bumped(normal: FloatArray, bump: FloatArray) -> FloatArray:
    """Unit normals plus offsets, renormalised."""
    tilted = normal + bump - normal * np.sum(normal * bump, axis=1, keepdims=True)
    unit: FloatArray = tilted / np.linalg.norm(tilted, axis=1, keepdims=True)
    return unit


def _smooth_step(value: FloatArray, low: float, high: float) -> FloatArray:
    t = np.clip((value - low) / (high - low), 0, 1)
    result: FloatArray = t * t * (3 - 2 * t)
    return result


def _woven(along: FloatArray, across: FloatArray, pattern: str, scale: float) -> npt.NDArray[Any] | None:
    """Share of the second colour of a pattern that repeats all over the cloth, None for another pattern."""
    if pattern == "stripes":
        return np.asarray(np.mod(along, scale) < scale * 0.42)
    if pattern == "pinstripes":
        return np.asarray(0.7 * (np.mod(across, 0.7 * scale) < 0.1 * scale))
    if pattern == "checks":
        rows, columns = (np.mod(value, 1.6 * scale) < 0.8 * scale for value in (along, across))
        return np.asarray(0.5 * rows + 0.5 * columns)
    if pattern == "tartan":
        period = 1.8 * scale
        fine = (np.mod(along, period) < 0.2 * scale) | (np.mod(across, period) < 0.2 * scale)
        broad = [np.abs(np.mod(value, period) - scale) < 0.3 * scale for value in (along, across)]
        return np.asarray(np.clip(0.8 * fine + 0.35 * broad[0] + 0.35 * broad[1], 0, 1))
    if pattern == "dots":
        odd = np.mod(np.floor(along / scale), 2)
        side, level = np.mod(across / scale + 0.5 * odd, 1) - 0.5, np.mod(along, scale) / scale - 0.5
        return np.asarray(np.hypot(level, side) < 0.24)
    if pattern == "floral":
        u, v = across / scale, along / scale
        return np.asarray((np.sin(2.7 * u + 2 * np.sin(1.9 * v)) * np.sin(3.1 * v + 2 * np.sin(2.3 * u)) > 0.35) * 0.9)
    return None


def _placed(at: FloatArray, pattern: str, scale: float) -> npt.NDArray[Any]:
    """Share of the second colour of a pattern that has its place on the garment; 0 for a plain one."""
    x, z, arm = at[:, 0], at[:, 2], at[:, 3]
    on_arm = arm > 0.05
    if pattern == "block":
        return np.asarray(np.where(on_arm, arm < 0.2, z > 0.3))
    if pattern == "raglan":
        return np.asarray(arm - 4 * (np.abs(x) < 0.11) + 0.9 * (np.abs(x) - 0.13) * 6 > -0.6)
    if pattern == "band":
        return np.asarray((np.abs(z - 0.36) < scale) & ~on_arm)
    if pattern == "print":
        u, v = x / 0.075, (z - 0.39) / 0.07
        ring = np.hypot(u, v) + 0.25 * np.sin(5 * np.arctan2(v, u) + 90 * scale)
        return np.asarray((at[:, 1] < -0.02) & ~on_arm & ((ring < 0.5) | ((ring > 0.7) & (ring < 0.95))))
    if pattern == "dip":
        return np.asarray(1 - _smooth_step(z, 0.0, 0.3))
    return np.zeros(len(at), np.float32)


def patterned(at: FloatArray, pattern: str, colour: Colour, second: Colour, scale: float) -> FloatArray:
    """SRGB albedo [n, 3] of cloth; the patterns are ``wardrobe.PATTERNS``, "raglan" and "block", plain else."""
    first = np.asarray(colour, np.float32)
    other = np.asarray(second, np.float32)
    on_arm = at[:, 3] > 0.05
    along, across = np.where(on_arm, at[:, 3] * 0.26, at[:, 2]), np.where(on_arm, at[:, 1], at[:, 0])
    woven = _woven(along, across, pattern, scale)
    mix = np.asarray(_placed(at, pattern, scale) if woven is None else woven, np.float32)
    return first + mix[:, None] * (other - first)


def cloth_look(
    hits: Hits, albedo: FloatArray, gloss: float, seed: int, amplitude: float, folds: Folds | None = None
) -> Look:
    """Look of cloth of a given albedo; ``folds`` are offsets of the normal and depths, see ``folds.top_folds``."""
    bump = wrinkles(hits.at, seed, amplitude)
    if folds is not None:
        bump = bump + folds[0]
        albedo = albedo * (1 - 0.28 * folds[1])[:, None]
    return Look(
        albedo=albedo.astype(np.float32),
        gloss=np.full(len(albedo), gloss, np.float32),
        labels=np.full(len(albedo), REST, np.uint8),
        normal=bumped(hits.normal, bump),
    )


def band(value: FloatArray, centre: float, half: float) -> FloatArray:
    """1 within half of the centre, smoothly 0 beyond twice that."""
    return 1 - _smooth_step(np.abs(value - centre), half, 2 * half)
