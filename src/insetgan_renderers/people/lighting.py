"""Studio light: a large key light, a dim fill, sky and floor bounce, with soft shadows and ambient occlusion."""

from dataclasses import dataclass

import numpy as np

from insetgan_renderers.people.raycast import Scene
from insetgan_renderers.people.template import FloatArray, IntArray


@dataclass(frozen=True)
class Light:
    """Unit direction to the key light, its softness (radians), and the shares of key, fill and sky."""

    key: FloatArray
    softness: float
    strength: float
    fill: float
    sky: float
    warmth: float


def sample_light(rng: np.random.Generator) -> Light:
    """Draw a studio light: key from the front, left or right, above."""
    azimuth = np.radians(float(rng.choice([-1, 1]) * rng.uniform(12, 50)))
    elevation = np.radians(rng.uniform(28, 52))
    key = np.array([np.cos(elevation) * np.sin(azimuth), -np.cos(elevation) * np.cos(azimuth), np.sin(elevation)])
    return Light(
        key.astype(np.float32),
        float(rng.uniform(0.1, 0.2)),
        float(rng.uniform(0.5, 0.72)),
        float(rng.uniform(0.1, 0.2)),
        float(rng.uniform(0.42, 0.55)),
        float(rng.normal(0, 0.025)),
    )


def _spread(count: int) -> FloatArray:
    """Count points of a low-discrepancy sequence in the unit square (golden-ratio lattice), [count, 2]."""
    i = np.arange(count)
    return np.stack([(i + 0.5) / count, np.mod(i * 0.618033988749895 + 0.3, 1.0)], axis=1).astype(np.float32)


def _basis(direction: FloatArray) -> tuple[FloatArray, FloatArray]:
    helper = np.array([0.0, 0, 1], np.float32)
    first = np.cross(helper, direction)
    first /= np.linalg.norm(first)
    return first.astype(np.float32), np.cross(direction, first).astype(np.float32)


def _jitter(pixel: IntArray) -> FloatArray:
    """A number in 0..1 per pixel, by hashing its index (the same on every machine)."""
    mixed = (pixel.astype(np.uint64) * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)
    mixed ^= mixed >> np.uint64(15)
    mixed = (mixed * np.uint64(2246822519)) & np.uint64(0xFFFFFFFF)
    mixed ^= mixed >> np.uint64(13)
    result: FloatArray = (mixed.astype(np.float64) / 2**32).astype(np.float32)
    return result


def key_shadow(
    scene: Scene,
    light: Light,
    position: FloatArray,
    normal: FloatArray,
    pixel: IntArray,
    sample: IntArray,
    samples: int,
) -> FloatArray:
    """1 where the key light is seen, 0 where not, one ray a point aimed at its sample's spot of the light."""
    disc = _spread(samples)[sample]
    first, second = _basis(light.key)
    radius, turn = np.sqrt(disc[:, 0]) * light.softness, (disc[:, 1] + _jitter(pixel)) * 2 * np.pi
    ways = light.key + (radius * np.cos(turn))[:, None] * first + (radius * np.sin(turn))[:, None] * second
    ways /= np.sqrt(np.einsum("ij,ij->i", ways, ways))[:, None]
    facing = np.einsum("ij,ij->i", normal, ways)
    result = np.ones(len(position), np.float32)
    rows = np.flatnonzero(facing > 0.02)
    shadow = scene.blocked((position + normal * 0.008)[rows], ways[rows].astype(np.float32), 2.0)
    # Towards the terminator the mesh's facets would shadow themselves; there the cosine darkens anyway.
    result[rows] = 1 - shadow * np.clip((facing[rows] - 0.02) / 0.3, 0, 1)
    return result


def sky_seen(
    scene: Scene, position: FloatArray, normal: FloatArray, pixel: IntArray, sample: IntArray, samples: int
) -> FloatArray:
    """1 where a sample's direction about the normal is free for 35 cm, else 0 (ambient occlusion)."""
    square = _spread(samples)[sample]
    height, turn = 1 - 0.9 * square[:, 0], (square[:, 1] + _jitter(pixel)) * 2 * np.pi
    ring = np.sqrt(np.maximum(0, 1 - height**2))
    ways = normal * height[:, None]
    ways = ways + np.stack([ring * np.cos(turn), 0.4 * ring * np.sin(turn), ring * np.sin(turn)], axis=1)
    ways /= np.sqrt(np.einsum("ij,ij->i", ways, ways))[:, None]
    blocked = scene.blocked(position + normal * 0.008, ways.astype(np.float32), 0.35)
    result: FloatArray = (~blocked).astype(np.float32)
    return result


def shade(
    light: Light, albedo: FloatArray, gloss: FloatArray, normal: FloatArray, view: FloatArray, key: FloatArray,
    sky: FloatArray, skin: FloatArray,
) -> FloatArray:  # fmt: skip
    """Linear RGB [n, 3] of points with sRGB albedo; ``key`` and ``sky`` are visibilities, ``skin`` 1 on skin."""
    linear = albedo**2.2
    facing = np.einsum("ij,j->i", normal, light.key)
    wrap = 0.22 + 0.12 * skin
    direct = np.clip((facing + wrap) / (1 + wrap), 0, None) * (0.12 + 0.88 * key)
    warm = np.array([1 + light.warmth, 1.0, 1 - light.warmth], np.float32)
    bleed = np.stack([np.clip(facing + 0.45, 0, 1) - np.clip(facing, 0, 1)] * 3, axis=1)
    bleed = bleed * np.array([0.10, 0.025, 0.015], np.float32) * skin[:, None]
    fill_way = np.array([-light.key[0], light.key[1], 0.1], np.float32)
    fill = np.clip(0.35 + 0.65 * (normal @ fill_way), 0, None)
    up = 0.5 + 0.5 * normal[:, 2]
    ambient = light.sky * (0.62 + 0.38 * up) * (0.25 + 0.75 * sky)
    lit = light.strength * direct[:, None] * warm + (light.fill * fill * (0.4 + 0.6 * sky) + ambient)[:, None]
    half = light.key - view
    half = half / np.linalg.norm(half, axis=1, keepdims=True)
    shine = np.clip(np.einsum("ij,ij->i", normal, half), 0, 1)
    spark = gloss * (0.10 * shine**12 + 0.22 * shine**60) * key
    edge = 0.05 * gloss * (1 - np.abs(np.einsum("ij,ij->i", normal, view))) ** 3
    result: FloatArray = (linear * (lit * 1.12 + bleed) + (spark + edge)[:, None]).astype(np.float32)
    return result


def to_srgb(linear: FloatArray) -> FloatArray:
    """Linear RGB to display values in 0..1 with a soft shoulder."""
    soft = np.where(linear > 0.75, 0.75 + (1 - np.exp(-(linear - 0.75) / 0.25)) * 0.25, linear)
    result: FloatArray = np.clip(soft, 0, 1) ** np.float32(1 / 2.2)
    return result
