"""Clothes as surfaces: the body's own mesh pushed outwards, with hems, necklines and cuffs cut per pixel."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from insetgan_renderers.people.cloth import band, cloth_look, patterned
from insetgan_renderers.people.fields import Fields
from insetgan_renderers.people.folds import leg_folds, top_folds
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
    # Over the chest cloth also cuts across what stands out sharply.
    a = fields.attributes
    chest = ramp(a[:, 2], 0.27, 0.33) * (1 - ramp(a[:, 2], 0.4, 0.435)) * (a[:, 3] < -0.2) * (a[:, 1] < -0.03)
    return Posed(vertices, normals, np.clip(depth, -0.008 * chest, 0.02).astype(np.float32), fields)


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

    def shirt(at: FloatArray) -> BoolArray:
        d = at[:, :3] - np.array([0, -0.02, 0.612], np.float32)
        front: BoolArray = (at[:, 1] < -0.02) & (np.abs(at[:, 0]) < 0.33 * (at[:, 2] - 0.535 + 0.035 * depth))
        near: BoolArray = (d**2).sum(axis=1) < 0.072**2
        return near | front

    return {"crew": crew, "scoop": scoop, "v": vee, "high": high, "shirt": shirt}[top.neck]


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
    shorts = ramp(leg, 0.0, bottom.length) * (bottom.length < 1.0) * (0.006 + 0.8 * bottom.fit)
    result: FloatArray = (bottom.fit + straight + thigh + shorts).astype(np.float32)
    return result


def inflate(body: Posed, offset: FloatArray, fill: float = 1.0) -> FloatArray:
    """Vertices pushed outwards by the offset [V], hollows filled."""
    return body.vertices + body.normals * (offset + fill * body.filled)[:, None]


def _seams(at: FloatArray, top: Top) -> FloatArray:
    """How dark the seams, buttons, zips and ribbed hems are, [n] in 0..1."""
    x, y, z, arm = at[:, 0], at[:, 1], at[:, 2], at[:, 3]
    seam = np.zeros(len(at), np.float32)
    if top.sleeve > 0:
        seam = np.maximum(seam, 0.5 * band(arm, top.sleeve - 0.05, 0.006))
    seam = np.maximum(seam, 0.35 * band(arm, 0.0, 0.012) * (top.sleeve > 0) * (z > 0.4))
    on_front = (y < 0) & (arm < 0)
    if top.front == "buttons" and top.opening == 0:
        dots = (np.mod(z, 0.07) < 0.011) & (np.abs(x) < 0.006)
        line = np.abs(np.abs(x) - 0.015) < 0.0018
        seam = np.maximum(seam, (0.9 * dots + 0.45 * line) * on_front)
    if top.front == "zip" and top.opening == 0:
        seam = np.maximum(seam, 0.8 * (np.abs(x) < 0.0035) * on_front)
    if top.name in ("hoodie", "sweater", "bomber"):
        rib = np.maximum(arm > top.sleeve - 0.16, (z < top.hem + 0.045) & (arm < 0))
        seam = np.maximum(seam, rib * (0.18 + 0.18 * np.sin(np.where(arm > 0, at[:, 1] * 900, x * 700))))
    if top.name == "hoodie":
        pouch = (np.abs(x) < 0.115 - 0.5 * np.clip(z - 0.14, 0, 1)) & (z < 0.23) & (z > top.hem + 0.03)
        edge = np.abs(np.abs(x) - (0.115 - 0.5 * np.clip(z - 0.14, 0, 1))) < 0.003
        seam = np.maximum(seam, (0.06 * pouch + 0.6 * (edge & (z < 0.23) & (z > 0.07))) * on_front)
        cord = (np.abs(np.abs(x) - 0.022) < 0.003) & (z > 0.42) & (z < 0.55)
        seam = np.maximum(seam, 0.7 * cord * on_front)
    if top.name in ("blazer", "coat") and top.collar:
        pocket = (np.abs(np.abs(x) - 0.11) < 0.038) & (np.abs(z - 0.13) < 0.004)
        seam = np.maximum(seam, 0.6 * pocket * on_front)
    result: FloatArray = np.clip(seam, 0, 1).astype(np.float32)
    return result


def top_surface(body: Posed, top: Top, offset: FloatArray, seed: int) -> Surface:
    """The surface of a top or jacket."""
    covers = top_covers(top)
    loose = float(np.clip((top.fit - 0.003) / 0.018, 0.1, 1))

    def look(hits: Hits) -> Look:
        albedo = patterned(hits.at, top.pattern, top.colour, top.second, top.scale)
        dark = np.float32(0.45) if np.mean(top.colour) > 0.25 else np.float32(-0.7)
        albedo = np.clip(albedo * (1 - dark * _seams(hits.at, top)[:, None]), 0, 1)
        if top.name == "sweater":
            knit = np.sin(hits.at[:, 0] * 520) * np.sin(hits.at[:, 2] * 420)
            albedo = (albedo * (1 + 0.06 * knit)[:, None]).astype(np.float32)
        folds = top_folds(hits.at, seed, loose, max(top.hem, 0.05))
        return cloth_look(hits, albedo, 0.05, seed, 0.04 + 1.5 * top.fit, folds)

    return trim(Surface(inflate(body, offset), body.fields.faces["top"], body.fields.attributes, covers, look))


def collar_surface(body: Posed, top: Top, offset: FloatArray, seed: int) -> Surface | None:
    """A shirt's collar, a hood lying on the back or a jacket's lapels: a second layer over the top; None without."""
    if not top.collar:
        return None
    z_top, reach = {"shirt": (0.60, 0.17), "hood": (0.6, 0.15), "lapel": (0.605, 1.0)}[top.collar]
    centre = np.array([0, -0.02, z_top], np.float32)
    distance = np.linalg.norm(body.fields.attributes[:, :3] - centre, axis=1)
    lift = {"shirt": 0.008, "hood": 0.030, "lapel": 0.006}[top.collar]
    raised = offset + lift * (1 - ramp(distance, 0.8 * reach, 1.05 * reach) * (0.7 if top.collar == "hood" else 0.0))
    open_neck = neckline(top)

    def covers(at: FloatArray) -> BoolArray:
        away = np.sqrt(((at[:, :3] - centre) ** 2).sum(axis=1))
        x = np.abs(at[:, 0])
        if top.collar == "shirt":
            point = (at[:, 1] < -0.02) & (x > 0.004) & (x < 0.075) & (at[:, 2] > 0.485 + 0.5 * x)
            there = ((away < 0.088) & (at[:, 1] > -0.03)) | point
        elif top.collar == "hood":
            there = (away < reach + 0.02 * np.clip(at[:, 1] * 20, -1, 1)) & (x > 0.008)
        else:
            inner = max(top.opening, 0.55 * 0.5)
            slope = np.clip((at[:, 2] - 0.26) / 0.3, 0, 1)
            width = 0.062 * slope * (1 - 0.45 * (np.abs(at[:, 2] - 0.475) < 0.006))
            gap = top.opening if top.opening > 0 else 0.0
            edge = np.maximum(gap, 0.55 * (at[:, 2] - 0.41) * 0.99)
            there = (at[:, 1] < -0.01) & (x > edge - 0.002 * inner) & (x < edge + width) & (at[:, 2] > 0.27)
            there |= (away < 0.1) & (at[:, 1] > -0.03)
        result: BoolArray = there & ~open_neck(at) & (at[:, 3] < 0.0)
        return result

    def look(hits: Hits) -> Look:
        albedo = patterned(hits.at, top.pattern, top.colour, top.second, top.scale) * np.float32(0.9)
        return cloth_look(hits, albedo, 0.05, seed + 7, 0.03)

    return trim(Surface(inflate(body, raised), body.fields.faces["top"], body.fields.attributes, covers, look))


def _hanging(body: Posed, offset: FloatArray) -> FloatArray:
    """Vertices of trousers: at the ankle they are pushed out sideways only, or the hem would follow the foot."""
    way = body.normals.copy()
    way[:, 2] *= 1 - ramp(body.fields.attributes[:, 4], 1.5, 1.8)
    way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 0.3)
    vertices: FloatArray = body.vertices + way * (offset + 0.8 * body.filled)[:, None]
    return vertices


def trousers_surface(body: Posed, bottom: Bottom, offset: FloatArray, seed: int) -> Surface:
    """The surface of trousers or shorts."""

    def covers(at: FloatArray) -> BoolArray:
        return (at[:, 2] < bottom.waist) & (at[:, 4] < bottom.length)

    def look(hits: Hits) -> Look:
        at = hits.at
        albedo = patterned(at, bottom.pattern, bottom.colour, bottom.second, bottom.scale)
        front = at[:, 1] < 0
        if bottom.pattern == "denim":
            worn = np.exp(-(((at[:, 4] - 0.5) / 0.4) ** 2)) * np.clip(-hits.normal[:, 1], 0, 1)
            albedo = np.clip(albedo * (1 + 0.3 * worn)[:, None] + (0.05 * worn)[:, None], 0, 1)
            pocket = band(np.hypot(np.abs(at[:, 0]) - 0.15, at[:, 2] - 0.14), 0.07, 0.0025) * (at[:, 2] > 0.05) * front
            albedo *= (1 - 0.3 * pocket)[:, None]
        if bottom.pattern == "cargo":
            box = np.maximum(np.abs(at[:, 4] - 0.75) / 0.16, np.abs(at[:, 1] + 0.01) / 0.05)
            albedo *= (1 - 0.3 * band(box, 1.0, 0.06) * (np.abs(hits.normal[:, 1]) < 0.8))[:, None]
        if bottom.pattern == "side":
            side = (at[:, 4] > 0) & (np.abs(hits.normal[:, 1]) < 0.35)
            albedo[side] = np.asarray(bottom.second, np.float32)
        fly = band(at[:, 0], 0.0, 0.0012) * ((at[:, 2] > -0.02) & (at[:, 1] < 0))
        albedo *= (1 - 0.3 * fly)[:, None]
        _paint_belt(at, bottom, albedo)
        loose = float(np.clip((bottom.fit + bottom.flare - 0.003) / 0.03, 0.15, 1))
        return cloth_look(hits, albedo, 0.04, seed, 0.04 + 1.5 * bottom.fit, leg_folds(at, seed, loose))

    return trim(Surface(_hanging(body, offset), body.fields.faces["bottom"], body.fields.attributes, covers, look))


def _paint_belt(at: FloatArray, bottom: Bottom, albedo: FloatArray) -> None:
    below = bottom.waist - at[:, 2]
    if bottom.belt is None:
        albedo *= (1 - 0.25 * band(below, 0.034, 0.001))[:, None]
        return
    belt = (below < 0.034) & (below > 0.003)
    albedo[belt] = np.asarray(bottom.belt, np.float32)
    buckle = belt & (np.abs(at[:, 0]) < 0.02) & (at[:, 1] < 0)
    albedo[buckle] = np.array([0.75, 0.72, 0.65], np.float32)
