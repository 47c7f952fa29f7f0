"""`python prepare.py`: make a dataset."""

import re
from contextlib import ExitStack
from pathlib import Path

from omegaconf import DictConfig

from insetgan.cli.build import instantiate
from insetgan.cli.terminal import OnProgress, PatientConsole, progress
from insetgan.data.source import Source
from insetgan.runtime.errors import UserError


def run(config: DictConfig) -> None:
    """Write the archive that the configuration describes unless it is there already, and say where it is."""
    data = config.data
    source, width, out = _ready(config)
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


def check_run(config: DictConfig) -> None:
    """Raise what would stop a run before its work.

    Raises:
        UserError: a setting cannot be used.
    """
    _ready(config)


def _ready(config: DictConfig) -> tuple[Source, int, Path]:
    """What makes the images, their width, and where they go."""
    source: Source = instantiate(config.source, Source)
    width = source.default_width(config.data.height) if config.data.width is None else config.data.width
    return source, width, _out(config.out, source, config.data.height, width)


def _out(given: str | None, source: "Source", height: int, width: int) -> Path:
    if given is None:
        if not re.fullmatch(r"[\w.-]+", str(source.name)) or source.name.startswith("."):
            raise UserError(f"source: is named {source.name!r}, which names no file; add out=PATH.zip")
        return Path(f"outputs/data/{source.name}-{height}x{width}.zip")
    if not given.strip():
        raise UserError(f"out={given}: must name the archive to write, ending in .zip")
    return Path(given)
