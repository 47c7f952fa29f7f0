"""Archives of painted flowers."""

import multiprocessing
import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from insetgan.data.flowers.flower import check_shape, paint_flower
from insetgan.data.people.dataset import People
from insetgan.data.writer import ArchiveWriter, encode_image, image_name
from insetgan.errors import UserError

PART = "blossom"
_RECIPE_VERSION = 1  # of the painter: another number, other pictures

_Task = tuple[ArchiveWriter, int, People]


def _paint_one(task: _Task) -> int:
    writer, index, chosen = task
    flower = paint_flower(chosen.seed + index, chosen.height, chosen.width)
    data = encode_image(flower.image, chosen.image_format, chosen.quality)
    writer.add(image_name(index, chosen.image_format), data, {PART: flower.box}, {PART: flower.mask})
    return index


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
    if workers is not None and not 1 <= workers <= 1024:
        raise UserError(f"data.workers={workers}: must be at least 1 and at most 1024")
    recipe = chosen.recipe | {"source": "flowers", "version": _RECIPE_VERSION}
    writer = ArchiveWriter(path, size=(chosen.height, chosen.width), parts=(PART,), recipe=recipe, overwrite=overwrite)
    if writer.is_made(chosen.names):
        return False
    writer.open()
    tasks = [(writer, index, chosen) for index, name in enumerate(chosen.names) if not writer.has(name)]
    processes = min(workers or os.cpu_count() or 1, len(tasks))
    report, before = on_progress or (lambda done, total: None), chosen.num_images - len(tasks)
    report(before, chosen.num_images)
    with ExitStack() as stack:
        done: Iterable[int] = map(_paint_one, tasks)
        if processes > 1:
            pool = stack.enter_context(multiprocessing.get_context("spawn").Pool(processes))
            done = pool.imap_unordered(_paint_one, tasks, chunksize=4)
        for count, _ in enumerate(done, start=before + 1):
            report(count, chosen.num_images)
    writer.close(chosen.names)
    return True
