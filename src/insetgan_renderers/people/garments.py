"""Clothes as surfaces: the body's own mesh pushed outwards, with hems, necklines and cuffs cut per pixel."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from insetgan_renderers.people.cloth import band, cloth_look, patterned
from insetgan_renderers.people.fields import Fields
from insetgan_renderers.people.surface import BoolArray, Hits, Look, Surface, trim, vertex_normals
from insetgan_renderers.people.template import FloatArray
from insetgan_renderers.people.wardrobe import Bottom, Top


@dataclass(frozen=True)
class Posed:
    """The posed body: positions and normals [V, 3], filled = how far a vertex lies below its smoothed surface."""

    vertices: FloatArray
    normals: FloatArray
    filled: FloatArray
    fields: Fields


def posed_body(vertices: FloatArray, fields: Fields) -> Posed:
    """Normals and concavities of the posed body (cloth spans hollows: navel, cleavage, muscle relief)."""
    soft = vertices
    for _ in range(14):
        soft = fields.smooth @ soft
    normals = vertex_normals(soft, fields.faces["skin"])
    depth = np.einsum("ij,ij->i", soft - vertices, normals)
    for _ in range(2):
        depth = fields.smooth @ depth
    return Posed(vertices, normals, np.clip(depth, 0, 0.02).astype(np.float32), fields)


def ramp(value: FloatArray, low: float, high: float) -> FloatArray:
    """Smooth step from 0 at low to 1 at high."""
    t = np.clip((value - low) / (high - low), 0, 1)
    result: FloatArray = (t * t * (3 - 2 * t)).astype(np.float32)
    return result


def neckline(top: Top) -> Callable[[FloatArray], BoolArray]:
    """Where the neck opening is (True: no cloth)."""
    depth = top.depth

    def crew(at: FloatArray) -> BoolArray:
        d = at[:, :3] - np.array([0, -0.02, 0.605 + 0.01 * depth], np.float32)
        near: BoolArray = (d**2).sum(axis=1) < (0.079 + 0.008 * depth) ** 2
        return near

    def scoop(at: FloatArray) -> BoolArray:
        x, y, z = at[:, 0] / 0.1, (at[:, 1] + 0.045) / 0.12, (at[:, 2] - 0.6) / (0.12 + 0.05 * depth)
        inside: BoolArray = (x * x + y * y + z * z) < 1
        return inside

    def vee(at: FloatArray) -> BoolArray:
        tip = 0.44 - 0.06 * depth
        front: BoolArray = (at[:, 1] < -0.02) & (np.abs(at[:, 0]) < 0.55 * (at[:, 2] - tip) * 0.09 / 0.05 * 0.55)
        return crew(at) | (front & (at[:, 2] > tip))

    def high(at: FloatArray) -> BoolArray:
        above: BoolArray = at[:, 2] + 0.35 * at[:, 1] > 0.622 + 0.008 * depth
        return above

    return {"crew": crew, "scoop": scoop, "v": vee, "high": high}[top.neck]


def _armhole(at: FloatArray) -> BoolArray:
    """Beyond the armhole of a sleeveless top: a plane from the shoulder's tip to the armpit."""
    beyond: BoolArray = (np.abs(at[:, 0]) > 0.132 + (0.565 - at[:, 2]) * 0.11) & (at[:, 3] > -0.75)
    return beyond


def top_covers(top: Top) -> Callable[[FloatArray], BoolArray]:
    """Region of a top in body coordinates."""
    open_neck = neckline(top)

    def covers(at: FloatArray) -> BoolArray:
        there = ~open_neck(at) & ((at[:, 2] > top.hem) | (at[:, 3] > 0.0))
        there &= ~_armhole(at) if top.sleeve < 0 else at[:, 3] < top.sleeve
        if top.opening > 0:
            flare = top.opening * (1 + 0.7 * np.clip((0.3 - at[:, 2]) / 0.3, 0, 1))
            there &= ~((at[:, 1] < 0) & (np.abs(at[:, 0]) < flare) & (at[:, 3] < 0))
        return there

    return covers


