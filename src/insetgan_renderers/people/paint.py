"""Skin and eyes: colours painted in body coordinates (brows, lips, lashes, blush, beard, iris)."""

from collections.abc import Callable

import numpy as np

from insetgan_renderers.people.body import Traits
from insetgan_renderers.people.fields import Fields
from insetgan_renderers.people.garments import Posed, ramp
from insetgan_renderers.people.hair import Hair
from insetgan_renderers.people.surface import (
    FACE,
    HAND_LEFT,
    HAND_RIGHT,
    REST,
    BoolArray,
    Hits,
    Look,
    Surface,
    any_corner,
    trim,
)
from insetgan_renderers.people.template import FloatArray, Template

_EYE = np.array([0.0308, -0.1245, 0.7284], np.float32)
_TONES = np.array(
    [
        [0.96, 0.82, 0.74],
        [0.92, 0.75, 0.64],
        [0.84, 0.65, 0.52],
        [0.7, 0.5, 0.37],
        [0.52, 0.35, 0.25],
        [0.33, 0.22, 0.16],
    ],
    np.float32,
)


def skin_colour(tone: float) -> FloatArray:
    """SRGB albedo for a tone of 0 (palest) to 1 (darkest)."""
    at = tone * (len(_TONES) - 1)
    low = int(min(at, len(_TONES) - 2))
    colour: FloatArray = _TONES[low] + np.float32(at - low) * (_TONES[low + 1] - _TONES[low])
    return colour


def _labels(at: FloatArray) -> np.ndarray:
    labels = np.full(len(at), REST, np.uint8)
    labels[at[:, 2] > 0.636 + 0.22 * (at[:, 1] + 0.1)] = FACE
    hand = at[:, 3] > 2.0
    labels[hand & (at[:, 0] > 0)] = HAND_LEFT
    labels[hand & (at[:, 0] < 0)] = HAND_RIGHT
    return labels


def _over(albedo: FloatArray, mask: FloatArray, colour: FloatArray) -> FloatArray:
    result: FloatArray = albedo + mask[:, None] * (colour - albedo)
    return result


def _brow(x: FloatArray, z: FloatArray, half: float) -> FloatArray:
    arch = 0.7465 + 0.0045 * np.sin(np.clip((x - 0.012) / 0.036, 0, 1) * np.pi * 0.75) - 0.02 * np.clip(x - 0.042, 0, 1)
    taper = half * (1 - 0.55 * np.clip((x - 0.02) / 0.03, 0, 1))
    mask = (1 - ramp(np.abs(z - arch), 0.7 * taper, 1.2 * taper)) * ramp(x, 0.010, 0.014) * (1 - ramp(x, 0.047, 0.053))
    result: FloatArray = mask.astype(np.float32)
    return result


def _face_paint(at: FloatArray, albedo: FloatArray, traits: Traits, hair: Hair, lip: FloatArray) -> FloatArray:
    x, y, z = np.abs(at[:, 0]), at[:, 1], at[:, 2]
    front = (y < -0.06).astype(np.float32)
    hair_colour = np.asarray(hair.colour, np.float32) * (0.75 if max(hair.colour) < 0.5 else 0.6)
    blush = np.exp(-(((x - 0.045) / 0.02) ** 2 + ((z - 0.695) / 0.018) ** 2)) * front * (0.3 if traits.female else 0.15)
    albedo = _over(albedo, blush.astype(np.float32), albedo * np.array([1.0, 0.78, 0.76], np.float32))
    socket = np.exp(-(((x - 0.031) / 0.02) ** 2 + ((z - 0.732) / 0.011) ** 2)) * front
    albedo = albedo * (1 - 0.16 * socket)[:, None]
    ring = np.sqrt(((x - 0.031) / 0.0148) ** 2 + ((z - 0.7285) / 0.0068) ** 2)
    lash = (1 - ramp(ring, 1.15, 1.45)) * (z > 0.7275) * front * (0.9 if traits.female else 0.6)
    albedo = _over(albedo, lash.astype(np.float32), np.array([0.08, 0.06, 0.05], np.float32))
    if hair.beard > 0:
        jaw = ramp(-z, -0.693, -0.672) * ramp(-y, -0.005, 0.02) * (1 - ramp(-z, -0.628, -0.612))
        moustache = (1 - ramp(np.abs(z - 0.6785), 0.003, 0.006)) * (1 - ramp(x, 0.022, 0.03)) * front
        mouth = np.exp(-((x / 0.022) ** 2 + ((z - 0.668) / 0.011) ** 2))
        cheek = np.clip(np.maximum(jaw * (1 - 0.95 * mouth), moustache), 0, 1)
        albedo = _over(albedo, (cheek * hair.beard).astype(np.float32), hair_colour * 0.8 + 0.2 * albedo)
    albedo = _over(albedo, at[:, 5] * (0.85 if traits.female else 0.6), lip)
    if hair.kind in ("buzz",):
        scalp = (z > 0.76).astype(np.float32) * 0.2
        albedo = _over(albedo, scalp, hair_colour)
    return _over(albedo, 0.9 * _brow(x, z, 0.0036 if traits.female else 0.0048) * front, hair_colour)


