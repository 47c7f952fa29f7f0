"""What a person wears: sampled kinds, lengths, cuts and colours."""

import colorsys
from dataclasses import dataclass, replace

import numpy as np

from insetgan_renderers.people.body import Traits

Colour = tuple[float, float, float]
TOPS = ("tee", "shirt", "sweater", "hoodie")
OUTER = ("cardigan", "blazer", "bomber", "coat")
COLLARS = ("shirt", "hood", "lapel")
PATTERNS = ("stripes", "pinstripes", "checks", "tartan", "dots", "floral", "band", "print", "dip")
SHOES = ("sneaker", "low", "boot")

NEUTRALS: tuple[Colour, ...] = (
    (0.93, 0.92, 0.9), (0.97, 0.97, 0.97), (0.86, 0.82, 0.74), (0.6, 0.6, 0.62), (0.3, 0.31, 0.33),
    (0.1, 0.1, 0.11), (0.13, 0.16, 0.27), (0.72, 0.62, 0.48), (0.42, 0.32, 0.25), (0.35, 0.37, 0.28),
)  # fmt: skip
DENIM: tuple[Colour, ...] = ((0.17, 0.22, 0.34), (0.28, 0.37, 0.52), (0.47, 0.57, 0.7), (0.1, 0.11, 0.14))
LEATHER: tuple[Colour, ...] = ((0.08, 0.07, 0.07), (0.3, 0.17, 0.09), (0.5, 0.32, 0.18), (0.75, 0.68, 0.6))


@dataclass(frozen=True)
class Top:
    """Upper garment. ``sleeve`` in arm coordinates (negative: none), ``hem`` in metres of the template, z.

    ``tuck`` puts it under the waistband; ``fit`` is the distance to the skin in metres; ``pattern`` is plain or one
    of PATTERNS, block or raglan; ``opening`` is the half-width in metres of an open front (0: closed); ``collar`` is
    one of COLLARS or ""; ``front`` is "buttons", "zip" or ""; ``name`` is one of TOPS or OUTER; ``skirts`` is how
    far a coat goes down the legs, in leg coordinates (0: not).
    """

    sleeve: float
    neck: str
    depth: float
    hem: float
    tuck: bool
    fit: float
    colour: Colour
    second: Colour
    pattern: str
    scale: float
    opening: float = 0.0
    front: str = ""
    collar: str = ""
    name: str = "tee"
    skirts: float = 0.0


@dataclass(frozen=True)
class Bottom:
    """Lower garment: trousers or skirt. ``length`` in leg coordinates, ``fit`` and ``flare`` in metres."""

    kind: str
    length: float
    fit: float
    flare: float
    waist: float
    colour: Colour
    second: Colour
    pattern: str
    scale: float
    belt: Colour | None


@dataclass(frozen=True)
class Shoes:
    """Shoes: ``height`` of the shaft above the floor in metres, colours of upper and sole."""

    kind: str
    height: float
    colour: Colour
    sole: Colour
    sole_height: float
    sock: Colour | None


@dataclass(frozen=True)
class Outfit:
    """All that a person wears; folds are random numbers for wrinkles."""

    top: Top
    bottom: Bottom
    jacket: Top | None
    shoes: Shoes
    dress: bool


def _pick(rng: np.random.Generator, options: tuple[Colour, ...]) -> Colour:
    base = options[int(rng.integers(len(options)))]
    factor = rng.uniform(0.9, 1.08)
    return tuple(float(np.clip(c * factor, 0.04, 0.98)) for c in base)  # type: ignore[return-value]


def _vivid(rng: np.random.Generator) -> Colour:
    hue = float(rng.choice([0.0, 0.02, 0.06, 0.1, 0.13, 0.3, 0.4, 0.5, 0.56, 0.6, 0.66, 0.8, 0.92, 0.97]))
    # Pure greens and violets are rare in cloth.
    most = 0.42 if 0.25 < hue < 0.45 or 0.7 < hue < 0.9 else 0.7
    red, green, blue = colorsys.hsv_to_rgb(hue, float(rng.uniform(0.2, most)), float(rng.uniform(0.32, 0.8)))
    return red, green, blue


def _cloth(rng: np.random.Generator, vivid: float) -> Colour:
    return _vivid(rng) if rng.random() < vivid else _pick(rng, NEUTRALS)


