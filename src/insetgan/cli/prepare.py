"""`python prepare.py`: make a dataset."""

import re
from contextlib import ExitStack
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from omegaconf import DictConfig
from pydantic import Field

from insetgan.cli.app import entry
from insetgan.cli.setting_types import PLUGINS, Seed
from insetgan.runtime.errors import UserError
from insetgan.runtime.paths import UserPath
from insetgan.runtime.settings import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from insetgan.cli.terminal import OnProgress
    from insetgan.data.source import Source


@settings
class DataConfig:
    """What to make."""

    num_images: Annotated[int, Field(ge=1, le=10_000_000, description="images in all")] = 1000
    height: Annotated[int, Field(ge=1, le=8192, description="in pixels")] = 256
    width: Annotated[
        int | None,
        Field(ge=1, le=8192, description="in pixels; null is the source's own, half of the height for people"),
    ] = None
    seed: Annotated[Seed, Field(description="image i shows the person, or whatever else, of seed + i")] = 0
    image_format: Annotated[Literal["webp", "png"], Field(description="of the images")] = "webp"
    quality: Annotated[int, Field(ge=1, le=100, description="of WebP")] = 86
    workers: Annotated[int | None, Field(ge=1, le=1024, description="processes; null is one a core")] = None


@settings(kw_only=True)
class PrepareConfig:
    """Settings of `insetgan prepare`."""

    source: Annotated[Any, Field(description="what makes the images")]
    data: Annotated[DataConfig, Field(description="the images")] = field(default_factory=DataConfig)
    out: Annotated[
        UserPath | None, Field(description="the archive to write; null is outputs/data/<source>-<height>x<width>.zip")
    ] = None
    overwrite: Annotated[
        bool, Field(description="whether an archive of other images at out is replaced; else the command is refused")
    ] = False
    plugins: Annotated[str | list[str] | None, Field(description=PLUGINS)] = None


def run(config: DictConfig) -> None:
    """Write the archive that the configuration describes unless it is there already, and say where it is."""
    from insetgan.cli.build import instantiate
    from insetgan.cli.terminal import PatientConsole, progress
    from insetgan.data.source import Source

    data = config.data
    source = instantiate(config.source, Source)
    width = source.default_width(data.height) if data.width is None else data.width
    out = _out(config.out, source, data.height, width)
    with ExitStack() as stack:

        def on_progress(done: int, total: int) -> None:
            if not shown:  # no bar before it is sure that there is something to do
                shown.append(stack.enter_context(progress(f"rendering into {out}", "images")))
            shown[0](done, total)

        shown: list[OnProgress] = []
        written = source.write(
            out,
            num_images=data.num_images,
            height=data.height,
            width=width,
            seed=data.seed,
            workers=data.workers,
            image_format=data.image_format,
            quality=data.quality,
            overwrite=config.overwrite,
            on_progress=on_progress,
        )
    PatientConsole().print(
        f"{out}: {'' if written else 'already made, '}{data.num_images} pictures of {data.height} x {width}, "
        f"{out.stat().st_size / 2**20:.1f} MB",
        markup=False,
    )


def _out(given: str | None, source: "Source", height: int, width: int) -> Path:
    if given is None:
        if not re.fullmatch(r"[\w.-]+", str(source.name)) or source.name.startswith("."):
            raise UserError(f"source: is named {source.name!r}, which names no file; add out=PATH.zip")
        return Path(f"outputs/data/{source.name}-{height}x{width}.zip")
    if not given.strip():
        raise UserError(f"out={given}: must name the archive to write, ending in .zip")
    return Path(given)


def main(arguments: "Sequence[str] | None" = None) -> None:
    """Entry point; the arguments are those of the process unless given."""
    entry(run, "prepare", PrepareConfig, arguments)
