"""Archives of painted flowers."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from insetgan.data.fill import check_workers, fill
from insetgan.data.writer import ArchiveWriter, encode_image, image_name
from insetgan_renderers.flowers.flower import check_shape, paint_flower
from insetgan_renderers.people.dataset import People

PART = "blossom"
_RECIPE_VERSION = 1  # of the painter: another number, other pictures


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
    """Write an archive of painted flowers: picture i is ``paint_flower(seed + i, height, width)``.

    Killed and started again with the same arguments, it goes on where it stopped; when the archive is finished, nothing
    is done. The result does not depend on the number of workers.

    Args:
        path: the zip to make.
        workers: processes, at least 1; None means one a core.
        overwrite: whether another file at the path may be replaced.
        on_progress: called with (pictures done, pictures in all), first with those of an earlier attempt.
        **flowers: num_images, height, width, seed, image_format and quality, as `People` has them.

    Returns:
        Whether the archive was written; False when it stood there already.

    Raises:
        UserError: a bad argument, or a path that holds something else or cannot be written.
    """
    chosen = People(**flowers)  # the same settings with the same ranges
    check_shape(chosen.height, chosen.width)
    check_workers(workers)
    recipe = chosen.recipe | {"source": "flowers", "version": _RECIPE_VERSION}
    writer = ArchiveWriter(path, size=(chosen.height, chosen.width), parts=(PART,), recipe=recipe, overwrite=overwrite)
    if writer.is_made(chosen.names):
        return False
    fill(writer, chosen.names, partial(_paint_one, writer, chosen), workers=workers, on_progress=on_progress)
    return True