def _pattern(rng: np.random.Generator, plain: float, extra: tuple[str, ...] = ()) -> str:
    return "plain" if rng.random() < plain else str(rng.choice([*PATTERNS, *extra]))


def _sleeve(rng: np.random.Generator, name: str, female: bool) -> float:
    if name in ("hoodie", "sweater"):
        return float(rng.uniform(1.86, 1.98))
    if name == "shirt":
        return float(rng.choice([rng.uniform(1.84, 1.96), rng.uniform(0.45, 0.65), rng.uniform(0.95, 1.15)]))
    lengths = [-1.0, rng.uniform(0.35, 0.65), rng.uniform(0.8, 1.2), rng.uniform(1.82, 1.97)]
    return float(rng.choice(lengths, p=[0.22, 0.4, 0.13, 0.25] if female else [0.06, 0.6, 0.08, 0.26]))


def _sample_top(rng: np.random.Generator, female: bool, tuck: bool) -> Top:
    name = str(rng.choice(TOPS, p=[0.5, 0.22, 0.13, 0.15] if female else [0.42, 0.27, 0.16, 0.15]))
    sleeve = _sleeve(rng, name, female)
    neck = (
        "shirt"
        if name == "shirt"
        else str(
            rng.choice(["crew", "v", "scoop", "high"], p=[0.4, 0.25, 0.23, 0.12] if female else [0.62, 0.2, 0.05, 0.13])
        )
    )
    if name == "hoodie" or (sleeve < 0 and neck == "high" and not female):
        neck = "crew"
    tuck = tuck and name != "hoodie"
    roomy = name in ("hoodie", "sweater")
    fit = (
        rng.uniform(0.014, 0.024)
        if roomy and not tuck
        else (rng.uniform(0.004, 0.012) if tuck or female else rng.uniform(0.007, 0.018))
    )
    front = {"shirt": "buttons", "hoodie": str(rng.choice(["", "zip"]))}.get(name, "")
    if not front and neck == "v" and rng.random() < 0.35:
        front = "buttons"
    return Top(
        sleeve=sleeve,
        neck=neck,
        depth=float(rng.uniform(0, 1)),
        hem=float(rng.uniform(-0.02, 0.07)) if not tuck else 0.1,
        tuck=tuck,
        fit=float(fit),
        colour=_cloth(rng, 0.35 if name == "shirt" else 0.5),
        second=_cloth(rng, 0.4),
        pattern=_pattern(
            rng, 0.55 if name in ("tee", "shirt") else 0.75, () if name == "shirt" else ("block", "raglan")
        ),
        scale=float(rng.uniform(0.018, 0.05)),
        front=front,
        collar={"shirt": "shirt", "hoodie": "hood"}.get(name, ""),
        name=name,
    )


def _sample_bottom(rng: np.random.Generator, female: bool) -> Bottom:
    kind = "skirt" if female and rng.random() < 0.34 else "trousers"
    if kind == "skirt":
        length, fit, flare = rng.uniform(0.5, 1.6), 0.008, rng.uniform(0.0, 0.12)
    else:
        length = rng.choice(
            [rng.uniform(0.35, 0.85), rng.uniform(1.4, 1.7), rng.uniform(1.92, 2.05)], p=[0.2, 0.08, 0.72]
        )
        fit = rng.uniform(0.004, 0.014) if female else rng.uniform(0.008, 0.02)
        flare = rng.choice([0.0, rng.uniform(0.008, 0.02), rng.uniform(0.02, 0.05)], p=[0.4, 0.35, 0.25])
    denim = kind == "trousers" and rng.random() < 0.4
    colour = _pick(rng, DENIM) if denim else _cloth(rng, 0.5 if kind == "skirt" else 0.22)
    return Bottom(
        kind=kind,
        length=float(length),
        fit=float(fit),
        flare=float(flare),
        waist=float(rng.uniform(0.13, 0.19) if female else rng.uniform(0.11, 0.15)),
        colour=colour,
        second=_cloth(rng, 0.3),
        pattern=_bottom_pattern(rng, kind, denim),
        scale=float(rng.uniform(0.02, 0.05)),
        belt=_pick(rng, LEATHER) if rng.random() < 0.3 else None,
    )


