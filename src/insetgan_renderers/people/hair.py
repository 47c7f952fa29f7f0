"""Hair: a cap grown from the skull in polar directions, that may fall past the ears as a curtain."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from insetgan_renderers.people.body import Traits
from insetgan_renderers.people.cloth import bumped
from insetgan_renderers.people.fields import Fields
from insetgan_renderers.people.loft import grid_faces
from insetgan_renderers.people.rig import Rig
from insetgan_renderers.people.surface import FACE, REST, BoolArray, Hits, Look, Surface, trim
from insetgan_renderers.people.template import FloatArray
from insetgan_renderers.people.wardrobe import Colour

_COLOURS: tuple[Colour, ...] = (
    (0.06, 0.05, 0.05), (0.11, 0.08, 0.06), (0.2, 0.13, 0.09), (0.32, 0.21, 0.13), (0.5, 0.35, 0.2),
    (0.72, 0.56, 0.34), (0.42, 0.18, 0.09),
)  # fmt: skip
_GREYS: tuple[Colour, ...] = ((0.75, 0.74, 0.72), (0.55, 0.54, 0.53), (0.4, 0.39, 0.38))
_COLUMNS, _CAP, _FALL = 72, 26, 22
_TURN = 100.0
# Azimuth from the face (degrees) -> polar angle from the crown (degrees) down to which hair grows.
_HAIRLINE = ((0, 30, 48, 60, 70, 80, 88, 105, 118, 140, 180), (50, 51, 57, 74, 96, 100, 84, 84, 110, 126, 130))


@dataclass(frozen=True)
class Hair:
    """A haircut: lengths in metres, angles in degrees; ``fringe`` is how far it comes down the forehead."""

    kind: str
    colour: Colour
    volume: float
    top: float
    part: float
    fringe: float
    length: float
    opening: float
    beard: float


def sample_hair(rng: np.random.Generator, traits: Traits) -> Hair:
    """Draw a haircut and its colour; grey comes with age."""
    if traits.female:
        kind = str(rng.choice(["long", "bob", "bun", "short", "tied"], p=[0.38, 0.24, 0.13, 0.12, 0.13]))
    else:
        bald = 0.06 + 0.14 * max(0.0, (traits.age - 40) / 40)
        kind = str(rng.choice(["bald", "buzz", "short", "side", "long"], p=[bald, 0.14, 0.4, 0.42 - bald, 0.04]))
    grey = rng.random() < np.clip((traits.age - 42) / 25, 0, 0.95)
    dark = traits.race["african"] + traits.race["asian"] > 0.6
    pool = _GREYS if grey else (_COLOURS[:3] if dark else _COLOURS)
    base = pool[int(rng.integers(len(pool)))]
    factor = rng.uniform(0.85, 1.15)
    beard = 0.0
    if not traits.female and rng.random() < 0.45:
        beard = float(rng.choice([rng.uniform(0.15, 0.4), rng.uniform(0.6, 0.9)]))
    return Hair(
        kind=kind,
        colour=(base[0] * factor, base[1] * factor, base[2] * factor),
        volume={"bald": 0.0, "buzz": 0.003, "short": 0.011, "side": 0.014, "tied": 0.009, "bun": 0.009}.get(kind, 0.016)
        * float(rng.uniform(0.8, 1.25)),
        top=float(rng.uniform(0.0, 0.022)) if kind in ("short", "side", "bob", "long") else 0.003,
        part=float(rng.choice([-1.0, 1.0]) * rng.uniform(0.15, 0.6)),
        fringe=float(rng.uniform(10, 19)) if kind in ("bob", "long", "short") and rng.random() < 0.25 else 0.0,
        length=float(rng.uniform(0.07, 0.13) if kind == "bob" else rng.uniform(0.18, 0.36)),
        opening=float(rng.uniform(58, 74)),
        beard=beard,
    )


def _radii(head: FloatArray, centre: FloatArray, directions: FloatArray) -> FloatArray:
    """Soft distance from the centre to the skull in each direction."""
    spokes = head - centre
    reach = np.linalg.norm(spokes, axis=1)
    closeness = directions @ (spokes / reach[:, None]).T
    weight = np.exp((closeness - 1) * 90) + 1e-12
    radii: FloatArray = (weight @ reach / weight.sum(axis=1)).astype(np.float32)
    return radii


def _cap(vertices: FloatArray, fields: Fields, hair: Hair) -> tuple[FloatArray, FloatArray]:
    """Cap and curtain before posing: points [rows, columns, 3] and attributes (azimuth, polar) in degrees."""
    skull = vertices[fields.skull_rows]
    centre = np.array([0.0, 0, 0], np.float32)
    centre[1] = 0.5 * (skull[:, 1].min() + skull[:, 1].max()) + 0.008
    centre[2] = skull[:, 2].max() - 0.105
    falls = hair.kind in ("bob", "long")
    polar = np.linspace(0, _TURN, _CAP)
    if not falls:
        polar = np.concatenate([polar, np.linspace(_TURN, 130, 8)[1:]])
    azimuth = np.linspace(-180, 180, _COLUMNS, endpoint=False)
    p, q = np.meshgrid(np.radians(polar), np.radians(azimuth), indexing="ij")
    way = np.stack([np.sin(p) * np.sin(q), -np.sin(p) * np.cos(q), np.cos(p)], axis=-1).astype(np.float32)
    radii = _radii(skull[::5], centre, way[:, ::2].reshape(-1, 3)).reshape(len(polar), -1)
    radii = np.stack([radii, 0.5 * (radii + np.roll(radii, -1, axis=1))], axis=2).reshape(p.shape)
    thick = hair.volume + hair.top * np.exp(-((p - 0.35) ** 2) / 0.5)
    thick = thick * (1 + 0.16 * np.sin(3 * q + 9 * hair.part) * np.sin(p * 2) + 0.1 * np.sin(7 * q + 5 * p))
    if hair.kind in ("side", "bob", "long"):
        parting = np.exp(-((way[..., 0] - 0.5 * hair.part * np.sin(p)) ** 2) / 0.0015) * (way[..., 2] > 0.3)
        thick = thick * (1 - 0.4 * parting) + 0.006 * np.sign(hair.part) * -way[..., 0]
    if falls:
        thick = thick + 0.012 * np.clip((p - 0.9) / 0.8, 0, 1)
    # Hair lies flat where it grows out of the skin, but for a fringe.
    edge = np.interp(np.abs(np.degrees(q)), _HAIRLINE[0], _HAIRLINE[1]) - np.degrees(p)
    if hair.fringe == 0 and (not falls):
        thick = thick * np.clip(0.2 + edge / 16, 0.2, 1)
    elif hair.fringe == 0:
        near = np.abs(np.degrees(q)) < hair.opening - 8
        thick = np.where(near, thick * np.clip(0.2 + edge / 16, 0.2, 1), thick)
    points = centre + way * (radii + np.maximum(thick, 0.002))[..., None]
    degrees = np.stack([np.degrees(q), np.degrees(p)], axis=-1).astype(np.float32)
    if not falls:
        return points.astype(np.float32), degrees
    drop = np.linspace(0, hair.length, _FALL)[1:, None]
    last = points[-1]
    shape = 1 + 0.10 * np.sin(np.clip(drop / 0.1, 0, 1) * np.pi) - 0.16 * np.clip((drop - 0.06) / 0.12, 0, 1)
    fall = np.repeat(last[None], _FALL - 1, axis=0)
    fall[..., :2] = centre[:2] + (last[None, :, :2] - centre[:2]) * shape[..., None]
    fall[..., 2] = last[None, :, 2] - drop
    below = np.stack(np.broadcast_arrays(degrees[-1, :, 0][None], _TURN + drop * 1000), axis=-1)
    return (
        np.concatenate([points, fall]).astype(np.float32),
        np.concatenate([degrees, below]).astype(np.float32),
    )


def _covers(hair: Hair) -> Callable[[FloatArray], BoolArray]:
    """Where hair grows, by azimuth and polar angle."""
    azimuths, limits = (np.array(x, np.float64) for x in _HAIRLINE)
    limits = limits + hair.fringe * 1.3 * np.exp(-((azimuths / 42.0) ** 2))
    if hair.kind in ("bob", "long"):
        azimuths = np.array([0, 30, hair.opening - 18, hair.opening - 4, hair.opening + 3, 180.0])
        limits = np.array([50.0 + hair.fringe, 52 + hair.fringe, 60 + hair.fringe * 0.5, 80, 1000, 1000])
    end = _TURN + hair.length * 1000

    def covers(at: FloatArray) -> BoolArray:
        azimuth, polar = np.abs(at[:, 3]), at[:, 4]
        ragged = 1.0 * np.sin(at[:, 3] * 0.9) + 0.6 * np.sin(at[:, 3] * 2.3 + 1)
        tip = polar < end - 14 + 5 * np.sin(at[:, 3] * 0.5) + 3 * ragged
        there: BoolArray = (polar < np.interp(azimuth, azimuths, limits) + ragged * (polar < 95)) & tip
        return there

    return covers


def hair_look(colour: Colour) -> Callable[[Hits], Look]:
    """Look of hair: strands along the fall, bright and dark."""
    base = np.asarray(colour, np.float32)

    def look(hits: Hits) -> Look:
        along = np.radians(hits.at[:, 3])
        strands = 0.5 * np.sin(along * 23 + 2 * np.sin(hits.at[:, 4] * 0.06)) + 0.3 * np.sin(along * 51 + 1)
        albedo = base * (1 + 0.22 * strands[:, None])
        side = np.stack([np.cos(along), np.sin(along), np.zeros_like(along)], axis=1).astype(np.float32)
        normal = bumped(hits.normal, side * (0.25 * np.cos(along * 23))[:, None].astype(np.float32))
        labels = np.where(hits.at[:, 4] < _TURN + 105, FACE, REST).astype(np.uint8)
        return Look(np.clip(albedo, 0, 1).astype(np.float32), np.full(len(albedo), 0.22, np.float32), labels, normal)

    return look


def _seam_safe(
    attributes: FloatArray, faces: np.ndarray, vertices: FloatArray
) -> tuple[FloatArray, np.ndarray, FloatArray]:
    """Duplicate the column at azimuth -180 as +180, or interpolation would run through 0 there."""
    wraps = (attributes[faces][:, :, 3].max(axis=1) > 90) & (attributes[faces][:, :, 3].min(axis=1) < -150)
    faces = faces.copy()
    extra = np.flatnonzero(attributes[:, 3] == -180)
    number = np.arange(len(attributes))
    number[extra] = len(attributes) + np.arange(len(extra))
    faces[wraps] = number[faces[wraps]]
    copies = attributes[extra].copy()
    copies[:, 3] = 180
    return np.concatenate([attributes, copies]), faces, np.concatenate([vertices, vertices[extra]])


def hair_surface(
    vertices: FloatArray, rig: Rig, fields: Fields, hair: Hair, obstacle: FloatArray, normals: FloatArray
) -> Surface | None:
    """The posed hair, draped over obstacle points [n, 3] with unit normals; None for the bald."""
    if hair.kind == "bald":
        return None
    points, degrees = _cap(vertices, fields, hair)
    rows = points.shape[0]
    flat = points.reshape(-1, 3).astype(np.float64)
    bone = rig.index("head")
    posed = (flat @ rig.linear[bone].T + rig.offset[bone]).astype(np.float32)
    attributes = np.zeros((len(posed), 6), np.float32)
    attributes[:, :3] = flat
    attributes[:, 3:5] = degrees.reshape(-1, 2)
    if hair.kind in ("bob", "long"):
        posed = _drape(posed, attributes[:, 4] > _TURN + 40, obstacle, normals)
    attributes, faces, posed = _seam_safe(attributes, grid_faces(rows, _COLUMNS)[:, ::-1], posed)
    if hair.kind == "bun":
        posed, attributes, faces = _add_bun(posed, attributes, faces, rig, points[0, 0], hair)
    return trim(Surface(posed, faces, attributes, _covers(hair), hair_look(hair.colour)))


def _drape(posed: FloatArray, loose: BoolArray, obstacle: FloatArray, normals: FloatArray) -> FloatArray:
    posed = posed.copy()
    tree = cKDTree(obstacle)
    for _ in range(3):
        _, nearest = tree.query(posed[loose])
        gap = np.einsum("ij,ij->i", posed[loose] - obstacle[nearest], normals[nearest])
        posed[loose] += normals[nearest] * np.clip(0.022 - gap, 0, 0.12)[:, None]
    return posed


def _add_bun(
    posed: FloatArray, attributes: FloatArray, faces: np.ndarray, rig: Rig, crown: FloatArray, hair: Hair
) -> tuple[FloatArray, FloatArray, np.ndarray]:
    p, q = np.meshgrid(np.linspace(0, np.pi, 14), np.linspace(-np.pi, np.pi, _COLUMNS, endpoint=False), indexing="ij")
    ball = np.stack([np.sin(p) * np.sin(q), -np.sin(p) * np.cos(q), 0.85 * np.cos(p)], axis=-1).reshape(-1, 3) * 0.043
    local = ball + crown + np.array([0, 0.03, 0.018 + 0.2 * hair.top])
    bone = rig.index("head")
    more = np.zeros((len(ball), 6), np.float32)
    more[:, :3] = local
    more[:, 3] = np.degrees(q).ravel()
    return (
        np.concatenate([posed, (local @ rig.linear[bone].T + rig.offset[bone]).astype(np.float32)]),
        np.concatenate([attributes, more]),
        np.concatenate([faces, grid_faces(14, _COLUMNS)[:, ::-1] + len(posed)]),
    )
