"""`python prepare.py`: make a dataset."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import MISSING, DictConfig

from insetgan.cli.app import entry
from insetgan.errors import UserError


@dataclass
class DataConfig:
    """What to make.

    Attributes:
        num_images: pictures.
        height: in pixels.
        width: in pixels; half of the height unless given.
        seed: picture i shows the person of seed + i.
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
    """Keys of prepare.py; `out` is the archive to write."""

    source: Any = MISSING
    data: DataConfig = field(default_factory=DataConfig)
    out: str | None = None


def run(config: DictConfig) -> None:
    """Write the archive that the configuration describes, and say where it is."""
    from rich.console import Console

    from insetgan.cli.build import instantiate
    from insetgan.cli.terminal import progress

    data = config.data
    source = config.source
    width = data.width or data.height // 2
    if data.image_format not in ("webp", "png"):
        raise UserError(f"data.image_format={data.image_format}: must be webp or png")
    for name, value, least in (
        ("num_images", data.num_images, 1),
        ("height", data.height, 32),
        ("width", width, 16),
        ("workers", data.workers or 1, 1),
    ):
        if value < least:
            raise UserError(f"data.{name}={value}: must be at least {least}")
    if not 1 <= data.quality <= 100:
        raise UserError(f"data.quality={data.quality}: must be from 1 to 100")
    out = Path(config.out or f"outputs/data/people-{data.height}x{width}.zip")
    with progress(f"rendering into {out}", "images") as on_progress:
        instantiate(
            source,
            path=out,
            num_images=data.num_images,
            height=data.height,
            width=width,
            seed=data.seed,
            workers=data.workers,
            image_format=data.image_format,
            quality=data.quality,
            on_progress=on_progress,
        )
    Console().print(
        f"{out}: {data.num_images} pictures of {data.height} x {width}, {out.stat().st_size / 2**20:.1f} MB",
        highlight=False,
    )


def main() -> None:
    """Entry point."""
    entry(run, "prepare", PrepareConfig)