def _bottom_pattern(rng: np.random.Generator, kind: str, denim: bool) -> str:
    if denim:
        return "denim"
    if kind == "skirt":
        return _pattern(rng, 0.6)
    return str(rng.choice(["plain", "side", "pinstripes", "cargo"], p=[0.77, 0.07, 0.06, 0.1]))


def _sample_outer(rng: np.random.Generator, bottom: Bottom, top: Top) -> Top:
    """A cardigan, blazer, bomber jacket or coat, open or closed."""
    name = str(rng.choice(OUTER, p=[0.25, 0.3, 0.2, 0.25]))
    colour = _cloth(rng, 0.3)
    closed = rng.random() < 0.3 and name != "cardigan"
    hem = {"cardigan": rng.uniform(-0.02, 0.08), "blazer": rng.uniform(-0.02, 0.02), "bomber": rng.uniform(0.07, 0.11)}
    skirts = float(rng.uniform(0.55, 1.35)) if name == "coat" else 0.0
    low = bottom.waist - 0.015 if bottom.kind == "skirt" and name != "coat" else float(hem.get(name, 0.1))
    return Top(
        sleeve=float(rng.uniform(1.86, 1.98)),
        neck="v" if not (closed and name in ("bomber", "coat")) else "crew",
        depth=0.5 if not closed else 0.0,
        hem=low,
        tuck=False,
        fit=float(rng.uniform(0.016, 0.024)),
        colour=colour,
        second=_cloth(rng, 0.3),
        pattern="tartan" if name in ("blazer", "coat") and rng.random() < 0.15 else "plain",
        scale=0.05,
        opening=0.0 if closed else float(rng.uniform(0.03, 0.065)),
        front={"cardigan": "", "bomber": "zip"}.get(name, "buttons"),
        collar="lapel" if name in ("blazer", "coat") else "",
        name=name,
        skirts=skirts,
    )


def _sample_shoes(rng: np.random.Generator, bare: bool) -> Shoes:
    kind = str(rng.choice(["sneaker", "low", "boot"], p=[0.45, 0.35, 0.2]))
    white = (0.92, 0.92, 0.91)
    dark = (0.07, 0.06, 0.06)
    colour = _pick(rng, LEATHER) if kind != "sneaker" else (white if rng.random() < 0.5 else _cloth(rng, 0.5))
    return Shoes(
        kind=kind,
        height={"sneaker": 0.088, "low": 0.066, "boot": float(rng.uniform(0.15, 0.3))}[kind],
        colour=colour,
        sole=white if kind == "sneaker" else (dark if rng.random() < 0.7 else (0.45, 0.3, 0.18)),
        sole_height=float(rng.uniform(0.018, 0.034) if kind == "sneaker" else rng.uniform(0.012, 0.024)),
        sock=(white if rng.random() < 0.6 else _cloth(rng, 0.3))
        if kind == "sneaker" and bare and rng.random() < 0.6
        else None,
    )


def sample_outfit(rng: np.random.Generator, traits: Traits) -> Outfit:
    """Draw what a person wears."""
    female = traits.female
    dress = female and bool(rng.random() < 0.26)
    tuck = bool(rng.random() < (0.6 if female else 0.3))
    bottom = _sample_bottom(rng, female)
    top = _sample_top(rng, female, tuck or bottom.kind == "skirt")
    if dress:
        plain = top.pattern if top.pattern in ("stripes", "checks", "dots", "floral", "dip") else "plain"
        top = replace(top, tuck=True, pattern=plain, fit=0.006, name="tee", collar="", front="")
        if top.neck == "shirt":
            top = replace(top, neck="scoop")
        bottom = Bottom(
            "skirt", float(rng.uniform(0.55, 1.75)), 0.007, float(rng.uniform(0.0, 0.12)), 0.16, top.colour,
            top.second, plain, top.scale, bottom.belt,
        )  # fmt: skip
    jacket = None
    if rng.random() < 0.32 and top.neck != "high" and top.collar != "hood" and not top.name == "sweater":
        jacket = _sample_outer(rng, bottom, top)
        if jacket.skirts and bottom.kind == "skirt" and bottom.length > jacket.skirts:
            jacket = replace(jacket, skirts=min(1.7, bottom.length + 0.08))
        if top.sleeve > 0.6:
            top = replace(top, sleeve=0.5)
    return Outfit(top, bottom, jacket, _sample_shoes(rng, bottom.length < 1.5), dress)
