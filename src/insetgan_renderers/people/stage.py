"""From a seed to a scene: the person, the clothes, the pose, the light and the camera."""

from dataclasses import dataclass, replace

import numpy as np

from insetgan_renderers.people.arms import apply_arms
from insetgan_renderers.people.backdrop import Backdrop, sample_backdrop
from insetgan_renderers.people.body import Traits, sample_traits, shape_vertices
from insetgan_renderers.people.camera import Camera, frame_person
from insetgan_renderers.people.fields import Fields, load_fields
from insetgan_renderers.people.garments import (
    Posed,
    bottom_offset,
    collar_surface,
    posed_body,
    top_covers,
    top_offset,
    top_surface,
    trousers_surface,
)
from insetgan_renderers.people.hair import hair_surface
from insetgan_renderers.people.haircut import Hair, sample_hair
from insetgan_renderers.people.headwear import glasses_surface, hat_surface
from insetgan_renderers.people.lighting import Light, sample_light
from insetgan_renderers.people.makeup import sample_makeup
from insetgan_renderers.people.paint import eye_surfaces, skin_look, skin_surface
from insetgan_renderers.people.pose import apply_trunk_and_legs
from insetgan_renderers.people.raycast import Scene
from insetgan_renderers.people.rig import Rig, build_rig
from insetgan_renderers.people.shoes import shoe_surfaces, sock_surface
from insetgan_renderers.people.skirt import coat_bottom, skirt_surface
from insetgan_renderers.people.stance import HIDDEN_HANDS, Pose, sample_pose
from insetgan_renderers.people.surface import BoolArray, Surface, used_vertices, vertex_normals
from insetgan_renderers.people.template import FloatArray, load_template
from insetgan_renderers.people.wardrobe import Outfit, sample_outfit

_LOWEST = 0.982


@dataclass(frozen=True)
class Stage:
    """A scene ready to be photographed at any size.

    ``soles`` are points [n, 3] of the soles, ``floor`` is the world z that the shoes stand on.
    """

    scene: Scene
    camera: Camera
    light: Light
    backdrop: Backdrop
    soles: FloatArray
    floor: float


def _dress(body: Posed, outfit: Outfit, seed: int) -> list[Surface]:
    """Surfaces of the clothes from the inside out; outer offsets stay above inner ones."""
    fields = body.fields
    z = fields.attributes[:, 2]
    top = top_offset(outfit.top, fields)
    bottom = bottom_offset(outfit.bottom, fields)
    if outfit.top.tuck:
        bottom = np.maximum(bottom, np.where(z > 0.05, top + 0.005, 0)).astype(np.float32)
    else:
        top = np.maximum(top, np.where(z < 0.25, bottom + 0.006, 0)).astype(np.float32)
    surfaces = [top_surface(body, outfit.top, top, seed), collar_surface(body, outfit.top, top, seed)]
    if outfit.bottom.kind == "skirt":
        surfaces.append(skirt_surface(body, outfit.bottom, bottom, seed + 1))
    else:
        surfaces.append(trousers_surface(body, outfit.bottom, bottom, seed + 1))
    if outfit.jacket is not None:
        outer = np.maximum(top_offset(outfit.jacket, fields), np.maximum(top, bottom * (z < 0.2)) + 0.006)
        outer = outer.astype(np.float32)
        surfaces.append(top_surface(body, outfit.jacket, outer, seed + 2))
        surfaces.append(collar_surface(body, outfit.jacket, outer, seed + 2))
        if outfit.jacket.skirts:
            below = np.maximum(outer, bottom + 0.01).astype(np.float32)
            surfaces.append(
                skirt_surface(body, coat_bottom(outfit.jacket), below, seed + 3, max(outfit.jacket.opening, 0.004))
            )
    return [surface for surface in surfaces if surface is not None]


def _legs_obstacle(body: Posed, outfit: Outfit, seed: int) -> tuple[FloatArray, FloatArray]:
    """Points and normals that arms must keep clear of: trunk and legs, and the skirt if there is one."""
    rows = body.fields.obstacle_rows
    points, normals = body.vertices[rows], body.normals[rows]
    if outfit.bottom.kind == "skirt":
        cloth = skirt_surface(body, outfit.bottom, bottom_offset(outfit.bottom, body.fields), seed)
        points = np.concatenate([points, cloth.vertices])
        normals = np.concatenate([normals, vertex_normals(cloth.vertices, cloth.faces)])
    return points, normals


