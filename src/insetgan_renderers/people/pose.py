"""Trunk, head and legs of a pose: the feet stand flat on the floor."""

import numpy as np

from insetgan_renderers.people.rig import Array, Rig, bend, frame, rotation
from insetgan_renderers.people.stance import Pose

_X, _Y, _Z = np.eye(3)


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


def apply_trunk_and_legs(rig: Rig, pose: Pose) -> Array:
    """Pose all but the arms; returns the facing rotation [3, 3]."""
    facing = rotation(_Z, np.radians(pose.yaw))
    _pose_trunk(rig, pose, facing)
    _pose_legs(rig, pose, facing)
    return facing
