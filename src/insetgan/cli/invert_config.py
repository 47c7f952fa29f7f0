"""Keys of invert.py, and what values they may have."""

from dataclasses import field, fields
from typing import Annotated, Any, Literal

from omegaconf import DictConfig
from pydantic import Field

from insetgan.cli.compute_config import ThreadsConfig
from insetgan.cli.setting_types import BACKGROUND, LICENCE, Background, Plugins
from insetgan.inversion.options import Align, InversionSpace, ProjectorOptions, TuningOptions
from insetgan.runtime.errors import UserError
from insetgan.runtime.paths import UserPath, UserWeights
from insetgan.runtime.settings import settings

Start = Literal["encoder", "mean"]
Images = UserPath | list[str]
ImageBox = tuple[int, int, int, int]

ALIGN = (
    "which piece of an image is taken: whole (its ratio must be the generator's), center (cut to its middle), fit (all of it, "
    "padded by reflection), part (the square round the part that the detector finds), or person (a whole body, placed as "
    "prepared sets are; found by MediaPipe's models, extra [photos])"
)
IMAGE_BOX = "x0, y0, x1, y1 in pixels of the upright image, where that piece is given"
START = "where the latents start: encoder, or mean (w_avg)"
ENCODER = "a .safetensors file of an encoder (train.py writes them); null takes an embedded one that knows the weights"


@settings
class InvertConfig:
    """Settings of `insetgan invert`."""

    image: Annotated[
        Images | None,
        Field(description="what is inverted: a file, a folder, a pattern such as 'faces/*.jpg', or a list"),
    ] = None
    weights: Annotated[UserWeights, Field(description="a generator: an embedded model by name, or a file")] = "face"
    start: Annotated[Start, Field(description=START)] = "encoder"
    encoder: Annotated[UserWeights | None, Field(description=ENCODER)] = None
    passes: Annotated[
        int | None, Field(ge=1, le=100, description="corrections of the encoder; null is as many as it was trained for")
    ] = None
    steps: Annotated[
        int | None,
        Field(
            ge=0, le=1_000_000, description="updates behind the start; null is 30 from the encoder, 500 from the mean"
        ),
    ] = None
    space: Annotated[
        InversionSpace, Field(description="what moves: w* (w* + delta), w, w+, or w+f (w and one feature map)")
    ] = "w*"
    projector: Annotated[ProjectorOptions, Field(description="how latents are optimised")] = field(
        default_factory=ProjectorOptions
    )
    tuning: Annotated[TuningOptions, Field(description="pivotal tuning of the generator, for one image")] = field(
        default_factory=TuningOptions
    )
    align: Annotated[Align, Field(description=ALIGN)] = "whole"
    part: Annotated[str, Field(description="what align=part looks for")] = "face"
    box: Annotated[ImageBox | None, Field(description=IMAGE_BOX)] = None
    margin: Annotated[
        float, Field(gt=-0.5, le=10, description="of align=part, on every side, as a fraction of the longer side")
    ] = 0.15
    background: Annotated[Background, Field(description=BACKGROUND)] = "white"
    detector: Annotated[Any, Field(description="what finds the part")] = None
    perceptual: Annotated[Any, Field(description="feature extractor of the perceptual distance")] = None
    on_fault: Annotated[Literal["stop", "skip"], Field(description="what to do about images that cannot be used")] = (
        "stop"
    )
    batch_size: Annotated[int, Field(ge=1, le=4096, description="images at once")] = 16
    device: Annotated[Literal["auto", "cpu", "cuda"], Field(description="where to compute")] = "auto"
    trainer: Annotated[ThreadsConfig, Field(description="how to compute")] = field(default_factory=ThreadsConfig)
    out: Annotated[
        UserPath | None,
        Field(description="the result folder; null is outputs/invert/<weights>-<digest of the settings>"),
    ] = None
    overwrite: Annotated[bool, Field(description="make the results at out again, of these settings or of others")] = (
        False
    )
    accept_licence: Annotated[bool, Field(description=LICENCE)] = False
    plugins: Plugins = None


def idle(config: DictConfig) -> dict[str, str]:
    """Settings that have no effect beside the others, each with the reason."""
    found: dict[str, str] = {}
    if config.align != "part" or config.box is not None:
        found |= dict.fromkeys(("part", "margin", "detector"), "belongs to align=part")
    if config.box is not None:
        found["align"] = "box= says which piece is taken"
    if config.steps == 0:
        found["projector"] = "belongs to steps of 1 or more"
    if config.tuning.steps == 0:
        found |= {f"tuning.{each.name}": "belongs to tuning.steps=" for each in fields(TuningOptions)}
        del found["tuning.steps"]
    if config.space != "w+f":
        found["projector.feature_rows"] = "belongs to space=w+f"
    return found


def check(config: DictConfig) -> None:
    """Refuse settings that do not go together.

    Raises:
        UserError: naming the key, the value and what is allowed.
    """
    if config.image is None:
        raise UserError("image is not given: add image=FILE, a folder, or a pattern such as 'image=faces/*.jpg'")
    if config.start == "mean" and (config.encoder is not None or config.passes is not None):
        key = "encoder" if config.encoder is not None else "passes"
        raise UserError(f"{key}={config[key]}: belongs to start=encoder")
    if config.tuning.steps and config.space == "w+f":
        raise UserError("tuning.steps: the pivot is w, w+ or w*, not space=w+f")