def skin_look(traits: Traits, hair: Hair, rng: np.random.Generator) -> Callable[[Hits], Look]:
    """Look of the skin, with the face painted on."""
    base = skin_colour(traits.skin)
    made_up = traits.female and rng.random() < 0.5
    red = np.array([0.72, 0.2, 0.22], np.float32) if made_up else np.array([0.8, 0.42, 0.4], np.float32)
    lip = (0.45 * base * np.array([1.0, 0.72, 0.72], np.float32) + 0.55 * red * (0.45 + 0.55 * base)).astype(np.float32)

    def look(hits: Hits) -> Look:
        at = hits.at
        albedo = np.tile(base, (len(at), 1))
        labels = _labels(at)
        face = labels == FACE
        albedo[face] = _face_paint(at[face], albedo[face], traits, hair, lip)
        palm = (labels == HAND_LEFT) | (labels == HAND_RIGHT)
        albedo[palm] *= np.array([1.0, 0.95, 0.94], np.float32)
        return Look(albedo, np.full(len(at), 0.16, np.float32), labels, hits.normal)

    return look


def eye_surfaces(template: Template, posed: FloatArray, fields: Fields, rng: np.random.Generator) -> list[Surface]:
    """Both eyeballs with iris and pupil; they look ahead, a little to one side."""
    irises = ((0.25, 0.15, 0.09), (0.14, 0.09, 0.06), (0.3, 0.42, 0.5), (0.32, 0.38, 0.24))
    iris = np.asarray(irises[int(rng.choice(4, p=[0.35, 0.35, 0.17, 0.13]))], np.float32)
    gaze = rng.normal(0, 0.0012, size=2).astype(np.float32)

    def look(hits: Hits) -> Look:
        x, z = np.abs(hits.at[:, 0]) - _EYE[0], hits.at[:, 2] - _EYE[2]
        x = x * np.sign(hits.at[:, 0]) - gaze[0]
        away = np.sqrt(x**2 + (z - gaze[1]) ** 2)
        albedo = np.tile(np.array([0.93, 0.9, 0.88], np.float32), (len(x), 1))
        albedo = _over(albedo, 1 - ramp(away, 0.0064, 0.0072), iris)
        albedo = _over(albedo, 1 - ramp(away, 0.003, 0.0036), np.full(3, 0.02, np.float32))
        glint = 1 - ramp(np.hypot(x + 0.002, z - 0.003), 0.0012, 0.0018)
        albedo = _over(albedo, glint, np.full(3, 1.0, np.float32))
        return Look(albedo, np.full(len(x), 0.1, np.float32), np.full(len(x), FACE, np.uint8), hits.normal)

    return [
        trim(Surface(posed, template.faces[group], fields.attributes, None, look))
        for group in ("helper-l-eye", "helper-r-eye")
    ]


def skin_surface(body: Posed, look: Callable[[Hits], Look], hidden: BoolArray) -> Surface:
    """The bare body without the triangles whose vertices are all hidden [V]."""
    faces = body.fields.faces["skin"]
    faces = faces[any_corner(~hidden, faces)]
    return trim(Surface(body.vertices, faces, body.fields.attributes, None, look))
