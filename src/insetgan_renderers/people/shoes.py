"""Shoes and boots: a loft round each foot, standing on a flat sole; and socks."""

from collections.abc import Callable

import numpy as np

from insetgan_renderers.people.cloth import bumped, cloth_look
from insetgan_renderers.people.folds import wrinkles
from insetgan_renderers.people.garments import Posed, inflate, ramp
from insetgan_renderers.people.loft import grid_faces, slice_rings
from insetgan_renderers.people.surface import FEET, REST, BoolArray, Hits, Look, Surface, trim
from insetgan_renderers.people.wardrobe import Shoes

_COLUMNS = 48
_FOOT_TOP = 0.15


def _one_shoe(body: Posed, shoes: Shoes, floor: float, side: float) -> Surface:
    leg, x = body.fields.attributes[:, 4], body.fields.attributes[:, 0]
    rows = np.flatnonzero((leg > 1.3) & (x * side > 0))
    points = body.vertices[rows] + body.normals[rows] * np.float32(0.010 if shoes.kind == "boot" else 0.005)
    heights = np.concatenate([np.linspace(0.024, 0.11, 14), np.linspace(0.11, max(shoes.height, 0.12), 14)[1:]])
    heights = (heights[heights <= shoes.height + 1e-6] + floor).astype(np.float32)
    rings = slice_rings(points, heights, _COLUMNS, 0.016 if shoes.kind == "boot" else 0.012)
    low = points[points[:, 2] < floor + 0.06]
    start = 0.5 * (low[:, :2].min(axis=0) + low[:, :2].max(axis=0))
    radii = rings.radii()
    skin = rings.points(radii)
    # Everything lower must cover what is higher, and the sole is a little wider than the upper.
    base = rings.points(radii + 0.004)[0]
    sole = np.stack([base, base, skin[0]])
    sole[0, :, 2], sole[1, :, 2], sole[2, :, 2] = floor, floor + 0.014, floor + 0.0145
    grid = np.concatenate([sole, skin[1:]])
    vertices = np.ascontiguousarray(grid.reshape(-1, 3))
    attributes = np.zeros((len(vertices), 6), np.float32)
    attributes[:, :3] = vertices - np.array([start[0], start[1], floor], np.float32)
    return Surface(vertices, grid_faces(len(grid), _COLUMNS), attributes, None, _shoe_look(shoes))


def _shoe_look(shoes: Shoes) -> Callable[[Hits], Look]:
    sole, upper = np.asarray(shoes.sole, np.float32), np.asarray(shoes.colour, np.float32)

    def look(hits: Hits) -> Look:
        x, y, above = hits.at[:, 0], hits.at[:, 1], hits.at[:, 2]
        albedo = np.tile(upper, (len(x), 1))
        if shoes.kind == "sneaker":
            albedo[(y < -0.075) & (above < 0.04)] = 0.5 * upper + 0.5 * sole
            laces = (
                (np.abs(x) < 0.022) & (y < 0.02) & (y > -0.075) & (np.mod(y, 0.016) < 0.007) & (hits.normal[:, 2] > 0.3)
            )
            albedo[laces] = 0.4 * upper + 0.6 * np.float32(0.9 if upper.mean() < 0.6 else 0.6)
        albedo[above < shoes.sole_height] = sole
        labels = np.where(above < _FOOT_TOP, FEET, REST).astype(np.uint8)
        gloss = np.full(len(x), 0.12 if shoes.kind == "sneaker" else 0.4, np.float32)
        return Look(albedo, gloss, labels, bumped(hits.normal, wrinkles(hits.at, 5, 0.04)))

    return look


def shoe_surfaces(body: Posed, shoes: Shoes, floor: float) -> list[Surface]:
    """Both shoes, standing on the floor (world z, metres)."""
    return [_one_shoe(body, shoes, floor, side) for side in (1.0, -1.0)]


def sock_surface(body: Posed, shoes: Shoes) -> Surface:
    """Socks a little above the shoes."""

    def covers(at: np.ndarray) -> BoolArray:
        return at[:, 4] > 1.8

    def look(hits: Hits) -> Look:
        albedo = np.tile(np.asarray(shoes.sock, np.float32), (len(hits.at), 1))
        return cloth_look(hits, albedo, 0.03, 9, 0.08)

    offset = 0.004 * (1 - ramp(body.fields.attributes[:, 4], 1.9, 2.0)) + 0.001
    return trim(Surface(inflate(body, offset), body.fields.faces["shoe"], body.fields.attributes, covers, look))
