from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("embreex")
pytest.importorskip("anny")

from insetgan_renderers.people.arms import apply_arms
from insetgan_renderers.people.body import Traits, sample_traits, shape_vertices
from insetgan_renderers.people.camera import Camera
from insetgan_renderers.people.face import EXPRESSIONS, sample_face
from insetgan_renderers.people.fields import load_fields
from insetgan_renderers.people.haircut import BEARDS, GLASSES, HATS, KINDS, sample_hair
from insetgan_renderers.people.loft import slice_rings
from insetgan_renderers.people.pose import apply_trunk_and_legs
from insetgan_renderers.people.raycast import Scene
from insetgan_renderers.people.rig import bend, build_rig, frame, rotation
from insetgan_renderers.people.stance import ARM_KINDS, HIDDEN_HANDS, sample_pose
from insetgan_renderers.people.surface import Hits, Look, Surface, vertex_normals
from insetgan_renderers.people.template import load_template
from insetgan_renderers.people.wardrobe import COLLARS, OUTER, PATTERNS, SHOES, TOPS, sample_outfit


def _traits(**changes) -> Traits:
    base = dict(
        female=False, gender=0.1, age=30.0, muscle=0.5, weight=0.5, height=0.5, proportions=0.2, cup=0.4,
        race={"african": 0.0, "asian": 0.0, "caucasian": 1.0}, skin=0.2,
    )  # fmt: skip
    return Traits(**(base | changes))


def test_bend_keeps_both_lengths_and_the_side():
    rng = np.random.default_rng(0)
    for _ in range(20):
        start, way = rng.normal(size=3), rng.normal(size=3)
        end = start + way / np.linalg.norm(way) * rng.uniform(0.2, 0.55)
        pole = rng.normal(size=3)
        middle = bend(start, end, 0.3, 0.28, pole)
        assert np.linalg.norm(middle - start) == pytest.approx(0.3, abs=1e-6)
        assert np.linalg.norm(end - middle) == pytest.approx(0.28, abs=1e-6)
        assert (middle - start) @ (pole - way * (pole @ way) / (way @ way)) > 0


def test_frames_and_rotations_are_orthonormal():
    turn = rotation(np.array([1.0, 2, -1]), 0.7)
    assert np.allclose(turn @ turn.T, np.eye(3)) and np.linalg.det(turn) == pytest.approx(1)
    columns = frame(np.array([0.0, 3, 1]), np.array([1.0, 1, 0]))
    assert np.allclose(columns.T @ columns, np.eye(3))
    assert np.allclose(rotation(np.array([0.0, 0, 1]), np.pi / 2) @ [1, 0, 0], [0, 1, 0])


def test_turning_the_root_turns_the_body_rigidly():
    template = load_template()
    vertices = template.vertices[:2000]
    rig = build_rig(template, template.vertices)
    turn = rotation(np.array([0.3, 1, 0.2]), 0.9)
    rig.turn("root", turn)
    rig.solve()
    posed = rig.skin(template.vertices)[:2000]
    root = rig.rest("root")
    assert np.allclose(posed, (vertices - root) @ turn.T + root, atol=1e-5)


def test_traits_shape_the_body():
    template = load_template()
    rows = np.unique(template.faces["body"])

    def size(**changes) -> np.ndarray:
        return np.ptp(shape_vertices(template, _traits(**changes))[rows], axis=0)

    assert size(height=0.7)[2] > size(height=0.3)[2] + 0.1
    assert size(weight=0.8)[1] > size(weight=0.25)[1]
    assert 1.5 < size()[2] < 2.0


def test_people_are_adults_and_both_sexes_in_equal_parts():
    people = [sample_traits(np.random.default_rng(seed)) for seed in range(600)]
    assert 0.44 < np.mean([p.female for p in people]) < 0.56
    ages = np.array([p.age for p in people])
    assert ages.min() >= 18 and ages.max() <= 80 and (ages > 55).mean() > 0.12
    skin = np.histogram([p.skin for p in people], bins=3, range=(0, 1))[0] / 600
    assert skin.min() > 0.18


