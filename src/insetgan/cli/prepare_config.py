"""Settings of `python prepare.py`."""

from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import Field

from insetgan.cli.setting_types import Plugins, Seed
from insetgan.data.reading import BACKGROUND
from insetgan.runtime.paths import UserPath
from insetgan.runtime.settings import settings


@settings
class DataConfig:
    """What to make."""

    input: Annotated[
        UserPath | None, Field(description="photograph, or folder of photographs, for sources that read")
    ] = None
    num_images: Annotated[
        int | None,
        Field(ge=1, le=10_000_000, description="images in all; null is 1000, or all files of data.input"),
    ] = None
    height: Annotated[int, Field(ge=1, le=8192, description="in pixels")] = 256
    width: Annotated[
        int | None,
        Field(ge=1, le=8192, description="in pixels; null is the source's own, half of the height for people"),
    ] = None
    seed: Annotated[Seed, Field(description="image i shows the person, or whatever else, of seed + i")] = 0
    image_format: Annotated[Literal["webp", "png"], Field(description="of the images")] = "webp"
    quality: Annotated[int, Field(ge=1, le=100, description="of WebP")] = 86
    workers: Annotated[int | None, Field(ge=1, le=1024, description="processes; null is one a core")] = None
    background: Annotated[Any, Field(description="colour behind transparent images of data.input")] = BACKGROUND
    grey: Annotated[
        Literal["refuse", "rgb"], Field(description="greyscale images of data.input: refused, or made RGB")
    ] = "refuse"


@settings(kw_only=True)
class PrepareConfig:
    """Settings of `insetgan prepare`."""

    source: Annotated[Any, Field(description="what makes the images")]
    finder: Annotated[Any, Field(description="what finds people in photographs, for sources that read")]
    data: Annotated[DataConfig, Field(description="the images")] = field(default_factory=DataConfig)
    out: Annotated[
        UserPath | None, Field(description="the archive to write; null is outputs/data/<source>-<height>x<width>.zip")
    ] = None
    overwrite: Annotated[
        bool, Field(description="whether an archive of other images at out is replaced; else the command is refused")
    ] = False
    plugins: Plugins = None
