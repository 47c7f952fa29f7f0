"""Standing poses: weight on one leg or both, arms that hang, bend or rest on the hip, clear of the body."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from insetgan_renderers.people.rig import Array, Rig, bend, frame, rotation, unit
from insetgan_renderers.people.template import FloatArray

_X, _Y, _Z = np.eye(3)


@dataclass(frozen=True)
class ArmPose:
    """One arm: ``kind`` is hang, bent or hip; the numbers are in 0..1 or degrees."""

    kind: str
    spread: float
    forward: float
    flex: float
    curl: float
    twist: float


@dataclass(frozen=True)
class Pose:
    """A standing pose. Angles in degrees, lengths in metres unless said otherwise."""

    yaw: float
    weight_side: int
    sway: float
    stance: float
    step: float
    toe_out: tuple[float, float]
    lean: float
    shoulder: float
    head: tuple[float, float, float]
    arms: tuple[ArmPose, ArmPose]


def _sample_arm(rng: np.random.Generator, allow_hip: bool) -> ArmPose:
    kinds = ["hang", "bent", "hip"] if allow_hip else ["hang", "bent"]
    odds = [0.62, 0.2, 0.18] if allow_hip else [0.74, 0.26]
    return ArmPose(
        kind=str(rng.choice(kinds, p=odds)),
        spread=float(rng.uniform(4, 11)),
        forward=float(rng.uniform(-6, 12)),
        flex=float(rng.uniform(6, 26)),
        curl=float(rng.uniform(4, 22)),
        twist=float(rng.uniform(-15, 15)),
    )


def sample_pose(rng: np.random.Generator) -> Pose:
    """Draw a pose; body yaw mostly within 25 degrees."""
    contrapposto = rng.random() < 0.6
    side = 1 if rng.random() < 0.5 else -1
    yaw = float(np.clip(rng.normal(0, 11), -27, 27))
    head_yaw = float(np.clip(rng.normal(-0.35 * yaw, 7), -18, 18))
    return Pose(
        yaw=yaw,
        weight_side=side,
        sway=float(rng.uniform(1.5, 5.0) if contrapposto else rng.uniform(0, 1.0)) * side,
        stance=float(rng.uniform(0.08, 0.15)),
        step=float(rng.uniform(0.0, 0.12) if contrapposto else rng.uniform(0, 0.04)),
        toe_out=(float(rng.uniform(2, 20)), float(rng.uniform(2, 20))),
        lean=float(rng.uniform(-2, 2)),
        shoulder=float(rng.normal(0, 2.5)),
        head=(head_yaw, float(rng.normal(2, 3)), float(rng.normal(0, 2.5))),
        arms=(_sample_arm(rng, True), _sample_arm(rng, True)),
    )


def _pose_trunk(rig: Rig, pose: Pose, facing: Array) -> None:
    roll = np.radians(pose.sway)
    rig.turn("root", facing @ rotation(_Y, roll))
    for name, share in (("spine04", 0.5), ("spine03", 0.2), ("spine02", -0.3), ("spine01", -0.6)):
        twist = rotation(_Z, np.radians(pose.shoulder) * (1 - share))
        rig.turn(name, facing @ twist @ rotation(_Y, roll * share) @ rotation(_X, np.radians(pose.lean) * (1 - share)))
    yaw, nod, tilt = np.radians(pose.head)
    for name, share in (("neck01", 0.25), ("neck02", 0.5), ("neck03", 0.75), ("head", 1.0)):
        turn = rotation(_Z, yaw * share) @ rotation(_X, nod * share) @ rotation(_Y, tilt * share)
        rig.turn(name, facing @ turn)


def _pose_leg(rig: Rig, side: str, ankle: Array, toe_yaw: float, facing: Array) -> None:
    hip_rest, knee_rest, ankle_rest = (rig.rest(f"{n}.{side}") for n in ("upperleg01", "lowerleg01", "foot"))
    upper = float(np.linalg.norm(knee_rest - hip_rest))
    lower = float(np.linalg.norm(ankle_rest - knee_rest))
    hip = rig.head(f"upperleg01.{side}")
    turned = facing @ rotation(_Z, toe_yaw)
    pole = turned @ -_Y
    knee = bend(hip, ankle, upper, lower, pole)
    for name, a0, b0, a, b in (
        ("upperleg01", hip_rest, knee_rest, hip, knee),
        ("lowerleg01", knee_rest, ankle_rest, knee, ankle),
    ):
        rig.turn(f"{name}.{side}", frame(b - a, turned @ _X) @ frame(b0 - a0, _X).T)
    rest_yaw = 0.16 if side == "L" else -0.16
    rig.turn(f"foot.{side}", turned @ rotation(_Z, -rest_yaw))


def _pose_legs(rig: Rig, pose: Pose, facing: Array) -> None:
    """Put the ankles on the floor; the pelvis comes down until the straighter leg reaches."""
    rig.solve()
    ankle_height = float(rig.rest("foot.L")[2])
    ankles: dict[str, Array] = {}
    shift = -0.022 * pose.sway * (1 if abs(pose.sway) > 1.2 else 0.3)
    for side, sign in (("L", 1), ("R", -1)):
        free = sign != pose.weight_side
        local = np.array([sign * pose.stance * (1.25 if free else 1.0) + shift * 0.4, 0.0, 0.0])
        local[1] = rig.rest(f"foot.{side}")[1] - (pose.step if free else 0.0)
        ankles[side] = facing @ local + np.array([0, 0, ankle_height])
    drops = []
    for side in ("L", "R"):
        hip = rig.head(f"upperleg01.{side}")
        length = sum(
            float(np.linalg.norm(rig.rest(f"{a}.{side}") - rig.rest(f"{b}.{side}")))
            for a, b in (("upperleg01", "lowerleg01"), ("lowerleg01", "foot"))
        )
        flat = float(np.linalg.norm((ankles[side] - hip)[:2]))
        drops.append(ankle_height + float(np.sqrt((length * 0.9965) ** 2 - flat**2)) - float(hip[2]))
    rig.root = rig.root + np.array([0, 0, min(drops)])
    rig.solve()
    for side, toe in (("L", pose.toe_out[0]), ("R", -pose.toe_out[1])):
        _pose_leg(rig, side, ankles[side], np.radians(toe), facing)
    rig.solve()


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
    hinge_rest = np.cross(rest[1] - rest[0], rest[2] - rest[1])
    hinge = np.cross(elbow - shoulder, reach)
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
    palm_rest = sign * np.cross(knuckle_rest, along_rest)
    back = {"hang": 0.45, "bent": 0.35, "hip": 0.3}[arm.kind] + np.radians(arm.twist)
    palm = trunk @ np.array([-sign, back, 0.0 if arm.kind == "hang" else -0.4])
    aim = -0.3 * _Z
    if arm.kind == "hip":
        aim = trunk @ np.array([sign * (min(0.03 * relief, 0.75) - 0.35), -0.25, -0.75])
    along = axis + aim
    hand = frame(along, palm) @ frame(along_rest, palm_rest).T
    before, after = unit(fore @ palm_rest), unit(palm - axis * float(axis @ palm))
    roll = float(np.arctan2(axis @ np.cross(before, after), before @ after))
    rig.turn(f"lowerarm02.{side}", rotation(axis, roll * 0.55) @ fore)
    rig.turn(f"wrist.{side}", hand)
    rig.turn(f"finger1-1.{side}", hand @ rotation(palm_rest, -sign * 0.42))
    for finger in range(2, 6):
        close = rotation(palm_rest, sign * 0.11 * (finger - 3.4))
        for joint in range(1, 4):
            angle = sign * np.radians(arm.curl) * (0.7 + 0.12 * finger) * joint
            rig.turn(f"finger{finger}-{joint}.{side}", hand @ rotation(knuckle_rest, angle) @ close)


def _penetration(points: FloatArray, tree: cKDTree, obstacle: FloatArray, normals: FloatArray) -> float:
    """Least signed distance of points to the obstacle's surface, metres (negative inside)."""
    _, nearest = tree.query(points)
    gap = np.einsum("ij,ij->i", points - obstacle[nearest], normals[nearest])
    return float(gap.min())


