"""The shape of a face and its expression: weights of MakeHuman's detail targets."""

import functools
from pathlib import Path

import numpy as np

from insetgan_renderers.people.template import FloatArray, IntArray, data_root, read_rows

# (target for negative values, target for positive values, mean, spread). "?" stands for both sides, l and r.
_AXES: tuple[tuple[str, str, float, float], ...] = (
    ("head/head-scale-horiz-decr", "head/head-scale-horiz-incr", 0.0, 0.4),
    ("head/head-scale-vert-decr", "head/head-scale-vert-incr", 0.0, 0.3),
    ("head/head-fat-decr", "head/head-fat-incr", 0.0, 0.4),
    ("head/head-angle-in", "head/head-angle-out", 0.0, 0.3),
    ("chin/chin-width-decr", "chin/chin-width-incr", 0.0, 0.5),
    ("chin/chin-height-decr", "chin/chin-height-incr", 0.0, 0.45),
    ("chin/chin-prominent-decr", "chin/chin-prominent-incr", 0.0, 0.4),
    ("chin/chin-jaw-drop-decr", "chin/chin-jaw-drop-incr", 0.0, 0.35),
    ("cheek/?-cheek-bones-decr", "cheek/?-cheek-bones-incr", 0.1, 0.45),
    ("cheek/?-cheek-volume-decr", "cheek/?-cheek-volume-incr", 0.0, 0.45),
    ("nose/nose-scale-horiz-decr", "nose/nose-scale-horiz-incr", 0.0, 0.45),
    ("nose/nose-scale-vert-decr", "nose/nose-scale-vert-incr", 0.0, 0.4),
    ("nose/nose-scale-depth-decr", "nose/nose-scale-depth-incr", 0.1, 0.45),
    ("nose/nose-point-down", "nose/nose-point-up", 0.0, 0.4),
    ("nose/nose-curve-concave", "nose/nose-curve-convex", 0.0, 0.45),
    ("nose/nose-hump-decr", "nose/nose-hump-incr", 0.0, 0.4),
    ("nose/nose-volume-decr", "nose/nose-volume-incr", 0.0, 0.4),
    ("nose/nose-nostrils-width-decr", "nose/nose-nostrils-width-incr", 0.0, 0.45),
    ("eyes/?-eye-scale-decr", "eyes/?-eye-scale-incr", 0.45, 0.3),
    ("eyes/?-eye-height2-decr", "eyes/?-eye-height2-incr", 0.35, 0.35),
    ("eyes/?-eye-corner2-down", "eyes/?-eye-corner2-up", 0.0, 0.45),
    ("eyes/?-eye-trans-in", "eyes/?-eye-trans-out", 0.0, 0.3),
    ("eyes/?-eye-push1-in", "eyes/?-eye-push1-out", 0.2, 0.3),
    ("eyes/?-eye-bag-decr", "eyes/?-eye-bag-incr", -0.1, 0.3),
    ("eyebrows/eyebrows-trans-down", "eyebrows/eyebrows-trans-up", 0.15, 0.4),
    ("eyebrows/eyebrows-angle-down", "eyebrows/eyebrows-angle-up", -0.2, 0.3),
    ("mouth/mouth-scale-horiz-decr", "mouth/mouth-scale-horiz-incr", 0.1, 0.4),
    ("mouth/mouth-trans-down", "mouth/mouth-trans-up", 0.0, 0.3),
    ("mouth/mouth-upperlip-volume-decr", "mouth/mouth-upperlip-volume-incr", 0.0, 0.5),
    ("mouth/mouth-lowerlip-volume-decr", "mouth/mouth-lowerlip-volume-incr", 0.0, 0.5),
    ("mouth/mouth-cupidsbow-decr", "mouth/mouth-cupidsbow-incr", 0.0, 0.4),
    ("forehead/forehead-scale-vert-decr", "forehead/forehead-scale-vert-incr", 0.0, 0.3),
    ("forehead/forehead-temple-decr", "forehead/forehead-temple-incr", 0.0, 0.4),
    ("ears/?-ear-scale-decr", "ears/?-ear-scale-incr", 0.0, 0.4),
    ("ears/?-ear-wing-decr", "ears/?-ear-wing-incr", -0.1, 0.35),
    ("neck/neck-scale-horiz-decr", "neck/neck-scale-horiz-incr", -0.35, 0.35),
)
_FORMS = ("oval", "round", "square", "rectangular", "diamond", "triangular", "invertedtriangular")
_UNITS = "expression/units/caucasian/"
# Expression -> (unit, weight at full strength)
EXPRESSIONS: dict[str, tuple[tuple[str, float], ...]] = {
    "neutral": (),
    "smile": (("mouth-corner-puller", 0.9), ("eye-left-slit", 0.25), ("eye-right-slit", 0.25)),
    "grin": (("mouth-corner-puller", 0.8), ("mouth-upward-retraction", 0.35), ("mouth-parling", 0.5)),
    "earnest": (("mouth-depression", 0.15), ("eyebrows-left-down", 0.3), ("eyebrows-right-down", 0.3)),
    "open": (("mouth-part-later", 0.5), ("eyebrows-left-up", 0.4), ("eyebrows-right-up", 0.4)),
    "pursed": (("mouth-pursing", 0.45),),
}
_ODDS = (0.3, 0.34, 0.12, 0.08, 0.1, 0.06)
Detail = tuple[str, float]


def sample_face(rng: np.random.Generator, female: bool) -> tuple[tuple[Detail, ...], str]:
    """Draw a face and an expression.

    Returns:
        Names of targets (below ``targets/``, without ending) with weights of 0 to 1.1, and the expression's name.
    """
    chosen: list[Detail] = []
    for low, high, mean, spread in _AXES:
        value = float(np.clip(rng.normal(mean, 0.8 * spread), -1.0, 1.0))
        name = high if value > 0 else low
        sides = ("l", "r") if "?" in name else ("",)
        chosen += [(name.replace("?", side), abs(value)) for side in sides]
    form = _FORMS[int(rng.integers(len(_FORMS)))]
    chosen.append((f"head/head-{form}", float(rng.uniform(0.0, 0.55))))
    if female:
        chosen.append(("neck/neck-scale-depth-decr", float(rng.uniform(0.1, 0.5))))
    expression = str(rng.choice(list(EXPRESSIONS), p=_ODDS))
    strength = float(rng.uniform(0.5, 1.1))
    chosen += [(_UNITS + unit, weight * strength) for unit, weight in EXPRESSIONS[expression]]
    return tuple(chosen), expression


@functools.lru_cache(maxsize=256)
def _detail(name: str) -> tuple[IntArray, FloatArray]:
    path: Path = data_root() / "targets" / f"{name}.target.gz"
    return read_rows(path)


def add_details(vertices: FloatArray, details: tuple[Detail, ...]) -> None:
    """Move vertices [V, 3] by the weighted targets, in place. Each target is read once per process."""
    for name, weight in details:
        rows, offsets = _detail(name)
        vertices[rows] += offsets * np.float32(weight)
