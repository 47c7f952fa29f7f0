"""Hats and glasses."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from insetgan_renderers.people.cloth import bumped
from insetgan_renderers.people.fields import Fields
from insetgan_renderers.people.folds import wrinkles
from insetgan_renderers.people.haircut import Hair
from insetgan_renderers.people.headform import COLUMNS, seam_safe, skull_dome, with_head
from insetgan_renderers.people.loft import grid_faces
from insetgan_renderers.people.rig import Rig
from insetgan_renderers.people.surface import FACE, BoolArray, Hits, Look, Surface, trim
from insetgan_renderers.people.template import FloatArray, Template

_ROWS = 20


def _edge(kind: str, azimuth: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Polar angle (degrees) of a hat's lower edge by azimuth from the face (degrees, absolute)."""
    front, back = {"cap": (60, 92), "beanie": (58, 104), "brim": (62, 84)}[kind]
    edge: npt.NDArray[np.float64] = np.interp(azimuth, [0, 40, 110, 180], [front, front + 4, back - 6, back])
    return edge


def _shade(vertices: FloatArray, fields: Fields, hair: Hair, thick: float) -> tuple[FloatArray, FloatArray, np.ndarray]:
    """Visor or brim: rings round the lower edge, wider and wider; attribute 5 is 1."""
    whole = hair.hat == "brim"
    azimuth = np.linspace(-180, 180, COLUMNS, endpoint=False)
    edges = _edge(hair.hat, np.abs(azimuth)) - 2.0
    dome = skull_dome(vertices, fields, np.linspace(30, 110, 41).astype(np.float32))
    row = np.clip(np.round((edges - 30) / 2).astype(int), 0, 40)
    base = dome.points(np.full(dome.radii.shape, thick, np.float32))[row, np.arange(COLUMNS)]
    reach = 0.062 if whole else 0.075 * np.clip(1 - (np.abs(azimuth) / 58) ** 3, 0, 1)
    way = np.stack([np.sin(np.radians(azimuth)), -np.cos(np.radians(azimuth)), 0 * azimuth], axis=1)
    out = np.linspace(0, 1, 6)[:, None, None]
    fall = (0.004 if whole else 0.016) + 0.006 * np.cos(2 * np.radians(azimuth)) * whole
    points = base[None] + out * (way * np.reshape(reach, (-1, 1)) if not whole else way * reach)[None]
    points[..., 2] -= out[..., 0] ** 1.5 * fall
    attributes = np.zeros((6, COLUMNS, 6), np.float32)
    attributes[..., :3] = points
    attributes[..., 3] = azimuth
    attributes[..., 4] = edges
    attributes[..., 5] = 1
    return points.reshape(-1, 3).astype(np.float32), attributes.reshape(-1, 6), grid_faces(6, COLUMNS)[:, ::-1]


def _hat_look(hair: Hair) -> Callable[[Hits], Look]:
    base = np.asarray(hair.hat_colour, np.float32)
    kind = hair.hat

    def look(hits: Hits) -> Look:
        azimuth, polar = hits.at[:, 3], hits.at[:, 4]
        below = _edge(kind, np.abs(azimuth)) - polar
        albedo = np.tile(base, (len(azimuth), 1))
        normal = bumped(hits.normal, wrinkles(hits.at, 3, 0.04))
        on_dome = hits.at[:, 5] < 0.5
        if kind == "beanie":
            rib = 0.5 + 0.5 * np.sin(np.radians(azimuth) * 60)
            albedo = albedo * (0.82 + 0.18 * rib)[:, None]
            albedo[np.abs(below - 22) < 1.6] *= 0.7
        elif kind == "cap":
            seam = np.abs(np.mod(azimuth, 60) - 30) < 0.9
            albedo[seam & on_dome] *= 0.8
        else:
            albedo[(below < 16) & on_dome] *= 0.45
        return Look(
            albedo.astype(np.float32), np.full(len(azimuth), 0.05, np.float32),
            np.full(len(azimuth), FACE, np.uint8), normal,
        )  # fmt: skip

    return look


def hat_surface(vertices: FloatArray, rig: Rig, fields: Fields, hair: Hair) -> Surface | None:
    """The posed hat, None without one. It counts as part of the head."""
    if not hair.hat:
        return None
    dome = skull_dome(vertices, fields, np.linspace(0, 108, _ROWS).astype(np.float32))
    p = np.degrees(dome.polar)
    thick = np.full(p.shape, 0.016, np.float32)
    if hair.hat == "beanie":
        thick += 0.018 * np.exp(-((p / 40) ** 2)) + 0.006 * (p > _edge("beanie", np.abs(np.degrees(dome.azimuth))) - 24)
    if hair.hat == "brim":
        thick += 0.045 * np.clip(1 - (p / 62) ** 4, 0, 1) * (1 - 0.3 * np.exp(-((dome.azimuth / 0.5) ** 2)))
    points = dome.points(thick.astype(np.float32)).reshape(-1, 3)
    attributes = np.zeros((len(points), 6), np.float32)
    attributes[:, :3] = points
    attributes[:, 3], attributes[:, 4] = np.degrees(dome.azimuth).ravel(), p.ravel()
    faces = grid_faces(_ROWS, COLUMNS)[:, ::-1]
    if hair.hat in ("cap", "brim"):
        more, values, triangles = _shade(vertices, fields, hair, 0.016)
        faces = np.concatenate([faces, triangles + len(points)])
        points, attributes = np.concatenate([points, more]), np.concatenate([attributes, values])
    attributes, faces, posed = seam_safe(attributes, faces, with_head(points, rig))

    def covers(at: FloatArray) -> BoolArray:
        on_dome: BoolArray = at[:, 4] < _edge(hair.hat, np.abs(at[:, 3]))
        shade = at[:, 5] > 0.5
        if hair.hat == "cap":
            shade &= np.abs(at[:, 3]) < 57
        return on_dome & (at[:, 5] < 1e-3) | shade

    return trim(Surface(posed, faces, attributes, covers, _hat_look(hair)))


