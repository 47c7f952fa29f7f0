"""What the pipeline does: named sets, probabilities and strengths, with the paper's values."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field

from insetgan.runtime.settings import read, settings

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


Strength = Annotated[float, Field(ge=0, le=1000)]


@settings
class Settings:
    """Multipliers of probabilities, 0 = never, and strengths (appendix B)."""

    xflip: Annotated[Strength, Field(description="mirror left and right")] = 0.0
    rotate90: Annotated[Strength, Field(description="by multiples of 90 degrees")] = 0.0
    xint: Annotated[Strength, Field(description="translate by whole pixels")] = 0.0
    scale: Annotated[Strength, Field(description="enlarge or shrink")] = 0.0
    rotate: Annotated[Strength, Field(description="by any angle")] = 0.0
    aniso: Annotated[Strength, Field(description="stretch one axis, at any angle if rotating")] = 0.0
    xfrac: Annotated[Strength, Field(description="translate by fractions of pixels")] = 0.0
    brightness: Annotated[Strength, Field(description="add to all channels")] = 0.0
    contrast: Annotated[Strength, Field(description="multiply all channels")] = 0.0
    lumaflip: Annotated[Strength, Field(description="turn light to dark")] = 0.0
    hue: Annotated[Strength, Field(description="rotate about the grey axis")] = 0.0
    saturation: Annotated[Strength, Field(description="multiply distances from the grey axis")] = 0.0
    imgfilter: Annotated[Strength, Field(description="amplify or weaken bands of frequencies")] = 0.0
    noise: Annotated[Strength, Field(description="add white noise")] = 0.0
    cutout: Annotated[Strength, Field(description="set a rectangle to 0")] = 0.0
    xint_max: Annotated[Strength, Field(description="share of the size, uniform")] = 0.125
    scale_std: Annotated[Strength, Field(description="of the logarithm to base 2")] = 0.2
    rotate_max: Annotated[Strength, Field(description="1 = half a turn each way, uniform")] = 1.0
    aniso_std: Annotated[Strength, Field(description="of the logarithm to base 2")] = 0.2
    xfrac_std: Annotated[Strength, Field(description="share of the size")] = 0.125
    brightness_std: Annotated[Strength, Field(description="in units of an image's [-1, 1]")] = 0.2
    contrast_std: Annotated[Strength, Field(description="of the logarithm to base 2")] = 0.5
    hue_max: Annotated[Strength, Field(description="1 = half a turn each way, uniform")] = 1.0
    saturation_std: Annotated[Strength, Field(description="of the logarithm to base 2")] = 1.0
    imgfilter_bands: Annotated[
        tuple[Strength, Strength, Strength, Strength],
        Field(description="further multipliers for each band from low to high"),
    ] = (1.0, 1.0, 1.0, 1.0)
    imgfilter_std: Annotated[Strength, Field(description="of the logarithm to base 2")] = 1.0
    noise_std: Annotated[Strength, Field(description="of the noise's own standard deviation")] = 0.1
    cutout_size: Annotated[Strength, Field(description="share of height and width")] = 0.5


def settings_of(pipe: str, overrides: dict[str, Any]) -> Settings:
    """Settings of a named set, some of them changed.

    Raises:
        ValueError: no such set or setting, or a value below zero.
    """
    if pipe not in SETS:
        raise ValueError(f"augment.pipe={pipe}: must be one of {', '.join(SETS)}")
    return read(Settings, {**SETS[pipe], **overrides}, "augment")
