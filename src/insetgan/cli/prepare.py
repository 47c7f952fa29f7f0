"""`python prepare.py`: make a dataset."""

import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import MISSING, DictConfig

from insetgan.cli.app import entry
from insetgan.runtime.errors import UserError

if TYPE_CHECKING:
    from insetgan.cli.terminal import OnProgress
    from insetgan.data.source import Source


@dataclass
class DataConfig:
    """What to make.

    Attributes:
        num_images: pictures, at most 10 million.
        height: in pixels, at most 8192.
        width: in pixels, at most 8192; unless given, the source decides: half of the height for people, the height for flowers.
        seed: picture i shows the person, or whatever else, of seed + i.
        image_format: webp or png.
        quality: of WebP, 1..100.
        workers: processes; one a core unless given.
    """

    num_images: int = 1000
    height: int = 256
    width: int | None = None
    seed: int = 0
    image_format: str = "webp"
    quality: int = 86
    workers: int | None = None


@dataclass
class PrepareConfig:
    """Keys of prepare.py.

    Attributes:
        source: what draws the images, a choice of conf/source or a class of your own (docs/extending.md).
        data: the pictures.
        out: the archive to write; outputs/data/<source>-<height>x<width>.zip unless given.
        overwrite: whether an archive of other pictures at `out` is replaced; else it is left and the command refused.
        plugins: packages of your own, from the command line only; see docs/extending.md.
    """

    source: Any = MISSING
    data: DataConfig = field(default_factory=DataConfig)
    out: str | None = None
    overwrite: bool = False
    plugins: Any = None


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


def main() -> None:
    """Entry point."""
    entry(run, "prepare", PrepareConfig)
