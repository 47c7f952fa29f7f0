"""What the pipeline does: named sets, probabilities and strengths, with the paper's values."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

BLIT = ("xflip", "rotate90", "xint")
GEOMETRY = ("scale", "rotate", "aniso", "xfrac")
COLOUR = ("brightness", "contrast", "lumaflip", "hue", "saturation")
GROUPS = {"b": BLIT, "g": GEOMETRY, "c": COLOUR, "f": ("imgfilter",), "n": ("noise",), "o": ("cutout",)}


def _set(groups: str, without: Iterable[str] = ()) -> dict[str, float]:
    return {name: 1.0 for group in groups for name in GROUPS[group] if name not in without}


# Transformations of each set with the multipliers of their probability. "body" is StyleGAN-Human's: people stand upright.
# "diff" is DiffAugment's (Zhao et al. 2020): colours, translation and cutout, which cost next to nothing.
SETS: dict[str, dict[str, float]] = {
    "blit": _set("b"),
    "geom": _set("g"),
    "color": _set("c"),
    "filter": _set("f"),
    "noise": _set("n"),
    "cutout": _set("o"),
    "bg": _set("bg"),
    "bgc": _set("bgc"),
    "bgcf": _set("bgcf"),
    "bgcfn": _set("bgcfn"),
    "bgcfnc": _set("bgcfno"),
    "body": _set("bgc", without=("rotate90", "rotate")),
    "diff": _set("bco", without=("xflip", "rotate90", "lumaflip", "hue")),
}


@dataclass(frozen=True)
class Settings:
    """Multipliers of probabilities, 0 = never, and strengths (appendix B).

    Args:
        xflip: mirror left and right.
        rotate90: by multiples of 90 degrees.
        xint: translate by whole pixels.
        scale: enlarge or shrink.
        rotate: by any angle.
        aniso: stretch one axis, at any angle if rotating.
        xfrac: translate by fractions of pixels.
        brightness: add to all channels.
        contrast: multiply all channels.
        lumaflip: turn light to dark.
        hue: rotate about the grey axis.
        saturation: multiply distances from the grey axis.
        imgfilter: amplify or weaken bands of frequencies.
        noise: add white noise.
        cutout: set a rectangle to 0.
        xint_max: share of the size, uniform.
        scale_std: of the logarithm to base 2.
        rotate_max: 1 = half a turn each way, uniform.
        aniso_std: of the logarithm to base 2.
        xfrac_std: share of the size.
        brightness_std: in units of an image's [-1, 1].
        contrast_std: of the logarithm to base 2.
        hue_max: 1 = half a turn each way, uniform.
        saturation_std: of the logarithm to base 2.
        imgfilter_bands: further multipliers for each band from low to high.
        imgfilter_std: of the logarithm to base 2.
        noise_std: of the noise's own standard deviation.
        cutout_size: share of height and width.
    """

    xflip: float = 0.0
    rotate90: float = 0.0
    xint: float = 0.0
    scale: float = 0.0
    rotate: float = 0.0
    aniso: float = 0.0
    xfrac: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    lumaflip: float = 0.0
    hue: float = 0.0
    saturation: float = 0.0
    imgfilter: float = 0.0
    noise: float = 0.0
    cutout: float = 0.0
    xint_max: float = 0.125
    scale_std: float = 0.2
    rotate_max: float = 1.0
    aniso_std: float = 0.2
    xfrac_std: float = 0.125
    brightness_std: float = 0.2
    contrast_std: float = 0.5
    hue_max: float = 1.0
    saturation_std: float = 1.0
    imgfilter_bands: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    imgfilter_std: float = 1.0
    noise_std: float = 0.1
    cutout_size: float = 0.5


def settings_of(pipe: str, overrides: dict[str, Any]) -> Settings:
    """Settings of a named set, some of them changed.

    Raises:
        ValueError: no such set or setting, or a value below zero.
    """
    if pipe not in SETS:
        raise ValueError(f"augment.pipe={pipe}: must be one of {', '.join(SETS)}")
    names = [field.name for field in fields(Settings)]
    for name, value in overrides.items():
        if name not in names:
            raise ValueError(f"augment.{name}={value}: no such setting; there are {', '.join(names)}")
        if name == "imgfilter_bands":
            if not (isinstance(value, Iterable) and len(bands := list(value)) == 4 and all(map(_fits, bands))):
                raise ValueError(f"augment.{name}={value}: must be four numbers, 0 or more")
            overrides = overrides | {name: tuple(bands)}
        elif not _fits(value):
            raise ValueError(f"augment.{name}={value}: must be a number, 0 or more")
    return replace(Settings(), **{**SETS[pipe], **overrides})


def _fits(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0
