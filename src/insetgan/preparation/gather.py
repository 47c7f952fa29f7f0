"""From many files to one archive: in parallel, resumable, with a reason for each file that is dropped."""

import multiprocessing
import multiprocessing.connection
import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import torch

from insetgan.data.annotations import Box, Mask
from insetgan.data.archive import Archive
from insetgan.data.fill import check_workers
from insetgan.data.image import Pixels
from insetgan.data.writer import ArchiveWriter, check_format, encode_image, image_name
from insetgan.preparation.contact import thumbnail, write_csv, write_sheet
from insetgan.preparation.inputs import Inputs, Photo, find_inputs, read_photo
from insetgan.preparation.near_duplicates import look_of, name_copies
from insetgan.preparation.source import Task, silent
from insetgan.preparation.verdict import Rejected, Verdict
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import lock_folder
from insetgan.runtime.fingerprint import files_of, fingerprint
from insetgan.runtime.threads import processors

_VERSION = 1  # of what is made: another number, other images
_CHUNK = 256  # files that wait for a process at a time


@dataclass(frozen=True)
class Made:
    """An image of the set.

    Attributes:
        pixels: uint8 [H, W, 3].
        boxes: by part, None where it is not seen.
        masks: by part that has a box, bool [H, W].
        scores: confidence by part, 0..1.
        notes: what was done to it.
    """

    pixels: Pixels
    boxes: Mapping[str, Box | None] = field(default_factory=dict)
    masks: Mapping[str, Mask] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Maker(Protocol):
    """Makes an image of the set from a photograph; it is pickled to other processes."""

    def make(self, photo: Photo, name: str) -> Made:
        """Make it.

        Raises:
            Rejected: the photograph is not for the set.
        """
        ...


@dataclass(frozen=True)
class _Job:
    """All that a process needs."""

    writer: ArchiveWriter
    inputs: Inputs
    task: Task
    maker: Maker


def gather(
    task: Task,
    maker: Maker,
    *,
    name: str,
    parts: tuple[str, ...],
    size: tuple[int, int],
    settings: Mapping[str, Any],
    duplicates: str = "drop",
) -> list[str]:
    """Write the archive unless it stands there already.

    Killed and called again, it goes on where it stopped; the result does not depend on the number of processes. Beside
    `bodies.zip` it writes `bodies.csv`, a line for each file, and `bodies.jpg`, small images of what was kept and dropped.

    Args:
        task: what to do.
        maker: makes each image.
        name: of the source.
        parts: names of the parts whose boxes are kept.
        size: (H, W) of the images.
        settings: of the source, plain JSON values; they decide the images, as do the files and the task.
        duplicates: `drop` all but the first of images that look the same, or `keep` and name them.

    Returns:
        Lines about what was done.

    Raises:
        UserError: a bad setting, no input, no image that is kept, or a path that cannot be written.
    """
    check_workers(task.workers)
    check_format(task.image_format)
    if duplicates not in ("drop", "keep"):
        raise UserError(f"source.duplicates={duplicates}: must be drop or keep")
    inputs = find_inputs(task.path, task.limit)
    out = task.out or Path(f"outputs/data/{name}-{size[0]}x{size[1]}.zip")
    writer = ArchiveWriter(
        out, size=size, parts=parts, recipe=_recipe(task, inputs, name, settings, duplicates), overwrite=task.overwrite
    )
    if made := _already_made(writer):
        return [*inputs.notes, f"{out}: already made, {made} images of {size[0]} x {size[1]}"]
    writer.refuse_existing()
    _refuse_inputs(out, inputs, task.path)
    with lock_folder(writer.folder, out=writer.path):
        writer.open()
        verdicts = _all(_Job(writer, inputs, task, maker))
        verdicts, lines = name_copies(verdicts, drop=duplicates == "drop")
        write_csv(out.with_suffix(".csv"), verdicts)
        thumbnails = {verdict.name: writer.remarked_file(_thumb(index)) for index, verdict in enumerate(verdicts)}
        write_sheet(out.with_suffix(".jpg"), verdicts, thumbnails)
        kept = [verdict.image for verdict in verdicts if verdict.kept]
        if not kept:
            writer.discard()
            reasons = "; ".join(f"{verdict.name}: {verdict.reason}" for verdict in verdicts[:2])
            raise UserError(
                f"data.input={task.path}: none of {len(verdicts)} files can be used ({reasons}); all reasons are in "
                f"{out.with_suffix('.csv')}"
            )
        writer.close(kept)
    return [*inputs.notes, *lines, *_summary(verdicts, out, size)]


def _recipe(task: Task, inputs: Inputs, name: str, settings: Mapping[str, Any], duplicates: str) -> dict[str, Any]:
    """What tells these images from others."""
    made = {
        "source": name,
        "version": _VERSION,
        "height": task.height,
        "width": task.width,
        "format": task.image_format,
    }
    quality = {"quality": task.quality} if task.image_format == "webp" else {}
    reading = {"background": task.reading.colour_name, "grey": task.reading.grey}
    files = files_of(task.finder)
    finder = {"finder": type(task.finder).__name__, "state": _plain(task.finder)} if task.finder is not None else {}
    decided = fingerprint({"inputs": inputs.stamps(), "settings": dict(settings), **finder}, files=files)
    return {**made, **quality, **reading, "duplicates": duplicates, "inputs": decided[:16]}


