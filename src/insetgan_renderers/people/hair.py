"""Hair: a cap grown from the skull in polar directions, that may fall past the ears as a curtain; tails and buns."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from insetgan_renderers.people.cloth import bumped
from insetgan_renderers.people.fields import Fields
from insetgan_renderers.people.haircut import FALLING, Hair
from insetgan_renderers.people.headform import COLUMNS, Dome, seam_safe, skull_dome, with_head
from insetgan_renderers.people.loft import grid_faces
from insetgan_renderers.people.rig import Rig
from insetgan_renderers.people.surface import FACE, REST, BoolArray, Hits, Look, Surface, trim
from insetgan_renderers.people.template import FloatArray, IntArray

_CAP, _FALL = 26, 22
_TURN = 100.0
# Azimuth from the face (degrees) -> polar angle from the crown (degrees) down to which hair grows.
_HAIRLINE = ((0, 30, 48, 60, 70, 80, 88, 105, 118, 140, 180), (50, 51, 57, 74, 96, 100, 84, 84, 110, 126, 130))
_RECEDING = (0, 8, 24, 26, 10, 0, 0, 0, 0, 0, 0)
_FUZZY = ("curly", "afro", "curls")
_Mesh = tuple[FloatArray, FloatArray, IntArray]


def _noise(p: npt.NDArray[Any], q: npt.NDArray[Any], phase: float) -> FloatArray:
    """Lumps of curls over the dome, about -1 to 1."""
    a = np.sin(9 * q + 3 * np.sin(5 * p + phase)) * np.sin(14 * p + 2 * np.sin(4 * q + phase))
    b = np.sin(17 * q + 2 * phase + 2 * np.sin(9 * p)) * np.sin(25 * p + phase)
    result: FloatArray = (0.6 * a + 0.4 * b).astype(np.float32)
    return result


def _thickness(dome: Dome, hair: Hair) -> FloatArray:
    p, q, way = dome.polar, dome.azimuth, dome.way
    thick = hair.volume + hair.top * np.exp(-((p - 0.35) ** 2) / 0.5)
    if hair.kind == "quiff":
        front = np.exp(-((q / 0.9) ** 2)) * np.exp(-(((p - 0.72) / 0.25) ** 2))
        thick = (hair.volume + 0.5 * hair.top) * (1 - 0.75 * np.clip((p - 0.85) / 0.35, 0, 1)) + hair.top * 0.8 * front
    if hair.kind in _FUZZY:
        thick = thick * (1 + (0.12 if hair.kind == "afro" else 0.32) * _noise(p, q, 9 * hair.part))
    else:
        thick = thick * (1 + 0.12 * np.sin(3 * q + 9 * hair.part) * np.sin(p * 2) + 0.07 * np.sin(7 * q + 5 * p))
    if hair.kind in ("side", *FALLING):
        parting = np.exp(-((way[..., 0] - 0.5 * hair.part * np.sin(p)) ** 2) / 0.0015) * (way[..., 2] > 0.3)
        thick = thick * (1 - 0.4 * parting) + 0.006 * np.sign(hair.part) * -way[..., 0]
    falls = hair.kind in FALLING
    if falls:
        thick = thick + 0.012 * np.clip((p - 0.9) / 0.8, 0, 1)
    if hair.kind == "afro":
        thick = thick * (1 - 0.6 * np.clip((p - 1.25) / 0.6, 0, 1))
    # Hair lies flat where it grows out of the skin, but for a fringe.
    edge = np.interp(np.abs(np.degrees(q)), _HAIRLINE[0], _HAIRLINE[1]) - np.degrees(p)
    flat = np.clip(0.2 + edge / (7 if hair.kind == "afro" else 14), 0.2, 1)
    if hair.fringe == 0:
        near = np.abs(np.degrees(q)) < (hair.opening - 8 if falls else 360)
        thick = np.where(near, thick * flat, thick)
    if hair.hat:
        thick = np.minimum(thick, 0.006 + 0.012 * np.clip((np.degrees(p) - 70) / 15, 0, 1))
    result: FloatArray = np.maximum(thick, 0.002).astype(np.float32)
    return result


def _cap(vertices: FloatArray, fields: Fields, hair: Hair) -> tuple[FloatArray, FloatArray]:
    """Cap and curtain before posing: points [rows, columns, 3] and attributes (azimuth, polar) in degrees."""
    falls = hair.kind in FALLING
    polar = np.linspace(0, _TURN, _CAP)
    if not falls:
        polar = np.concatenate([polar, np.linspace(_TURN, 130, 8)[1:]])
    dome = skull_dome(vertices, fields, polar.astype(np.float32))
    points = dome.points(_thickness(dome, hair))
    degrees = np.stack([np.degrees(dome.azimuth), np.degrees(dome.polar)], axis=-1).astype(np.float32)
    if not falls:
        return points, degrees
    drop = np.linspace(0, hair.length, _FALL)[1:, None]
    last, q = points[-1], dome.azimuth[-1]
    shape: npt.NDArray[Any] = (
        1 + 0.10 * np.sin(np.clip(drop / 0.1, 0, 1) * np.pi) - 0.16 * np.clip((drop - 0.06) / 0.12, 0, 1)
    )
    if hair.kind == "wavy":
        shape = shape + 0.10 * np.clip(drop / 0.05, 0, 1) * np.sin(drop * 75 + 2.0 * np.sin(3 * q) + 9 * hair.part)
    if hair.kind == "curls":
        shape = shape + 0.12 + 0.13 * np.clip(drop / 0.04, 0, 1) * _noise(drop * 9, q[None], 9 * hair.part)
    fall = np.repeat(last[None], _FALL - 1, axis=0)
    fall[..., :2] = dome.centre[:2] + (last[None, :, :2] - dome.centre[:2]) * shape[..., None]
    fall[..., 2] = last[None, :, 2] - drop
    below = np.stack(np.broadcast_arrays(degrees[-1, :, 0][None], _TURN + drop * 1000), axis=-1)
    return (
        np.concatenate([points, fall]).astype(np.float32),
        np.concatenate([degrees, below]).astype(np.float32),
    )


def _strands(azimuth: FloatArray, phase: float) -> FloatArray:
    """A ragged edge, -1 to 1, of strands finer than a pixel and of locks."""
    result: FloatArray = (
        0.4 * np.sin(azimuth * 4.1 + phase)
        + 0.35 * np.sin(azimuth * 1.7 + 2 * phase)
        + 0.25 * np.sin(azimuth * 9.7 + 3 * phase)
    )
    return result


def _covers(hair: Hair) -> Callable[[FloatArray], BoolArray]:
    """Where hair grows, by azimuth and polar angle; tails and buns (attribute 5) are whole."""
    azimuths, limits = (np.array(x, np.float64) for x in _HAIRLINE)
    limits = limits + hair.fringe * 1.3 * np.exp(-((azimuths / 42.0) ** 2))
    if hair.kind == "receding":
        limits = limits - np.array(_RECEDING)
    if hair.kind in FALLING:
        azimuths = np.array([0, 30, hair.opening - 18, hair.opening - 4, hair.opening + 3, 180.0])
        limits = np.array([50.0 + hair.fringe, 52 + hair.fringe, 60 + hair.fringe * 0.5, 80, 1000, 1000])
    end = _TURN + hair.length * 1000
    fuzz = 3.0 if hair.kind in _FUZZY else 1.6

    def covers(at: FloatArray) -> BoolArray:
        azimuth, polar = np.abs(at[:, 3]), at[:, 4]
        ragged = _strands(at[:, 3], 7 * hair.part)
        tip = polar < end - 14 + 9 * ragged + 5 * np.sin(at[:, 3] * 0.5)
        there: BoolArray = (polar < np.interp(azimuth, azimuths, limits) + fuzz * ragged * (polar < 130)) & tip
        return there | (at[:, 5] > 0.5)

    return covers


def hair_look(hair: Hair) -> Callable[[Hits], Look]:
    """Look of hair: strands along the fall, bright and dark, a soft band of shine, roots a little darker."""
    base = np.asarray(hair.colour, np.float32)
    fuzzy = hair.kind in _FUZZY

    def look(hits: Hits) -> Look:
        along, polar = np.radians(hits.at[:, 3]), hits.at[:, 4]
        if fuzzy:
            spot = hits.at[:, :3] * 310
            strands = np.sin(spot[:, 0] + 2 * np.sin(spot[:, 2])) * np.sin(spot[:, 2] * 1.3 + 2 * np.sin(spot[:, 1]))
            shine = np.zeros_like(strands)
        else:
            bend = 2.2 * np.sin(polar * 0.035 + 9 * hair.part)
            strands = (
                0.4 * np.sin(along * 19 + bend) + 0.35 * np.sin(along * 47 + 2 * bend) + 0.25 * np.sin(along * 101)
            )
            level = 42 + 4 * np.sin(along * 13) + 5 * strands
            shine = np.exp(-(((polar - level) / 11) ** 2)) + 0.6 * np.exp(-(((polar - 150 - 8 * strands) / 28) ** 2))
        albedo = base * (1 + 0.26 * strands + 0.35 * shine * (0.7 + 0.3 * strands))[:, None]
        albedo = albedo + (0.05 * shine)[:, None].astype(np.float32)
        side = np.stack([np.cos(along), np.sin(along), np.zeros_like(along)], axis=1).astype(np.float32)
        normal = bumped(hits.normal, side * (0.3 * strands)[:, None].astype(np.float32))
        labels = np.where(polar < _TURN + 105, FACE, REST).astype(np.uint8)
        gloss = np.full(len(albedo), 0.05 if fuzzy else 0.2, np.float32)
        return Look(np.clip(albedo, 0, 1).astype(np.float32), gloss, labels, normal)

    return look


def hair_surface(
    vertices: FloatArray, rig: Rig, fields: Fields, hair: Hair, obstacle: FloatArray, normals: FloatArray
) -> Surface | None:
    """The posed hair, draped over obstacle points [n, 3] with unit normals; None for the bald."""
    if hair.kind == "bald":
        return None
    points, degrees = _cap(vertices, fields, hair)
    flat = points.reshape(-1, 3)
    posed = with_head(flat, rig)
    attributes = np.zeros((len(posed), 6), np.float32)
    attributes[:, :3] = flat
    attributes[:, 3:5] = degrees.reshape(-1, 2)
    if hair.kind in FALLING:
        posed = _drape(posed, attributes[:, 4] > _TURN + 40, obstacle, normals, 0.022)
    attributes, faces, posed = seam_safe(attributes, grid_faces(points.shape[0], COLUMNS)[:, ::-1], posed)
    meshes: list[_Mesh] = [(posed, attributes, faces)]
    crown, nape = points[0, 0], points[18, 0]
    if hair.kind == "bun" and not hair.hat:
        meshes.append(_ball(rig, crown + np.array([0, 0.03, 0.018 + 0.2 * hair.top], np.float32)))
    sides = {"ponytail": (float(np.sign(hair.part)),), "braids": (1.0, -1.0)}.get(hair.kind, ())
    meshes += [_tail(rig, nape, crown, side, hair, obstacle, normals) for side in sides]
    starts = np.cumsum([0] + [len(mesh[0]) for mesh in meshes])
    return trim(
        Surface(
            np.concatenate([mesh[0] for mesh in meshes]),
            np.concatenate([mesh[2] + start for mesh, start in zip(meshes, starts, strict=False)]),
            np.concatenate([mesh[1] for mesh in meshes]),
            _covers(hair),
            hair_look(hair),
        )
    )


def _drape(posed: FloatArray, loose: BoolArray, obstacle: FloatArray, normals: FloatArray, gap: float) -> FloatArray:
    posed = posed.copy()
    tree = cKDTree(obstacle)
    for _ in range(3):
        _, nearest = tree.query(posed[loose])
        apart = np.einsum("ij,ij->i", posed[loose] - obstacle[nearest], normals[nearest])
        posed[loose] += normals[nearest] * np.clip(gap - apart, 0, 0.12)[:, None]
    return posed


def _ball(rig: Rig, centre: FloatArray) -> _Mesh:
    p, q = np.meshgrid(np.linspace(0, np.pi, 14), np.linspace(-np.pi, np.pi, COLUMNS, endpoint=False), indexing="ij")
    ball = np.stack([np.sin(p) * np.sin(q), -np.sin(p) * np.cos(q), 0.85 * np.cos(p)], axis=-1).reshape(-1, 3) * 0.043
    local = (ball + centre).astype(np.float32)
    attributes = np.zeros((len(ball), 6), np.float32)
    attributes[:, :3] = local
    attributes[:, 3] = np.degrees(q).ravel()
    attributes[:, 5] = 1
    return with_head(local, rig), attributes, grid_faces(14, COLUMNS)[:, ::-1]


def _tail(
    rig: Rig, nape: FloatArray, crown: FloatArray, side: float, hair: Hair, obstacle: FloatArray, normals: FloatArray
) -> _Mesh:
    """A tail or braid from the back of the head over a shoulder to the chest."""
    back, tied = float(nape[1]), hair.kind == "ponytail"
    start = [0.015 * side, back + 0.005, float(crown[2]) - 0.09] if tied else [0.06 * side, back - 0.02, 0.72]
    knots = np.array(
        [start, [0.075 * side, back + 0.005, 0.66], [0.1 * side, -0.02, 0.6], [0.095 * side, -0.1, 0.5],
         [0.09 * side, -0.13, 0.4]]
    )  # fmt: skip
    rows, around = 30, 16
    t = np.linspace(0, len(knots) - 1, rows)
    path = np.stack([np.interp(t, np.arange(len(knots)), knots[:, k]) for k in range(3)], axis=1)
    for _ in range(4):
        path[1:-1] = 0.25 * path[:-2] + 0.5 * path[1:-1] + 0.25 * path[2:]
    posed = with_head(path.astype(np.float32), rig)
    posed = _drape(posed, t > 1.2, obstacle, normals, 0.026)
    radius = 0.021 * np.interp(t, [0, 0.3, 2.5, 4], [0.6, 1.1, 0.9, 0.25])
    if not tied:
        radius = 0.019 * np.interp(t, [0, 3.6, 4], [1, 0.8, 0.3]) * (1 + 0.16 * np.abs(np.sin(t * 9)))
    turn = np.linspace(-np.pi, np.pi, around, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn) * 0.8, 0 * turn], axis=1)
    vertices = posed[:, None] + radius[:, None, None] * ring[None]
    attributes = np.zeros((rows, around, 6), np.float32)
    attributes[..., :3] = path[:, None]
    attributes[..., 3] = np.degrees(turn)[None] * 0.98
    attributes[..., 4] = (60 + np.linspace(0, 400, rows) * (0.6 if tied else 0.8))[:, None]
    attributes[..., 5] = 1
    return (
        vertices.reshape(-1, 3).astype(np.float32),
        attributes.reshape(-1, 6),
        grid_faces(rows, around)[:, ::-1],
    )
