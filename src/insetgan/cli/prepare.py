"""`python prepare.py`: make a dataset, or look at photographs."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from insetgan.cli.build import instantiate
from insetgan.cli.idle import refuse_idle, typed
from insetgan.cli.terminal import OnProgress, PatientConsole, progress
from insetgan.data.reading import Reading
from insetgan.data.source import Source
from insetgan.detection.detector import Detector
from insetgan.detection.people import DetectedPeople, PeopleFinder
from insetgan.preparation.source import FileSource, Task
from insetgan.runtime.errors import UserError
from insetgan.runtime.plugins import resolve

DRAWN = 1000
"""Images that a source draws where the user does not say how many."""


def run(config: DictConfig) -> None:
    """Write the archive that the configuration describes unless it is there already, and say where it is."""
    if _is_kind(config.source, FileSource):
        _run_files(config)
    else:
        _run_drawn(config)


def _run_drawn(config: DictConfig) -> None:
    """Let a source draw an archive of images."""
    data = config.data
    count = DRAWN if data.num_images is None else data.num_images
    source, width, out = _ready_to_draw(config)
    with _bar(f"rendering into {out}", "images") as on_progress:
        written = source.write(
            out,
            num_images=count,
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
        f"{out}: {'' if written else 'already made, '}{count} images of {data.height} x {width}, "
        f"{out.stat().st_size / 2**20:.1f} MB",
        markup=False,
    )


def check_run(config: DictConfig) -> None:
    """Raise what would stop a run before its work; the user's images are not looked at.

    Raises:
        UserError: a setting cannot be used.
    """
    if _is_kind(config.source, FileSource):
        _ready_to_read(config)
    else:
        _ready_to_draw(config)


def _ready_to_draw(config: DictConfig) -> tuple[Source, int, Path]:
    """What draws the images, their width, and where they go."""
    data = config.data
    if data.input is not None:
        raise UserError(f"data.input={data.input}: this source draws its images itself; leave it out")
    reads = "this source draws its images itself"
    refuse_idle({**dict.fromkeys(("finder", "data.background", "data.grey"), reads), **_of_webp(config)}, typed())
    source: Source = instantiate(config.source, Source)
    width = source.default_width(data.height) if data.width is None else data.width
    return source, width, _out(config.out, source, data.height, width)


def _ready_to_read(config: DictConfig) -> tuple[FileSource, PeopleFinder | None]:
    """What makes something of the user's files, and what finds people in them."""
    source: FileSource = instantiate(config.source, FileSource)
    if config.data.input is None:
        raise UserError("data.input=null: must be a photograph or a folder of photographs")
    refuse_idle({**source.idle(Path(config.data.input)), **_of_webp(config)}, typed())
    return source, _finder(config.finder) if source.finds else None


def _of_webp(config: DictConfig) -> dict[str, str]:
    """What is idle for PNG."""
    return {"data.quality": "belongs to data.image_format=webp"} if config.data.image_format == "png" else {}


def _run_files(config: DictConfig) -> None:
    """Let a source make something of the user's files."""
    data = config.data
    source, finder = _ready_to_read(config)
    with _bar(f"reading {data.input}", "files") as on_progress:
        task = Task(
            path=Path(data.input),
            out=None if config.out is None else Path(config.out),
            height=data.height,
            width=data.width,
            limit=data.num_images,
            workers=data.workers,
            image_format=data.image_format,
            quality=data.quality,
            overwrite=config.overwrite,
            reading=Reading(data.background, data.grey),
            finder=finder,
            on_progress=on_progress,
        )
        lines = source.run(task)
    for line in lines:
        PatientConsole().print(line, markup=False)


def _finder(node: Any) -> PeopleFinder:
    """What finds people; a detector finds one person by its parts."""
    if isinstance(node, DictConfig) and _is_kind(node, object, method="find"):
        finder: PeopleFinder = instantiate(node, PeopleFinder)
        return finder
    return DetectedPeople(instantiate(node, Detector))


def _is_kind(node: Any, kind: type, method: str = "") -> bool:
    """Whether the class that a node names is of a kind and has a method; what is no such node is refused later."""
    if not isinstance(node, DictConfig) or "_target_" not in node:
        return False
    made = resolve(node["_target_"], f"{node._get_full_key('')}._target_")
    return isinstance(made, type) and issubclass(made, kind) and (not method or hasattr(made, method))


@contextmanager
def _bar(title: str, unit: str) -> Iterator[OnProgress]:
    """A progress bar that is not shown before it is sure that there is something to do."""
    with ExitStack() as stack:
        shown: list[OnProgress] = []

        def on_progress(done: int, total: int) -> None:
            if not shown:
                shown.append(stack.enter_context(progress(title, unit)))
            shown[0](done, total)

        yield on_progress


def _out(given: str | None, source: "Source", height: int, width: int) -> Path:
    if given is None:
        if not re.fullmatch(r"[\w.-]+", str(source.name)) or source.name.startswith("."):
            raise UserError(f"source: is named {source.name!r}, which names no file; add out=PATH.zip")
        return Path(f"outputs/data/{source.name}-{height}x{width}.zip")
    if not given.strip():
        raise UserError(f"out={given}: must name the archive to write, ending in .zip")
    return Path(given)