def _plain(finder: Any) -> str:
    """What of a finder are plain settings, as text."""
    found = {**vars(finder), **vars(getattr(finder, "detector", finder))}
    return str(
        sorted((key, value) for key, value in found.items() if isinstance(value, (str, int, float, dict, tuple)))
    )


def _already_made(writer: ArchiveWriter) -> int:
    """How many images the archive of this recipe holds that stands there already; 0 where there is none."""
    if writer.overwrite or not writer.path.is_file():
        return 0
    try:
        archive = Archive(writer.path)
    except (UserError, OSError):
        return 0
    recipe = dict(archive.recipe or {})
    count = recipe.pop("count", None)
    same = recipe == writer.recipe and count == len(archive) and archive.size == writer.size
    if same and not writer.is_made(archive.names):
        return 0
    return len(archive) if same else 0


def _all(job: _Job) -> list[Verdict]:
    """The verdict on each file, in order; those of an earlier attempt are taken from there."""
    total = len(job.inputs.names)
    waiting = [index for index in range(total) if _known(job.writer, index) is None]
    done = total - len(waiting)
    job.task.on_progress(done, total)
    processes = min(job.task.workers or processors(), len(waiting))
    if processes <= 1:
        for index in waiting:
            _one(job, index)
            done += 1
            job.task.on_progress(done, total)
    else:
        _in_parallel(job, waiting, processes, done, total)
    found = [_known(job.writer, index) for index in range(total)]
    missing = [job.inputs.names[index] for index, verdict in enumerate(found) if verdict is None]
    if missing:
        raise UserError(f"out={job.writer.path}: {missing[0]} is not finished; the same command goes on")
    return [verdict for verdict in found if verdict is not None]


def _in_parallel(job: _Job, waiting: Sequence[int], processes: int, done: int, total: int) -> None:
    context = multiprocessing.get_context("spawn")
    silently = replace(job, task=replace(job.task, on_progress=silent))
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(silently,))
    try:
        for first in range(0, len(waiting), _CHUNK):
            tasks = [pool.submit(_one_here, index) for index in waiting[first : first + _CHUNK]]
            for task in as_completed(tasks):
                task.result()
                done += 1
                job.task.on_progress(done, total)
    except BrokenProcessPool as error:
        raise UserError(
            f"data.input={job.task.path}: a process died, perhaps for lack of memory; the same command goes on, and "
            "data.workers=1 takes less"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_here: list[_Job] = []


def _begin(job: _Job) -> None:
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _here.append(job)


def _end_with_parent() -> None:
    """End this process when the command is killed; it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _one_here(index: int) -> None:
    _one(_here[0], index)


def _known(writer: ArchiveWriter, index: int) -> Verdict | None:
    """The verdict on a file that is kept from an earlier attempt, if its image is whole too."""
    values = writer.remarked(_key(index))
    if values is None:
        return None
    verdict = Verdict.of_values(values)
    return verdict if not verdict.image or writer.has(verdict.image) else None


def _one(job: _Job, index: int) -> None:
    """Look at one file, write its image if it is kept, then its verdict."""
    name, image = job.inputs.names[index], image_name(index, job.task.image_format)
    verdict, small = Verdict(name), b""
    try:
        photo = read_photo(job.inputs.folder / name, job.task.reading)
        verdict = replace(verdict, look=look_of(photo.pixels), notes=photo.notes)
        small = thumbnail(photo.pixels.permute(1, 2, 0).numpy())
        made = job.maker.make(photo, name)
        data = encode_image(made.pixels, job.task.image_format, job.task.quality)
        job.writer.add(image, data, made.boxes, made.masks)
        small = thumbnail(made.pixels, made.boxes)
        verdict = replace(verdict, image=image, scores=made.scores, notes=(*photo.notes, *made.notes))
    except (Rejected, ValueError) as error:
        verdict = replace(verdict, reason=str(error))
    except MemoryError:
        verdict = replace(verdict, reason="takes more memory than there is")
    job.writer.remark(_key(index), verdict.values(), {_thumb(index): small} if small else None)


def _key(index: int) -> str:
    return f"verdict-{index:08d}"


def _thumb(index: int) -> str:
    return f"small-{index:08d}.jpg"


def _refuse_inputs(out: Path, inputs: Inputs, given: Path) -> None:
    """What is written beside the archive replaces no input, and is not among them the next time."""
    beside = {out.with_suffix(suffix).resolve() for suffix in (out.suffix, ".csv", ".jpg")}
    among = given.is_dir() and given.resolve() in out.resolve().parents
    if among or any((inputs.folder / name).resolve() in beside for name in inputs.names):
        raise UserError(f"out={out}: would be written among the files of data.input={given}; give a place outside")


def _summary(verdicts: Sequence[Verdict], out: Path, size: tuple[int, int]) -> list[str]:
    """How many were kept, and why how many were not."""
    reasons: dict[str, list[str]] = {}
    for verdict in verdicts:
        if not verdict.kept:
            reasons.setdefault(verdict.reason.partition(":")[0].partition(" (")[0], []).append(verdict.name)
    lines = [
        f"{len(names)} dropped: {reason}, the first {names[0]}"
        for reason, names in sorted(reasons.items(), key=lambda entry: -len(entry[1]))
    ]
    kept = sum(verdict.kept for verdict in verdicts)
    made = (
        f"{kept} of {len(verdicts)} files became images of {size[0]} x {size[1]}, {out.stat().st_size / 2**20:.1f} MB"
    )
    return [*lines, f"{out}: {made}; {out.with_suffix('.csv')} says why, {out.with_suffix('.jpg')} shows it"]
