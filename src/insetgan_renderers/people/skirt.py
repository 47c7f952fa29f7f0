"""Skirts and the skirts of coats: a loft round hips and legs that falls free below the hips."""

import numpy as np

from insetgan_renderers.people.cloth import band, cloth_look, patterned
from insetgan_renderers.people.folds import hanging_folds
from insetgan_renderers.people.garments import Posed
from insetgan_renderers.people.loft import Rings, grid_faces, slice_rings
from insetgan_renderers.people.surface import BoolArray, Hits, Look, Surface, used_vertices
from insetgan_renderers.people.template import FloatArray
from insetgan_renderers.people.wardrobe import Bottom, Top

_COLUMNS, _ROWS = 72, 30


def _hip_rings(body: Posed, z_top: float, z_hem: float, offset: FloatArray) -> Rings:
    a = body.fields.attributes
    rows = used_vertices(body.fields.faces["bottom"], len(a))
    rows = rows[(a[rows, 2] < 0.24) & (a[rows, 4] < 2.05)]
    points = (body.vertices + body.normals * (offset + body.filled)[:, None])[rows]
    rings = slice_rings(points, np.linspace(z_top, z_hem, _ROWS).astype(np.float32), _COLUMNS, 0.022)
    # Recentre on a straight axis, so that a swinging hip does not make the cloth swing back below it.
    mix = np.linspace(0, 1, _ROWS, dtype=np.float32)[:, None]
    axis = (1 - mix) * rings.centres[:3].mean(axis=0) + mix * rings.centres[-3:].mean(axis=0)
    theta = rings.azimuths
    shift = (rings.centres - axis) @ np.stack([np.cos(theta), np.sin(theta)])
    return Rings(rings.heights, axis, rings.support + shift)


def _facing(body: Posed) -> tuple[FloatArray, FloatArray]:
    """Middle of the hips [2] and the rotation [2, 2] that takes world x, y to the body's own left and back."""
    a = body.fields.attributes
    hips = (np.abs(a[:, 2] - 0.08) < 0.05) & (a[:, 3] < -0.5) & (a[:, 4] > -5)  # helpers are not posed
    left, right = (body.vertices[hips & (a[:, 0] * side > 0), :2].mean(axis=0) for side in (1, -1))
    way = (left - right) / np.linalg.norm(left - right)
    return 0.5 * (left + right), np.array([[way[0], way[1]], [-way[1], way[0]]], np.float32)


def coat_bottom(coat: Top) -> Bottom:
    """The lower part of a coat as a skirt; it begins at the waist."""
    return Bottom(
        "skirt", coat.skirts, coat.fit, 0.03 + coat.fit, 0.2, coat.colour, coat.second, coat.pattern, coat.scale, None
    )


def skirt_surface(body: Posed, bottom: Bottom, offset: FloatArray, seed: int, opening: float = -1.0) -> Surface:
    """The surface of a skirt from the waist to ``bottom.length`` (leg coordinate).

    An opening of 0 or more makes it a coat's: open in front to that half-width in metres, and more so below.
    """
    a = body.fields.attributes
    legs = a[:, 4] > -0.5
    ring = legs & (np.abs(a[:, 2] - bottom.waist) < 0.025) & (a[:, 3] < -0.5)
    hem_ring = legs & (np.abs(a[:, 4] - bottom.length) < 0.12) & (a[:, 3] < -0.5)
    z_top, z_hem = float(body.vertices[ring, 2].mean()), float(body.vertices[hem_ring, 2].mean())
    rings = _hip_rings(body, z_top, z_hem, offset)
    step = (z_top - z_hem) / (_ROWS - 1)
    for row in range(1, _ROWS):
        slope = bottom.flare * min(1.0, row / 6) if bottom.flare > 0.03 else -0.06
        rings.support[row] = np.maximum(rings.support[row], rings.support[row - 1] + slope * step)
    theta = rings.azimuths
    rng = np.random.default_rng(seed)
    folds = np.zeros(_COLUMNS)
    for waves, share in ((5, 0.35), (8, 0.4), (11, 0.3)):
        folds += share * np.cos(waves * theta + rng.uniform(0, 6.28))
    down = np.linspace(0, 1, _ROWS)[:, None]
    swing = down**1.3 * min(0.014, 0.12 * bottom.flare) * (1 + folds)
    points = rings.points((rings.radii() + swing).astype(np.float32))
    points[..., 2] += 0.005 * np.cos(theta * 3 + seed) * down
    vertices = np.ascontiguousarray(points.reshape(-1, 3).astype(np.float32))
    attributes = np.zeros((len(vertices), 6), np.float32)
    middle, turn = _facing(body)
    attributes[:, :2] = (vertices[:, :2] - middle) @ turn.T
    attributes[:, 2] = vertices[:, 2]
    attributes[:, 2] += bottom.waist - z_top
    attributes[:, 3] = -1

    def look(hits: Hits) -> Look:
        albedo = patterned(hits.at, bottom.pattern, bottom.colour, bottom.second, bottom.scale)
        below = bottom.waist - hits.at[:, 2]
        if bottom.belt is not None:
            albedo[below < 0.032] = np.asarray(bottom.belt, np.float32)
        elif opening < 0:
            albedo = albedo * (1 - 0.25 * band(below, 0.03, 0.0012))[:, None]
        depth = 0.12 + min(0.5, 5 * bottom.flare)
        return cloth_look(hits, albedo, 0.05, seed, 0.05, hanging_folds(hits.at, seed, depth, bottom.waist))

    def covers(at: FloatArray) -> BoolArray:
        half = 1.2 * opening * (1 + 0.7 * np.clip((0.3 - at[:, 2]) / 0.3, 0, 1.5))
        there: BoolArray = (at[:, 1] > 0) | (np.abs(at[:, 0]) > half)
        return there

    return Surface(vertices, grid_faces(_ROWS, _COLUMNS)[:, ::-1], attributes, covers if opening > 0 else None, look)