def apply_trunk_and_legs(rig: Rig, pose: Pose) -> Array:
    """Pose all but the arms; returns the facing rotation [3, 3]."""
    facing = rotation(_Z, np.radians(pose.yaw))
    _pose_trunk(rig, pose, facing)
    _pose_legs(rig, pose, facing)
    return facing


def apply_arms(
    rig: Rig,
    pose: Pose,
    vertices: FloatArray,
    arm_rows: dict[str, np.ndarray],
    obstacle: FloatArray,
    normals: FloatArray,
    clearance: float,
) -> None:
    """Pose the arms; each is spread until forearm and hand keep the clearance (m) from the obstacle.

    Args:
        rig: posed but for the arms.
        pose: what to apply.
        vertices: the unposed body [V, 3].
        arm_rows: side -> rows of vertices on forearm and hand to keep clear.
        obstacle: points [n, 3] of trunk, legs and skirt as posed, with unit normals [n, 3].
        normals: see obstacle.
        clearance: least distance in metres.
    """
    tree = cKDTree(obstacle)
    trunk = rig.world("spine01")
    for side, arm in (("L", pose.arms[0]), ("R", pose.arms[1])):
        drop = rotation(trunk @ _Y, np.radians(4.0 if side == "L" else -4.0))
        rig.turn(f"clavicle.{side}", drop @ trunk)
        rig.solve(f"clavicle.{side}")
        spread = arm.spread
        # A hand on the hip lies on the cloth; fingertips may sink in by a hair.
        needed = clearance if arm.kind != "hip" else 0.4 * clearance
        for _ in range(18):
            wrist, pole = _arm_target(rig, arm, side, spread, trunk)
            _set_arm(rig, arm, side, wrist, pole, spread - arm.spread)
            if _penetration(rig.skin(vertices, arm_rows[side]), tree, obstacle, normals) >= needed:
                break
            spread += 2.0