def glasses_surface(template: Template, vertices: FloatArray, rig: Rig, fields: Fields, hair: Hair) -> Surface | None:
    """The posed glasses, None without: a bent strip in which frame, bridge and temples are cut out.

    Attributes 0 and 2 hold the place along the strip and above the eyes, in metres.
    """
    if not hair.glasses:
        return None
    eye = vertices[np.unique(template.faces["helper-l-eye"])].mean(axis=0)
    head = vertices[fields.head_rows]
    level = np.abs(head[:, 2] - eye[2]) < 0.012
    front = float(head[level & (np.abs(head[:, 0]) < 0.05), 1].min())
    half = float(np.abs(head[level & (head[:, 1] > -0.1) & (head[:, 1] < -0.06), 0]).max()) + 0.004
    across = np.concatenate([np.linspace(0, half, 14), np.full(8, half)])
    back = np.concatenate([0.022 * (np.linspace(0, 1, 14) ** 2.2), np.linspace(0.022, 0.115, 9)[1:]])
    place = np.concatenate([np.linspace(0, half, 14), half + np.linspace(0, 0.093, 9)[1:]])
    x = np.concatenate([-across[:0:-1], across])
    y = front - 0.006 + np.concatenate([back[:0:-1], back])
    s = np.concatenate([-place[:0:-1], place])
    z = np.linspace(-0.024, 0.022, 12)
    grid = np.stack(np.broadcast_arrays(x[None], y[None], (eye[2] + z)[:, None]), axis=-1)
    attributes = np.zeros((*grid.shape[:2], 6), np.float32)
    attributes[..., 0], attributes[..., 2] = s[None], z[:, None]
    count = len(x)
    r, c = np.meshgrid(np.arange(len(z) - 1), np.arange(count - 1), indexing="ij")
    a = (r * count + c).ravel()
    faces = np.concatenate([np.stack([a, a + 1, a + count + 1], 1), np.stack([a, a + count + 1, a + count], 1)])
    posed = with_head(grid.reshape(-1, 3), rig)
    return trim(Surface(posed, faces, attributes.reshape(-1, 6), *_glasses(hair, float(eye[0]), half)))


def _glasses(hair: Hair, eye: float, half: float) -> tuple[Callable[[FloatArray], BoolArray], Callable[[Hits], Look]]:
    """Where glasses exist and what they look like."""
    rim = 0.0026 if hair.glasses == "round" else 0.0034
    power, wide, tall = {"round": (2.0, 0.0225, 0.0205), "square": (5.0, 0.0255, 0.0175), "sun": (3.5, 0.027, 0.0205)}[
        hair.glasses
    ]

    def ring(at: FloatArray) -> FloatArray:
        x, z = (np.abs(at[:, 0]) - eye - 0.001) / wide, (at[:, 2] + 0.001) / tall
        distance: FloatArray = (np.abs(x) ** power + np.abs(z) ** power) ** (1 / power)
        return distance

    def covers(at: FloatArray) -> BoolArray:
        away = ring(at)
        lens = away < 1 if hair.glasses == "sun" else (away < 1) & (away > 1 - rim / tall)
        bridge = (np.abs(at[:, 0]) < eye - wide + 0.004) & (np.abs(at[:, 2] - 0.004) < 0.0016)
        hinge = (np.abs(at[:, 0]) > eye + wide - 0.002) & (np.abs(at[:, 2] - 0.007) < 0.002)
        there: BoolArray = lens | bridge | hinge
        return there

    def look(hits: Hits) -> Look:
        albedo = np.tile(np.asarray(hair.frame_colour, np.float32), (len(hits.at), 1))
        if hair.glasses == "sun":
            inside = ring(hits.at) < 1 - rim / tall
            albedo[inside] = np.array([0.05, 0.045, 0.045], np.float32) + 0.12 * np.clip(
                hits.at[inside, 2:3] * 25, 0, 1
            )
        return Look(albedo, np.full(len(albedo), 0.4, np.float32), np.full(len(albedo), FACE, np.uint8), hits.normal)

    return covers, look