def _gap(body: np.ndarray, rows: np.ndarray, obstacle: np.ndarray, faces: np.ndarray) -> float:
    """Least signed distance of vertices to the nearest vertex of an obstacle, along its normal."""
    normals = vertex_normals(body, faces)[obstacle]
    apart = body[rows][:, None] - body[obstacle][None]
    nearest = (apart**2).sum(axis=2).argmin(axis=1)
    return float(np.einsum("ij,ij->i", apart[np.arange(len(rows)), nearest], normals[nearest]).min())


@pytest.mark.parametrize("kind", ARM_KINDS)
def test_no_arm_goes_into_the_body_or_the_other_arm(kind):
    template, fields = load_template(), load_fields()
    for seed in range(3):
        rng = np.random.default_rng(seed)
        shaped = shape_vertices(template, sample_traits(rng))
        rig, pose = build_rig(template, shaped), sample_pose(rng)
        first, second = (replace(pose.arms[i], kind=kind, outer=bool(i)) for i in range(2))
        pose = replace(pose, arms=(first, second))
        apply_trunk_and_legs(rig, pose)
        half = rig.skin(shaped)
        rows, faces = fields.obstacle_rows, fields.faces["skin"]
        normals = vertex_normals(half, faces)[rows]
        apply_arms(rig, pose, shaped, fields.arm_rows, fields.fore_rows, faces, half[rows], normals, 0.02)
        body = rig.skin(shaped)
        arms = fields.fore_rows if kind in HIDDEN_HANDS else fields.arm_rows
        for side in ("L", "R"):
            assert _gap(body, arms[side], rows, faces) > 0.007
        if kind not in HIDDEN_HANDS:
            assert _gap(body, arms["R"], arms["L"], faces) > 0.004
        feet = body[fields.attributes[:, 4] > 2.0]
        assert abs(feet[feet[:, 0] > 0, 2].min() - feet[feet[:, 0] < 0, 2].min()) < 0.02


def test_every_arm_kind_walk_haircut_hat_beard_glasses_and_garment_occurs():
    people = [_drawn(seed) for seed in range(500)]
    assert {arm.kind for _, _, _, pose in people for arm in pose.arms} == set(ARM_KINDS)
    assert 0.1 < np.mean([pose.step > 0.15 for *_, pose in people]) < 0.3
    assert {traits.expression for traits, *_ in people} == set(EXPRESSIONS)
    heads = [hair for _, hair, _, _ in people]
    assert {hair.kind for hair in heads} == set(KINDS)
    assert {hair.hat for hair in heads} == {"", *HATS} and {hair.glasses for hair in heads} == {"", *GLASSES}
    assert {hair.beard_kind for hair in heads if hair.beard} == set(BEARDS)
    outfits = [outfit for _, _, outfit, _ in people]
    assert {outfit.top.name for outfit in outfits} == set(TOPS)
    assert {outfit.jacket.name for outfit in outfits if outfit.jacket} == set(OUTER)
    layers = [layer for outfit in outfits for layer in (outfit.top, outfit.jacket) if layer]
    assert {layer.collar for layer in layers} == {"", *COLLARS}
    assert {layer.pattern for layer in layers} >= set(PATTERNS)
    assert {outfit.shoes.kind for outfit in outfits} == set(SHOES)
    assert {outfit.bottom.kind for outfit in outfits} == {"trousers", "skirt"}


def _drawn(seed: int):
    rng = np.random.default_rng(seed)
    traits = sample_traits(rng)
    return traits, sample_hair(rng, traits), sample_outfit(rng, traits), sample_pose(rng)


def test_faces_differ_in_shape_and_a_smile_lifts_the_corners_of_the_mouth():
    template = load_template()
    lips = template.lips > 0.5
    corners = lips & (np.abs(template.vertices[:, 0]) > 0.022)
    plain = shape_vertices(template, _traits())
    smile = shape_vertices(template, _traits(details=(("expression/units/caucasian/mouth-corner-puller", 1.0),)))
    rise = smile[corners, 2] - plain[corners, 2]
    assert rise.mean() > 0.003
    rows = load_fields().head_rows
    heads = [
        shape_vertices(template, _traits(details=sample_face(np.random.default_rng(seed), False)[0]))[rows]
        for seed in range(4)
    ]
    for i in range(4):
        for j in range(i):
            assert np.linalg.norm(heads[i] - heads[j], axis=1).mean() > 0.0015


