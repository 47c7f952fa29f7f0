"""How cloth looks: patterns in body coordinates, wrinkles as bumps of the normal."""

import numpy as np

from insetgan_renderers.people.surface import REST, Hits, Look
from insetgan_renderers.people.template import FloatArray
from insetgan_renderers.people.wardrobe import Colour


def wrinkles(at: FloatArray, rng_seed: int, amplitude: float) -> FloatArray:
    """Offsets of the normal [n, 3]: the gradient of a few warped waves, 5 to 20 cm long."""
    rng = np.random.default_rng(rng_seed)
    bump = np.zeros((len(at), 3), np.float32)
    warp = np.zeros(len(at), np.float32)
    for length in (0.22, 0.13, 0.09, 0.06):
        wave = rng.normal(size=3) * np.array([1.0, 0.6, 1.0])
        wave = (wave / np.linalg.norm(wave) * 2 * np.pi / length).astype(np.float32)
        phase = at[:, :3] @ wave + np.float32(rng.uniform(0, 6.28)) + 1.5 * warp
        bump += np.cos(phase)[:, None] * wave / np.linalg.norm(wave)
        warp = np.sin(phase)
    return bump * np.float32(amplitude)


def bumped(normal: FloatArray, bump: FloatArray) -> FloatArray:
    """Unit normals plus offsets, renormalised."""
    tilted = normal + bump - normal * np.sum(normal * bump, axis=1, keepdims=True)
    unit: FloatArray = tilted / np.linalg.norm(tilted, axis=1, keepdims=True)
    return unit


def _smooth_step(value: FloatArray, low: float, high: float) -> FloatArray:
    t = np.clip((value - low) / (high - low), 0, 1)
    result: FloatArray = t * t * (3 - 2 * t)
    return result


def patterned(at: FloatArray, pattern: str, colour: Colour, second: Colour, scale: float) -> FloatArray:
    """SRGB albedo [n, 3] of a top's cloth."""
    first = np.asarray(colour, np.float32)
    other = np.asarray(second, np.float32)
    z, arm = at[:, 2], at[:, 3]
    on_arm = arm > 0.05
    if pattern == "stripes":
        along = np.where(on_arm, arm * 0.26, z)
        mix = (np.mod(along, scale) < scale * 0.42).astype(np.float32)
    elif pattern == "block":
        mix = np.where(on_arm, arm < 0.2, z > 0.3).astype(np.float32)
    elif pattern == "raglan":
        mix = (at[:, 3] - 4 * (np.abs(at[:, 0]) < 0.11) + 0.9 * (np.abs(at[:, 0]) - 0.13) * 6 > -0.6).astype(np.float32)
    elif pattern == "print":
        mix = ((np.abs(z - 0.36) < scale) & ~on_arm).astype(np.float32)
    else:
        mix = np.zeros(len(at), np.float32)
    return first + mix[:, None] * (other - first)


def cloth_look(hits: Hits, albedo: FloatArray, gloss: float, seed: int, amplitude: float) -> Look:
    """Look of cloth of a given albedo."""
    return Look(
        albedo=albedo,
        gloss=np.full(len(albedo), gloss, np.float32),
        labels=np.full(len(albedo), REST, np.uint8),
        normal=bumped(hits.normal, wrinkles(hits.at, seed, amplitude)),
    )


def band(value: FloatArray, centre: float, half: float) -> FloatArray:
    """1 within half of the centre, smoothly 0 beyond twice that."""
    return 1 - _smooth_step(np.abs(value - centre), half, 2 * half)
