"""Archives of rendered people: many pictures in parallel, resumable."""

import importlib.util
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

from insetgan.data.archive import ArchiveWriter, encode_image, image_name
from insetgan.data.people.surface import PART_LABELS
from insetgan.errors import UserError

_RECIPE_VERSION = 2
_Task = tuple[str, int, int, int, int, str, int, str]


def _recipe(seed: int, image_format: str, quality: int) -> str:
    return f"people {_RECIPE_VERSION} seed={seed} {image_format} quality={quality}"


def _require_extra() -> None:
    missing = [name for name in ("anny", "embreex", "scipy") if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"source=people needs the extra [people]: pip install 'insetgan[people]' ({', '.join(missing)} missing)"
        )


def _render_one(task: _Task) -> int:
    path, index, seed, height, width, image_format, quality, recipe = task
    from insetgan.data.people.render import render_person

    person = render_person(seed + index, height, width)
    masks = {part: person.labels == label for part, label in PART_LABELS.items()}
    writer = ArchiveWriter(path, size=(height, width), parts=tuple(PART_LABELS), recipe=recipe)
    writer.add(image_name(index, image_format), encode_image(person.image, image_format, quality), person.boxes, masks)
    return index


def write_people(
    path: str | Path,
    *,
    num_images: int,
    height: int = 256,
    width: int = 128,
    seed: int = 0,
    workers: int | None = None,
    image_format: str = "webp",
    quality: int = 86,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write an archive whose picture i is ``render_person(seed + i, height, width)``.

    Killed and started again with the same arguments, it goes on where it stopped. The result does not depend on
    the number of workers.

    Args:
        path: the zip to make.
        num_images: how many pictures, at least 1.
        height: of the pictures, pixels.
        width: of the pictures, pixels.
        seed: of the first picture.
        workers: processes; None means one a core.
        image_format: ``webp`` (lossy) or ``png``.
        quality: of webp, 0 to 100.
        on_progress: called with (pictures done, pictures in all), first with those of an earlier attempt.

    Raises:
        UserError: a bad argument, a path that cannot be written, or the extra ``[people]`` is not installed.
    """
    if num_images < 1:
        raise UserError(f"num_images={num_images}: must be at least 1")
    if height < 32 or width < 16:
        raise UserError(f"height={height} width={width}: must be at least 32 x 16")
    if image_format not in ("webp", "png"):
        raise UserError(f"image_format={image_format}: allowed are webp and png")
    _require_extra()
    recipe = _recipe(seed, image_format, quality)
    writer = ArchiveWriter(path, size=(height, width), parts=tuple(PART_LABELS), recipe=recipe)
    names = [image_name(i, image_format) for i in range(num_images)]
    missing = [i for i, name in enumerate(names) if not writer.has(name)]
    done = num_images - len(missing)
    report = on_progress or (lambda done, total: None)
    report(done, num_images)
    tasks = [(str(path), i, seed, height, width, image_format, quality, recipe) for i in missing]
    count = min(workers or os.cpu_count() or 1, max(1, len(tasks)))
    if count == 1:
        for task in tasks:
            _render_one(task)
            done += 1
            report(done, num_images)
    else:
        with multiprocessing.get_context("spawn").Pool(count) as pool:
            for _ in pool.imap_unordered(_render_one, tasks, chunksize=4):
                done += 1
                report(done, num_images)
    writer.close(set(names))