def test_limb_coordinates_grow_along_the_limbs():
    fields, template = load_fields(), load_template()
    heads = np.asarray(template.heads @ template.vertices.astype(np.float64))
    points, arm, leg = template.vertices, fields.attributes[:, 3], fields.attributes[:, 4]
    for bone, values, expected in (("lowerarm01.L", arm, 1.0), ("wrist.R", arm, 2.0), ("lowerleg01.R", leg, 1.0)):
        near = np.linalg.norm(points - heads[template.bones.index(bone)], axis=1) < 0.07
        assert np.median(values[near & (values > -5)]) == pytest.approx(expected, abs=0.12)


def test_rings_hold_all_points_and_measure_a_circle():
    rng = np.random.default_rng(0)
    turn = rng.uniform(0, 2 * np.pi, 4000)
    circle = np.stack([0.3 + 0.2 * np.cos(turn), 0.2 * np.sin(turn), rng.uniform(0, 1, 4000)], axis=1)
    rings = slice_rings(circle.astype(np.float32), np.linspace(0.1, 0.9, 5).astype(np.float32), 48, 0.1)
    assert np.allclose(rings.radii(), 0.2, atol=0.004)
    assert np.allclose(rings.centres, [0.3, 0.0], atol=0.003)


def test_camera_rays_go_through_the_points_they_project():
    camera = Camera(axis=0.1, height=1.0, distance=6.0, scale=120.0, top=1.9)
    rows, columns = np.array([10.5, 200.0], np.float32), np.array([3.0, 90.0], np.float32)
    origins, ways = camera.rays(rows, columns, 128)
    spots = camera.project(origins + ways * np.array([[5.0], [6.4]], np.float32), 128)
    assert np.allclose(spots, np.stack([rows, columns], axis=1), atol=1e-2)


def _square(y: float, covers=None) -> Surface:
    vertices = np.array([[-1, y, -1], [1, y, -1], [1, y, 1], [-1, y, 1]], np.float32)
    attributes = np.concatenate([vertices, np.zeros((4, 3), np.float32)], axis=1)

    def look(hits: Hits) -> Look:
        raise AssertionError

    return Surface(vertices, np.array([[0, 1, 2], [0, 2, 3]]), attributes, covers, look)


def test_rays_pass_where_a_surface_does_not_cover():
    scene = Scene([_square(0.0, lambda at: at[:, 0] < 0.25), _square(1.0)])
    x = np.array([-0.5, 0.2, 0.3, 0.9, 3.0], np.float32)
    origins = np.stack([x, np.full(5, -2), np.zeros(5)], axis=1).astype(np.float32)
    ways = np.tile(np.array([[0, 1, 0]], np.float32), (5, 1))
    cast = scene.cast(origins, ways)
    order = np.argsort(cast.ray)
    assert cast.ray[order].tolist() == [0, 1, 2, 3]
    assert cast.surface[order].tolist() == [0, 0, 1, 1]
    assert np.allclose(cast.position[order, 1], [0, 0, 1, 1], atol=1e-4)
    assert scene.blocked(origins, ways, 2.5).tolist() == [True, True, False, False, False]


def test_normals_of_a_sphere_point_outwards():
    from insetgan_renderers.people.loft import grid_faces

    z = np.linspace(-0.9, 0.9, 12)
    turn = np.arange(24) * 2 * np.pi / 24
    ring = np.sqrt(1 - z**2)[:, None]
    points = np.stack([ring * np.cos(turn), ring * np.sin(turn), np.tile(z[:, None], 24)], axis=-1).reshape(-1, 3)
    normals = vertex_normals(points.astype(np.float32), grid_faces(12, 24))
    inner = np.abs(points[:, 2]) < 0.7
    assert (np.einsum("ij,ij->i", normals, points)[inner] > 0.97).all()