def top_offset(top: Top, fields: Fields) -> FloatArray:
    """Distance of a top from the skin, [V] metres."""
    a = fields.attributes
    z, arm = a[:, 2], a[:, 3]
    waist = np.exp(-(((z - 0.2) / 0.1) ** 2))
    loose = max(0.0, top.fit - 0.004)
    offset = top.fit + (loose * 1.6) * waist * (0.15 if top.tuck else 1.0)
    loose = min(loose, 0.008)
    cuff = ramp(arm, max(0.05, top.sleeve - 0.9), max(0.3, top.sleeve)) * (1 - ramp(arm, 1.2, 1.9) * 0.85)
    offset = offset + loose * 0.9 * cuff
    # Close to the neck the cloth lies on the skin, or the neckline would float.
    offset = offset - (offset - 0.004) * ramp(z, 0.53, 0.58) * (arm < 0.2)
    if top.tuck:
        offset = offset - (offset - 0.004) * (1 - ramp(z, 0.14, 0.24)) * (arm < 0)
    result: FloatArray = offset.astype(np.float32)
    return result


def bottom_offset(bottom: Bottom, fields: Fields) -> FloatArray:
    """Distance of trousers from the skin, [V] metres."""
    leg = fields.attributes[:, 4]
    straight = ramp(leg, 1.15, 1.9) * (0.6 * bottom.fit + bottom.flare)
    thigh = ramp(leg, 0.1, 0.9) * bottom.flare * 0.5
    result: FloatArray = (bottom.fit + straight + thigh).astype(np.float32)
    return result


def inflate(body: Posed, offset: FloatArray, fill: float = 1.0) -> FloatArray:
    """Vertices pushed outwards by the offset [V], hollows filled."""
    return body.vertices + body.normals * (offset + fill * body.filled)[:, None]


def top_surface(body: Posed, top: Top, offset: FloatArray, seed: int) -> Surface:
    """The surface of a top or jacket."""
    covers = top_covers(top)

    def look(hits: Hits) -> Look:
        albedo = patterned(hits.at, top.pattern, top.colour, top.second, top.scale)
        seam = np.zeros(len(albedo), np.float32)
        if top.sleeve > 0:
            seam = np.maximum(seam, 0.5 * band(hits.at[:, 3], top.sleeve - 0.05, 0.006))
        if top.buttons:
            dots = (np.mod(hits.at[:, 2], 0.07) < 0.011) & (np.abs(hits.at[:, 0]) < 0.006)
            line = np.abs(hits.at[:, 0] - 0.014) < 0.0016
            seam = np.maximum(seam, ((dots | line) & (hits.at[:, 1] < 0)).astype(np.float32))
        albedo = albedo * (1 - 0.35 * seam[:, None])
        return cloth_look(hits, albedo, 0.05, seed, 0.05 + 3 * top.fit)

    return trim(Surface(inflate(body, offset), body.fields.faces["top"], body.fields.attributes, covers, look))


def trousers_surface(body: Posed, bottom: Bottom, offset: FloatArray, seed: int) -> Surface:
    """The surface of trousers or shorts."""

    def covers(at: FloatArray) -> BoolArray:
        return (at[:, 2] < bottom.waist) & (at[:, 4] < bottom.length)

    def look(hits: Hits) -> Look:
        at = hits.at
        albedo = np.tile(np.asarray(bottom.colour, np.float32), (len(at), 1))
        if bottom.pattern == "side":
            side = (at[:, 4] > 0) & (np.abs(hits.normal[:, 1]) < 0.35)
            albedo[side] = np.asarray(bottom.second, np.float32)
        fly = band(at[:, 0], 0.0, 0.0012) * ((at[:, 2] > -0.02) & (at[:, 1] < 0))
        albedo *= (1 - 0.3 * fly)[:, None]
        _paint_belt(at, bottom, albedo)
        return cloth_look(hits, albedo, 0.04, seed, 0.05 + 3 * bottom.fit)

    return trim(Surface(inflate(body, offset, 0.8), body.fields.faces["bottom"], body.fields.attributes, covers, look))


def _paint_belt(at: FloatArray, bottom: Bottom, albedo: FloatArray) -> None:
    below = bottom.waist - at[:, 2]
    if bottom.belt is None:
        albedo *= (1 - 0.25 * band(below, 0.034, 0.001))[:, None]
        return
    belt = (below < 0.034) & (below > 0.003)
    albedo[belt] = np.asarray(bottom.belt, np.float32)
    buckle = belt & (np.abs(at[:, 0]) < 0.02) & (at[:, 1] < 0)
    albedo[buckle] = np.array([0.75, 0.72, 0.65], np.float32)
