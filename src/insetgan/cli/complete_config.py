"""Keys of complete.py, and what values they may have."""

from dataclasses import field
from typing import Annotated, Any, Literal

from omegaconf import DictConfig
from pydantic import Field

from insetgan.cli.compute_config import ThreadsConfig
from insetgan.cli.seeds import parse_seeds
from insetgan.cli.setting_types import BACKGROUND, CROP, GREY, LICENCE, Background, Crop, Grey, Plugins, Psi, SeedText
from insetgan.runtime.errors import UserError
from insetgan.runtime.paths import UserPath, UserWeights
from insetgan.runtime.settings import settings


@settings
class ImagesConfig:
    """The images that are completed."""

    path: Annotated[
        UserPath | None,
        Field(description="folder or zip of images; null takes the rendered people that come with the package"),
    ] = None
    last: Annotated[
        int | None,
        Field(
            ge=1,
            le=100_000_000,
            description="so many images from the end; null is all, of the package's people the last 16, which no training saw",
        ),
    ] = None
    part: Annotated[
        str,
        Field(
            description="round which holes are cut, by the boxes of the archive or, where it has none, by those of the detector"
        ),
    ] = "face"
    masks: Annotated[
        UserPath | None,
        Field(
            description="folder or zip with a mask for each image, of the same name up to the ending; for hole=masks"
        ),
    ] = None
    on_fault: Annotated[Literal["stop", "skip"], Field(description="what to do about images that cannot be used")] = (
        "stop"
    )
    score: Annotated[
        float, Field(ge=0, le=1, description="of the detector, below which an image counts as one without the part")
    ] = 0.3
    crop: Annotated[Crop, Field(description=CROP)] = "none"
    grey: Annotated[Grey, Field(description=GREY)] = "refuse"
    background: Annotated[Background, Field(description=BACKGROUND)] = "white"


@settings
class CompleteConfig:
    """Settings of `insetgan complete`."""

    weights: Annotated[UserWeights, Field(description="a CoModGAN's safetensors file, or an embedded one by name")] = (
        "comodgan"
    )
    hole: Annotated[
        Literal["face", "surroundings", "body", "free", "masks"],
        Field(
            description="what is filled: face (a square round it), surroundings (all but that), body (a rectangle below it), "
            "free (rectangles and strokes), or masks (where they are black)"
        ),
    ] = "surroundings"
    data: Annotated[ImagesConfig, Field(description="the images that are completed")] = field(
        default_factory=ImagesConfig
    )
    seeds: Annotated[SeedText, Field(description="of the completions, as 0-3; each image is completed with each")] = 0
    trunc: Annotated[Psi, Field(description="psi; 1 is off")] = 1.0
    detector: Annotated[Any, Field(description="what finds parts where the archive has no boxes")] = None
    device: Annotated[Literal["auto", "cpu", "cuda"], Field(description="where to compute")] = "auto"
    trainer: Annotated[ThreadsConfig, Field(description="how to compute")] = field(default_factory=ThreadsConfig)
    out: Annotated[
        UserPath | None,
        Field(description="the result folder; null is outputs/complete/<hole>-<digest of the settings>"),
    ] = None
    overwrite: Annotated[
        bool, Field(description="make the completions at out again, of these settings or of others")
    ] = False
    accept_licence: Annotated[bool, Field(description=LICENCE)] = False
    plugins: Plugins = None


def idle(config: DictConfig) -> dict[str, str]:
    """Settings that have no effect beside the others, each with the reason."""
    found: dict[str, str] = {}
    if config.hole in ("free", "masks"):
        found |= dict.fromkeys(("data.part", "data.score", "detector"), f"hole={config.hole} is cut round no part")
    if config.data.path is None:
        found |= dict.fromkeys(("data.grey", "data.background", "data.on_fault"), "belongs to data.path=")
    return found


def check(config: DictConfig) -> list[int]:
    """Refuse settings that do not go together, and read the seeds.

    Raises:
        UserError: naming the key, the value and what is allowed.
    """
    if (config.hole == "masks") != (config.data.masks is not None):
        raise UserError(
            f"hole={config.hole} data.masks={config.data.masks}: masks belong to hole=masks, and it needs them"
        )
    return parse_seeds(config.seeds)
