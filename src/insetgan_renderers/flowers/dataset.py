"""Archives of painted flowers."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from insetgan.data.fill import write_archive
from insetgan.data.writer import ArchiveWriter, encode_image, image_name
from insetgan_renderers.flowers.flower import check_shape, paint_flower
from insetgan_renderers.people.dataset import People

PART = "blossom"
_RECIPE_VERSION = 1  # of the painter: another number, other images


def _paint_one(writer: ArchiveWriter, chosen: People, index: int) -> None:
    flower = paint_flower(chosen.seed + index, chosen.height, chosen.width)
    data = encode_image(flower.image, chosen.image_format, chosen.quality)
    writer.add(image_name(index, chosen.image_format), data, {PART: flower.box}, {PART: flower.mask})


class FlowersSource:
    """The data source of painted flowers, which are square."""

    name = "flowers"

    def default_width(self, height: int) -> int:
        """The height."""
        return height

    def write(self, path: str | Path, **settings: Any) -> bool:
        """Write an archive; see `write_flowers`."""
        return write_flowers(path, **settings)


def write_flowers(
    path: str | Path,
    *,
    workers: int | None = None,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    **flowers: Any,
) -> bool:
    """Write an archive of painted flowers: image i is ``paint_flower(seed + i, height, width)``.

    Args:
        path: the zip to make.
        workers: see `data.fill.write_archive`.
        overwrite: whether another file at the path may be replaced.
        on_progress: see `data.fill.write_archive`.
        **flowers: num_images, height, width, seed, image_format and quality, as `People` has them.

    Returns:
        Whether the archive was written; False when it stood there already.

    Raises:
        UserError: a bad argument, or a path that holds something else or cannot be written.
    """
    chosen = People(**flowers)  # the same settings with the same ranges
    check_shape(chosen.height, chosen.width)
    recipe = chosen.recipe | {"source": "flowers", "version": _RECIPE_VERSION}
    writer = ArchiveWriter(path, size=(chosen.height, chosen.width), parts=(PART,), recipe=recipe, overwrite=overwrite)
    paint = partial(_paint_one, writer, chosen)
    return write_archive(writer, chosen.names, paint, workers=workers, on_progress=on_progress)
