"""Arms of a pose: they are spread until they are clear of the body and of each other."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from insetgan_renderers.people.rig import Array, Rig, bend, cross, frame, rotation, unit
from insetgan_renderers.people.stance import HIDDEN_HANDS, ArmPose, Pose
from insetgan_renderers.people.surface import vertex_normals
from insetgan_renderers.people.template import FloatArray, IntArray

_X, _Y, _Z = np.eye(3)
_CROSSING = ("front", "cross", "back")


def _arm_target(rig: Rig, arm: ArmPose, side: str, spread: float, trunk: Array) -> tuple[Array, Array]:
    """Wrist position and pole direction of an arm, world coordinates."""
    sign = 1.0 if side == "L" else -1.0
    shoulder = rig.head(f"upperarm01.{side}")
    names = ("upperarm01", "lowerarm01", "wrist")
    points = [rig.rest(f"{n}.{side}") for n in names]
    upper, lower = (float(np.linalg.norm(points[i + 1] - points[i])) for i in range(2))
    if arm.kind == "hip":
        hip = rig.head(f"upperleg01.{side}")
        wrist = hip + trunk @ np.array([sign * (0.115 + spread / 400), -0.045, 0.13])
        return wrist, trunk @ np.array([sign, 0.35, -0.1])
    middle = 0.5 * (rig.head("upperleg01.L") + rig.head("upperleg01.R"))
    extra = (spread - arm.spread) * 0.004
    if arm.kind == "pocket":
        hip = rig.head(f"upperleg01.{side}")
        wrist = hip + trunk @ np.array([sign * (0.065 + extra), -0.055 - 0.4 * extra, 0.07])
        return wrist, trunk @ np.array([sign, 0.9, 0.0])
    if arm.kind == "back":
        wrist = middle + trunk @ np.array([sign * 0.045, 0.15 + extra, 0.07 + 0.03 * arm.outer])
        return wrist, trunk @ np.array([sign, 0.7, 0.0])
    if arm.kind == "front":
        wrist = middle + trunk @ np.array([sign * 0.075, -0.15 - extra, 0.04 + 0.03 * arm.outer])
        return wrist, trunk @ np.array([sign, 0.5, 0.0])
    if arm.kind == "cross":
        chest = 0.5 * (rig.head("upperarm01.L") + rig.head("upperarm01.R"))
        across, ahead, down = (0.07, 0.17, 0.28) if arm.outer else (0.02, 0.14, 0.17)
        wrist = chest + trunk @ np.array([-sign * across, -ahead - extra, -down])
        return wrist, trunk @ np.array([sign, 0.1, -0.6])
    flex = np.radians(arm.flex if arm.kind == "hang" else 45 + arm.flex * 1.6)
    reach = float(np.sqrt(upper**2 + lower**2 + 2 * upper * lower * np.cos(flex)))
    ahead = np.radians(arm.forward if arm.kind == "hang" else 18 + arm.forward)
    out = np.radians(spread if arm.kind == "hang" else spread * 0.9 + 2)
    way = np.array([sign * np.sin(out), -np.sin(ahead), -np.cos(out) * np.cos(ahead)])
    pole = np.array([sign * (0.3 if arm.kind == "hang" else 0.7), 1.0, 0.0])
    return shoulder + trunk @ unit(way) * reach, trunk @ pole


def _set_arm(rig: Rig, arm: ArmPose, side: str, wrist: Array, pole: Array, relief: float) -> None:
    rest = [rig.rest(f"{n}.{side}") for n in ("upperarm01", "lowerarm01", "wrist")]
    upper, lower = (float(np.linalg.norm(rest[i + 1] - rest[i])) for i in range(2))
    shoulder = rig.head(f"upperarm01.{side}")
    elbow = bend(shoulder, wrist, upper, lower, pole)
    reach = unit(wrist - elbow) * lower
    hinge_rest = cross(rest[1] - rest[0], rest[2] - rest[1])
    hinge = cross(elbow - shoulder, reach)
    rig.turn(f"upperarm01.{side}", frame(elbow - shoulder, hinge) @ frame(rest[1] - rest[0], hinge_rest).T)
    fore = frame(reach, hinge) @ frame(rest[2] - rest[1], hinge_rest).T
    rig.turn(f"lowerarm01.{side}", fore)
    _set_hand(rig, arm, side, fore, unit(reach), relief)
    rig.solve(f"upperarm01.{side}")


def _set_hand(rig: Rig, arm: ArmPose, side: str, fore: Array, axis: Array, relief: float) -> None:
    """Turn the palm towards the body; the forearm takes half of the twist. Fingers curl and close.

    ``relief`` (degrees of spread beyond the pose's own) turns the fingers of a hand on the hip away from the body.
    """
    sign = 1.0 if side == "L" else -1.0
    trunk = rig.world("spine01")
    along_rest = rig.rest(f"finger3-1.{side}") - rig.rest(f"wrist.{side}")
    knuckle_rest = rig.rest(f"finger5-1.{side}") - rig.rest(f"finger2-1.{side}")
    palm_rest = sign * cross(knuckle_rest, along_rest)
    back = {"hang": 0.45, "bent": 0.35, "hip": 0.3}.get(arm.kind, 0.45) + np.radians(arm.twist)
    palm = trunk @ np.array([-sign, back, 0.0 if arm.kind in ("hang", "pocket") else -0.4])
    if arm.kind in ("front", "back", "cross"):
        palm = trunk @ np.array([-0.25 * sign, -1.0 if arm.kind == "back" else 1.0, 0.1])
    aim = (0.0 if arm.kind == "cross" else -0.3) * _Z
    if arm.kind == "hip":
        aim = trunk @ np.array([sign * (min(0.03 * relief, 0.75) - 0.35), -0.25, -0.75])
    along = axis + aim
    hand = frame(along, palm) @ frame(along_rest, palm_rest).T
    before, after = unit(fore @ palm_rest), unit(palm - axis * float(axis @ palm))
    roll = float(np.arctan2(axis @ cross(before, after), before @ after))
    rig.turn(f"lowerarm02.{side}", rotation(axis, roll * 0.55) @ fore)
    rig.turn(f"wrist.{side}", hand)
    rig.turn(f"finger1-1.{side}", hand @ rotation(palm_rest, -sign * 0.42))
    for finger in range(2, 6):
        # At rest the fingers lie apart; the fan says how much of that stays.
        close = rotation(palm_rest, sign * 0.11 * (1 - 0.8 * arm.fan) * (finger - 3.4))
        for joint in range(1, 4):
            angle = sign * np.radians(arm.curl) * (0.7 + 0.12 * finger) * joint
            rig.turn(f"finger{finger}-{joint}.{side}", hand @ rotation(knuckle_rest, angle) @ close)


def _penetration(points: FloatArray, tree: cKDTree, obstacle: FloatArray, normals: FloatArray) -> float:
    """Least signed distance of points to the obstacle's surface, metres (negative inside)."""
    _, nearest = tree.query(points)
    gap = np.einsum("ij,ij->i", points - obstacle[nearest], normals[nearest])
    return float(gap.min())


def _arm_alone(rig: Rig, vertices: FloatArray, rows: IntArray, faces: IntArray) -> tuple[FloatArray, FloatArray]:
    """Posed points and normals of the rows of an arm."""
    body = rig.skin(vertices)
    return body[rows], vertex_normals(body, faces)[rows]


def _spread_arm(rig: Rig, arm: ArmPose, side: str, trunk: Array, is_clear: Callable[[], bool]) -> bool:
    """Pose an arm, spread further and further until it is clear; False when it never is."""
    for step in range(18):
        spread = arm.spread + 3.0 * step
        wrist, pole = _arm_target(rig, arm, side, spread, trunk)
        _set_arm(rig, arm, side, wrist, pole, spread - arm.spread)
        if is_clear():
            return True
    return False


def apply_arms(
    rig: Rig,
    pose: Pose,
    vertices: FloatArray,
    arm_rows: dict[str, IntArray],
    fore_rows: dict[str, IntArray],
    faces: IntArray,
    obstacle: FloatArray,
    normals: FloatArray,
    clearance: float,
) -> None:
    """Pose the arms; each is spread until forearm and hand keep the clearance (m) from the obstacle.

    Of two arms that cross, the inner one is posed first and becomes an obstacle to the outer one.

    Args:
        rig: posed but for the arms.
        pose: what to apply.
        vertices: the unposed body [V, 3].
        arm_rows: side -> rows of vertices on forearm and hand to keep clear.
        fore_rows: side -> those on the forearm only, for a hand that is inside a pocket.
        faces: triangles of the skin.
        obstacle: points [n, 3] of trunk, legs and skirt as posed, with unit normals [n, 3].
        normals: see obstacle.
        clearance: least distance in metres.
    """
    trunk = rig.world("spine01")
    sides = sorted((("L", pose.arms[0]), ("R", pose.arms[1])), key=lambda pair: pair[1].outer)
    for side, arm in sides:
        drop = rotation(trunk @ _Y, np.radians(4.0 if side == "L" else -4.0))
        rig.turn(f"clavicle.{side}", drop @ trunk)
        rig.solve(f"clavicle.{side}")
        if arm.outer and arm.kind in _CROSSING:
            other = "R" if side == "L" else "L"
            points, ways = _arm_alone(rig, vertices, arm_rows[other], faces)
            obstacle, normals = np.concatenate([obstacle, points]), np.concatenate([normals, ways])
        tree = cKDTree(obstacle)
        rows = (fore_rows if arm.kind in HIDDEN_HANDS else arm_rows)[side]
        # A hand on the hip lies on the cloth; fingertips may sink in by a hair.
        needed = clearance * (0.4 if arm.kind in ("hip", "pocket") else 1.0)

        def is_clear(
            rows: IntArray = rows, tree: cKDTree = tree, obstacle: FloatArray = obstacle,
            normals: FloatArray = normals, needed: float = needed,
        ) -> bool:  # fmt: skip
            return _penetration(rig.skin(vertices, rows), tree, obstacle, normals) >= needed

        # Few bodies leave no way for a kind: such an arm hangs.
        if not _spread_arm(rig, arm, side, trunk, is_clear):
            _spread_arm(rig, replace(arm, kind="hang"), side, trunk, is_clear)
