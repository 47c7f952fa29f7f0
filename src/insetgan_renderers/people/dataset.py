"""Archives of rendered people: many images in parallel, resumable."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from insetgan.data.fill import write_archive
from insetgan.data.writer import ArchiveWriter, check_format, encode_image, image_name
from insetgan.runtime.errors import UserError
from insetgan_renderers.people.surface import PART_LABELS

_RECIPE_VERSION = 4  # of the renderer: another number, other images
_SEEDS = 2**32  # numpy's range


@dataclass(frozen=True)
class People:
    """Which people are rendered, and how they are stored: image i is ``render_person(seed + i, height, width)``.

    Attributes:
        num_images: how many images.
        height: of the images, pixels.
        width: of the images, pixels.
        seed: of the first image.
        image_format: ``webp`` (lossy) or ``png``.
        quality: of webp, 1 to 100.

    Raises:
        UserError: a value out of its range.
    """

    num_images: int
    height: int = 256
    width: int = 128
    seed: int = 0
    image_format: str = "webp"
    quality: int = 86

    def __post_init__(self) -> None:
        _check("num_images", self.num_images, 1, 10_000_000)
        _check("height", self.height, 32, 8192)
        _check("width", self.width, 16, 8192)
        _check("seed", self.seed, 0, _SEEDS - self.num_images)
        if not 1 <= self.quality <= 100:
            raise UserError(f"data.quality={self.quality}: must be from 1 to 100")
        check_format(self.image_format)

    @property
    def recipe(self) -> dict[str, Any]:
        """What tells these images from others; their number does not."""
        quality = {"quality": self.quality} if self.image_format == "webp" else {}
        size = {"height": self.height, "width": self.width}
        made = {"source": "people", "version": _RECIPE_VERSION, "seed": self.seed}
        return {**made, **size, "format": self.image_format, **quality}

    @property
    def names(self) -> list[str]:
        """Names of the images, in order."""
        return [image_name(index, self.image_format) for index in range(self.num_images)]


def _check(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise UserError(f"data.{name}={value}: must be at least {least} and at most {most}")


def _require_extra() -> None:
    missing = [name for name in ("anny", "embreex", "scipy") if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"source=people needs the extra [people]: pip install 'insetgan[people]' ({', '.join(missing)} missing)"
        )


def _render_one(writer: ArchiveWriter, people: People, index: int) -> None:
    from insetgan_renderers.people.render import render_person

    person = render_person(people.seed + index, people.height, people.width)
    masks = {part: person.labels == label for part, label in PART_LABELS.items()}
    data = encode_image(person.image, people.image_format, people.quality)
    writer.add(image_name(index, people.image_format), data, person.boxes, masks)


class PeopleSource:
    """The data source of rendered people, twice as high as wide."""

    name = "people"

    def default_width(self, height: int) -> int:
        """Half of the height."""
        return height // 2

    def write(self, path: str | Path, **settings: Any) -> bool:
        """Write an archive; see `write_people`."""
        return write_people(path, **settings)


def write_people(
    path: str | Path,
    *,
    workers: int | None = None,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    **people: Any,
) -> bool:
    """Write an archive of rendered people.

    Args:
        path: the zip to make.
        workers: see `data.fill.write_archive`.
        overwrite: whether another file at the path may be replaced.
        on_progress: see `data.fill.write_archive`.
        **people: the fields of `People`.

    Returns:
        Whether the archive was written; False when it stood there already.

    Raises:
        UserError: a bad argument, a path that holds something else or cannot be written, or the extra ``[people]`` is
            not installed.
    """
    chosen = People(**people)
    size, parts = (chosen.height, chosen.width), tuple(PART_LABELS)
    writer = ArchiveWriter(path, size=size, parts=parts, recipe=chosen.recipe, overwrite=overwrite)
    render = partial(_render_one, writer, chosen)
    return write_archive(writer, chosen.names, render, workers=workers, on_progress=on_progress, ready=_require_extra)