def _posed(
    rng: np.random.Generator, traits: Traits, outfit: Outfit, fields: Fields, seed: int
) -> tuple[Posed, Rig, FloatArray, Pose]:
    """The posed body, its rig, its unposed vertices and the pose."""
    template = load_template()
    shaped = shape_vertices(template, traits)
    rig = build_rig(template, shaped)
    pose = sample_pose(rng, pockets=outfit.bottom.kind == "trousers")
    apply_trunk_and_legs(rig, pose)
    half = rig.skin(shaped)
    legs = Posed(half, vertex_normals(half, fields.faces["skin"]), np.zeros(len(half), np.float32), fields)
    points, normals = _legs_obstacle(legs, outfit, seed)
    clearance = 0.016 + outfit.top.fit + (0.012 if outfit.jacket is not None else 0.0)
    faces = fields.faces["skin"]
    apply_arms(rig, pose, shaped, fields.arm_rows, fields.fore_rows, faces, points, normals, clearance)
    return posed_body(rig.skin(shaped), fields), rig, shaped, pose


def _under_cloth(fields: Fields, outfit: Outfit) -> BoolArray:
    """Vertices [V] well inside shoes, top or trousers, where skin could only poke through."""
    at = fields.attributes
    hidden = at[:, 4] > 2.11
    slack = replace(outfit.top, hem=outfit.top.hem + 0.03)
    sleeve = outfit.top.sleeve - 0.08 if outfit.top.sleeve > 0 else -0.3
    hidden |= top_covers(slack)(at) & (at[:, 3] < sleeve) & (at[:, 2] < 0.45)
    if outfit.bottom.kind == "trousers":
        hidden |= (at[:, 2] < outfit.bottom.waist - 0.03) & (at[:, 4] < outfit.bottom.length - 0.1) & (at[:, 3] < -0.5)
    result: BoolArray = hidden
    return result


def _in_pockets(fields: Fields, pose: Pose) -> BoolArray:
    """Vertices [V] of the hands that are inside a pocket."""
    x, arm = fields.attributes[:, 0], fields.attributes[:, 3]
    hidden = np.zeros(len(x), np.bool_)
    for sign, chosen in ((1, pose.arms[0]), (-1, pose.arms[1])):
        if chosen.kind in HIDDEN_HANDS:
            hidden |= (arm > 1.92) & (x * sign > 0)
    return hidden


def _surfaces(
    rng: np.random.Generator, traits: Traits, outfit: Outfit, body: Posed, folds: int, floor: float, hair: Hair,
    pocketed: BoolArray,
) -> list[Surface]:  # fmt: skip
    """Skin, eyes, clothes, shoes and socks. The skin comes first."""
    fields = body.fields
    hidden = _under_cloth(fields, outfit) | pocketed
    hidden |= (fields.attributes[:, 4] > 1.2) & (body.vertices[:, 2] < floor + outfit.shoes.height - 0.022)
    surfaces = [skin_surface(body, skin_look(sample_makeup(rng, traits), hair, None), hidden)]
    surfaces += eye_surfaces(load_template(), body.vertices, fields, rng)
    surfaces += _dress(body, outfit, folds)
    surfaces += shoe_surfaces(body, outfit.shoes, floor)
    if outfit.shoes.sock is not None:
        surfaces.append(sock_surface(body, outfit.shoes))
    return surfaces


def build_stage(seed: int) -> Stage:
    """Sample a person, an outfit, a pose and a studio from a seed; the camera is framed for an image 1 pixel high."""
    rng = np.random.default_rng([seed, 20220])
    fields = load_fields()
    traits = sample_traits(rng)
    outfit, hair = sample_outfit(rng, traits), sample_hair(rng, traits)
    light, backdrop = sample_light(rng), sample_backdrop(rng)
    folds = int(rng.integers(1 << 30))
    body, rig, shaped, pose = _posed(rng, traits, outfit, fields, folds)
    floor = float(body.vertices[fields.attributes[:, 4] > 1.9, 2].min()) - 0.012
    surfaces = _surfaces(rng, traits, outfit, body, folds, floor, hair, _in_pockets(fields, pose))
    rows = used_vertices(fields.faces["top"], len(shaped))
    cap = hair_surface(shaped, rig, fields, hair, body.vertices[rows], body.normals[rows])
    worn = (hat_surface(shaped, rig, fields, hair), glasses_surface(load_template(), shaped, rig, fields, hair))
    surfaces += [surface for surface in (cap, *worn) if surface is not None]
    crown = float(body.vertices[fields.head_rows, 2].max())
    axis = float(0.6 * rig.head("neck01")[0] + 0.4 * rig.head("spine03")[0])
    camera = frame_person(rng, crown, floor, axis, crown - floor, 1)
    scene = Scene(surfaces)
    camera = camera.keep_above(scene.vertices, _LOWEST)
    soles = body.vertices[(fields.attributes[:, 4] > 1.9) & (body.vertices[:, 2] < floor + 0.045)]
    return Stage(scene, camera, light, backdrop, soles, floor)
