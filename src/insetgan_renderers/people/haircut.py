"""Haircuts, beards, hats and glasses: what is drawn for a head."""

from dataclasses import dataclass

import numpy as np

from insetgan_renderers.people.body import Traits
from insetgan_renderers.people.wardrobe import NEUTRALS, Colour

_COLOURS: tuple[Colour, ...] = (
    (0.06, 0.05, 0.05), (0.11, 0.08, 0.06), (0.2, 0.13, 0.09), (0.32, 0.21, 0.13), (0.5, 0.35, 0.2),
    (0.72, 0.56, 0.34), (0.42, 0.18, 0.09), (0.62, 0.45, 0.27), (0.55, 0.27, 0.12),
)  # fmt: skip
_DYES: tuple[Colour, ...] = ((0.55, 0.12, 0.16), (0.75, 0.45, 0.55), (0.2, 0.3, 0.5), (0.85, 0.8, 0.68))
_GREYS: tuple[Colour, ...] = ((0.75, 0.74, 0.72), (0.55, 0.54, 0.53), (0.4, 0.39, 0.38))
FALLING = ("bob", "long", "wavy", "curls")
KINDS = (
    "bald", "buzz", "receding", "short", "side", "quiff", "curly", "afro", "bob", "long", "wavy", "curls", "bun",
    "tied", "ponytail", "braids",
)  # fmt: skip
HATS = ("cap", "beanie", "brim")
BEARDS = ("stubble", "full", "moustache", "goatee", "chinstrap")
GLASSES = ("round", "square", "sun")
_FEMALE = {"long": 0.2, "wavy": 0.15, "curls": 0.09, "bob": 0.16, "bun": 0.09, "short": 0.06, "tied": 0.06,
           "ponytail": 0.09, "braids": 0.03, "afro": 0.04, "curly": 0.03}  # fmt: skip
_MALE = {"buzz": 0.13, "short": 0.25, "side": 0.22, "quiff": 0.13, "curly": 0.09, "afro": 0.03, "long": 0.03,
         "wavy": 0.02, "bun": 0.02}  # fmt: skip
_VOLUME = {"bald": 0.0, "buzz": 0.003, "receding": 0.005, "short": 0.011, "side": 0.014, "quiff": 0.010, "tied": 0.009,
           "bun": 0.009, "ponytail": 0.009, "braids": 0.008, "curly": 0.024, "afro": 0.06, "curls": 0.026}  # fmt: skip


@dataclass(frozen=True)
class Hair:
    """A head's dressing: lengths in metres, angles in degrees.

    Attributes:
        kind: one of KINDS.
        colour: sRGB.
        volume: thickness over the skull.
        top: more of it on the crown.
        part: where the hair is parted, -1 to 1.
        fringe: how far hair comes down the forehead.
        length: below the ears, of those that fall.
        opening: half-angle that a falling curtain leaves free for the face.
        beard: cover of the beard, 0 to 1.
        beard_kind: one of BEARDS.
        hat: one of HATS or "".
        hat_colour: sRGB.
        glasses: one of GLASSES or "".
        frame_colour: sRGB.
    """

    kind: str
    colour: Colour
    volume: float
    top: float
    part: float
    fringe: float
    length: float
    opening: float
    beard: float
    beard_kind: str
    hat: str
    hat_colour: Colour
    glasses: str
    frame_colour: Colour


def _colour(rng: np.random.Generator, traits: Traits) -> Colour:
    grey = rng.random() < np.clip((traits.age - 46) / 28, 0, 0.9)
    dark = traits.race["african"] + traits.race["asian"] > 0.6
    pool = _GREYS if grey else (_COLOURS[:3] if dark else _COLOURS)
    if not grey and rng.random() < (0.08 if traits.female else 0.02):
        pool = _DYES
    base = pool[int(rng.integers(len(pool)))]
    factor = float(rng.uniform(0.85, 1.15))
    return base[0] * factor, base[1] * factor, base[2] * factor


def _beard(rng: np.random.Generator, traits: Traits) -> tuple[float, str]:
    if traits.female or rng.random() > 0.5:
        return 0.0, "stubble"
    kind = str(rng.choice(BEARDS, p=[0.36, 0.3, 0.12, 0.15, 0.07]))
    return float(rng.uniform(0.2, 0.45) if kind == "stubble" else rng.uniform(0.7, 0.95)), kind


def _kind(rng: np.random.Generator, traits: Traits) -> str:
    if traits.female:
        return str(rng.choice(list(_FEMALE), p=list(_FEMALE.values())))
    if rng.random() < 0.05 + 0.3 * max(0.0, (traits.age - 35) / 40):
        return str(rng.choice(["bald", "receding"], p=[0.4, 0.6]))
    odds = np.array(list(_MALE.values()))
    return str(rng.choice(list(_MALE), p=odds / odds.sum()))


def sample_hair(rng: np.random.Generator, traits: Traits) -> Hair:
    """Draw a haircut and its colour; grey comes with age."""
    kind = _kind(rng, traits)
    beard, beard_kind = _beard(rng, traits)
    hat = str(rng.choice(HATS, p=[0.45, 0.3, 0.25])) if rng.random() < 0.09 and kind not in ("afro", "quiff") else ""
    glasses = ""
    if rng.random() < 0.16 + 0.2 * (traits.age > 50):
        glasses = str(rng.choice(GLASSES, p=[0.42, 0.42, 0.16]))
    falls = kind in FALLING
    frames: tuple[Colour, ...] = ((0.04, 0.04, 0.04), (0.2, 0.12, 0.07), (0.5, 0.42, 0.25), (0.3, 0.3, 0.32))
    return Hair(
        kind=kind,
        colour=_colour(rng, traits),
        volume=_VOLUME.get(kind, 0.016) * float(rng.uniform(0.8, 1.25)),
        top=float(rng.uniform(0.0, 0.02)) if kind in ("short", "side", *FALLING) else 0.003 + 0.03 * (kind == "quiff"),
        part=float(rng.choice([-1.0, 1.0]) * rng.uniform(0.15, 0.6)),
        fringe=float(rng.uniform(10, 19)) if kind in (*FALLING, "short") and rng.random() < 0.3 and not hat else 0.0,
        length=float(rng.uniform(0.05, 0.13) if kind == "bob" else rng.uniform(0.15, 0.38)) if falls else 0.0,
        opening=float(rng.uniform(58, 76)),
        beard=beard,
        beard_kind=beard_kind,
        hat=hat,
        hat_colour=NEUTRALS[int(rng.integers(len(NEUTRALS)))],
        glasses=glasses,
        frame_colour=frames[int(rng.integers(len(frames)))],
    )
