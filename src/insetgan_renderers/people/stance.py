"""Poses that are drawn: weight on one leg or both, a step, and what each arm does."""

from dataclasses import dataclass

import numpy as np

ARM_KINDS = ("hang", "bent", "hip", "pocket", "back", "front", "cross")
"""What an arm can do; ``front`` (hands folded), ``cross`` and ``back`` are done by both arms at once."""
HIDDEN_HANDS = ("pocket",)
"""Kinds whose hand is inside cloth and is not drawn."""


@dataclass(frozen=True)
class ArmPose:
    """One arm: ``kind`` is one of ARM_KINDS; spread, forward, flex, curl and twist are degrees.

    ``fan`` spreads the fingers, about 0 (closed) to 1; ``outer`` says that the arm lies over the other one.
    """

    kind: str
    spread: float
    forward: float
    flex: float
    curl: float
    twist: float
    fan: float = 0.5
    outer: bool = False


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


def _sample_arm(rng: np.random.Generator, kind: str, swing: float = 0.0, outer: bool = False) -> ArmPose:
    return ArmPose(
        kind=kind,
        spread=float(rng.uniform(2, 8)),
        forward=float(rng.uniform(-6, 12) + swing),
        flex=float(rng.uniform(6, 26) + 0.6 * abs(swing)),
        curl=float(rng.uniform(6, 26)),
        twist=float(rng.uniform(-15, 15)),
        fan=float(rng.uniform(0.2, 1.0)),
        outer=outer,
    )


def _sample_arms(rng: np.random.Generator, swing: float, pockets: bool) -> tuple[ArmPose, ArmPose]:
    """Both arms; with a swing (degrees) one goes forward and the other back."""
    if swing:
        return _sample_arm(rng, "hang", swing), _sample_arm(rng, "hang", -swing)
    both = str(rng.choice(["", "front", "cross", "back"], p=[0.8, 0.07, 0.07, 0.06]))
    if both:
        first = bool(rng.random() < 0.5)
        return _sample_arm(rng, both, outer=first), _sample_arm(rng, both, outer=not first)
    odds = np.array([0.5, 0.17, 0.16, 0.17 if pockets else 0.0])
    drawn = [str(rng.choice(ARM_KINDS[:4], p=odds / odds.sum())) for _ in range(2)]
    return _sample_arm(rng, drawn[0]), _sample_arm(rng, drawn[1])


def sample_pose(rng: np.random.Generator, pockets: bool = True) -> Pose:
    """Draw a pose; body yaw mostly within 25 degrees. Without ``pockets`` no hand is put into one."""
    walks = rng.random() < 0.18
    contrapposto = rng.random() < 0.65
    side = 1 if rng.random() < 0.5 else -1
    yaw = float(np.clip(rng.normal(0, 12), -30, 30))
    head_yaw = float(np.clip(rng.normal(-0.35 * yaw, 8), -22, 22))
    step = rng.uniform(0.16, 0.3) if walks else (rng.uniform(0.0, 0.12) if contrapposto else rng.uniform(0, 0.04))
    # The arm on the side of the leg behind swings forward.
    swing = float(rng.uniform(10, 22)) * side if walks else 0.0
    return Pose(
        yaw=yaw,
        weight_side=side,
        sway=float(rng.uniform(2.0, 6.0) if contrapposto and not walks else rng.uniform(0, 1.0)) * side,
        stance=float(rng.uniform(0.05, 0.08) if walks else rng.uniform(0.07, 0.16)),
        step=float(step),
        toe_out=(float(rng.uniform(2, 20)), float(rng.uniform(2, 20))),
        lean=float(rng.uniform(-2, 2)),
        shoulder=float(rng.normal(0, 2.5)),
        head=(head_yaw, float(rng.normal(2, 3)), float(rng.normal(0, 4))),
        arms=_sample_arms(rng, swing, pockets),
    )
