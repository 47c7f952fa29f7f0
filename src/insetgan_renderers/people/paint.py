"""Skin and eyes."""

from collections.abc import Callable

import numpy as np

from insetgan_renderers.people.fields import Fields
from insetgan_renderers.people.garments import Posed, ramp
from insetgan_renderers.people.haircut import Hair
from insetgan_renderers.people.makeup import Makeup, over, paint_face
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
_IRISES = ((0.22, 0.12, 0.07), (0.12, 0.075, 0.05), (0.26, 0.4, 0.52), (0.28, 0.36, 0.22), (0.4, 0.42, 0.42))


def _labels(at: FloatArray) -> np.ndarray:
    labels = np.full(len(at), REST, np.uint8)
    labels[at[:, 2] > 0.636 + 0.22 * (at[:, 1] + 0.1)] = FACE
    hand = at[:, 3] > 2.0
    labels[hand & (at[:, 0] > 0)] = HAND_LEFT
    labels[hand & (at[:, 0] < 0)] = HAND_RIGHT
    return labels


def skin_look(paint: Makeup, hair: Hair, polish: FloatArray | None) -> Callable[[Hits], Look]:
    """Look of the skin, with the face painted on; ``polish`` is the sRGB colour of painted nails, if any."""

    def look(hits: Hits) -> Look:
        at = hits.at
        albedo = np.tile(paint.skin, (len(at), 1)).astype(np.float32)
        labels = _labels(at)
        face = labels == FACE
        albedo[face] = paint_face(at[face], albedo[face], paint, hair)
        hand = (labels == HAND_LEFT) | (labels == HAND_RIGHT)
        albedo[hand] *= np.array([1.0, 0.94, 0.93], np.float32)
        # Knuckles and the gaps between fingers; fingertips are redder.
        albedo[hand] *= (1 - 0.10 * ramp(at[hand, 3], 2.45, 2.7))[:, None] ** np.array([0.3, 1.0, 1.0], np.float32)
        if polish is not None:
            albedo[at[:, 3] > 2.72] = polish
        rough = np.abs(at[:, 4] - 1.0) < 0.06
        albedo[rough] *= np.array([0.97, 0.92, 0.91], np.float32)
        gloss = np.where(face, 0.22, 0.16).astype(np.float32)
        return Look(albedo, gloss, labels, hits.normal)

    return look


def eye_surfaces(template: Template, posed: FloatArray, fields: Fields, rng: np.random.Generator) -> list[Surface]:
    """Both eyeballs with iris and pupil; they look at the camera or a little to one side."""
    iris = np.asarray(_IRISES[int(rng.choice(5, p=[0.35, 0.33, 0.15, 0.11, 0.06]))], np.float32)
    gaze = rng.normal(0, 0.0012, size=2).astype(np.float32)

    def look(hits: Hits) -> Look:
        x, z = np.abs(hits.at[:, 0]) - _EYE[0], hits.at[:, 2] - _EYE[2]
        x = x * np.sign(hits.at[:, 0]) - gaze[0]
        away = np.sqrt(x**2 + (z - gaze[1]) ** 2)
        # Eyes lie in the shade of their lids; a photographer's catch light and moist whites make up for it.
        albedo = np.tile(np.array([1.1, 1.07, 1.05], np.float32), (len(x), 1))
        albedo = over(albedo, 1 - ramp(away, 0.0060, 0.0070), iris * np.float32(0.55))
        albedo = over(albedo, 1 - ramp(away, 0.0048, 0.0058), iris)
        albedo = over(albedo, 1 - ramp(away, 0.0024, 0.0032), np.full(3, 0.015, np.float32))
        glint = 1 - ramp(np.hypot(x + 0.002, z - 0.0028), 0.0011, 0.0018)
        albedo = over(albedo, glint, np.full(3, 1.1, np.float32))
        shade = 0.45 * ramp(z, 0.0015, 0.0055)
        albedo = albedo * (1 - shade)[:, None]
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
