"""The check at the start: images that training would stumble over are found before it begins, all at once."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from insetgan.data.archive import PEOPLE, Archive
from insetgan.data.duplicates import copies_line
from insetgan.data.image import Facts, Shape, why
from insetgan.data.reading import KINDS
from insetgan.data.verdicts import Verdicts
from insetgan.runtime.errors import UserError
from insetgan.runtime.threads import processors
from insetgan.runtime.zips import shown

Progress = Callable[[int, int], None]
"""Called with how many images are checked, and how many there are to check."""

WORTH_REMEMBERING = 1.0  # seconds; a check that is done sooner may as well be done again
_NAMED = 10  # faults that one message names
_LONGEST = 100  # letters of a reason
_QUEUED = 4096  # images handed to the threads at a time
_ASPECT_TOLERANCE = 0.02
_DISTORTED = "would be distorted"
_GREY_REMEDY = "data.grey=rgb takes greyscale"


class Fault(NamedTuple):
    """An image that cannot be trained on, and why."""

    name: str
    reason: str

    def __str__(self) -> str:
        """Name and reason in one line."""
        return f"{self.name} ({self.reason})"


class Sound(NamedTuple):
    """Images that can be trained on.

    Attributes:
        indices: in the order in which they were wanted.
        faults: those that were left out.
        notes: a line about each thing that is changed on reading them.
        shapes: (H, W) by index, of those whose headers were looked at.
    """

    indices: list[int]
    faults: list[Fault]
    notes: list[str]
    shapes: dict[int, Shape]


def is_distorted(shape: Shape, target: Shape) -> bool:
    """Whether resizing from one (H, W) to another would change the ratio by more than 2 %."""
    return abs(target[0] * shape[1] / (target[1] * shape[0]) - 1) > _ASPECT_TOLERANCE


def check_images(
    archive: Archive,
    indices: Sequence[int] | None = None,
    *,
    target: Shape | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[Fault]:
    """Decode every image to its end, and name those that cannot be trained on.

    Faults are: damaged, cut short, a wrong checksum, so large that it cannot be meant, stored as greyscale, of another
    size than `archive.size` where all must have one, or of another ratio than `target`. Images that were found whole
    are remembered in the user's cache folder until the archive changes; faulty ones are looked at each time.

    Args:
        archive: zip or folder.
        indices: of the images to check; None checks all.
        target: (H, W) to which the whole images will be resized; None allows any ratio.
        workers: threads; None takes as many as there are processor cores for this process.
        progress: called after each image that had to be decoded.

    Returns:
        The faults in the order of the images.
    """
    return _checked(archive, indices, target=target, workers=workers, progress=progress)[0]


def _checked(
    archive: Archive,
    indices: Sequence[int] | None,
    *,
    target: Shape | None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> tuple[list[Fault], dict[int, Facts]]:
    """The faults, and what each image is that was found whole."""
    chosen = range(len(archive)) if indices is None else sorted(set(indices))
    verdicts, started = Verdicts(archive), time.monotonic()
    facts = {index: Facts(shape) for index in chosen if (shape := verdicts.shapes[index]) is not None}
    unknown = [index for index in chosen if index not in facts]
    reasons: dict[int, str] = {}
    for done, (index, found) in enumerate(_examined(unknown, archive.examine, workers), start=1):
        if isinstance(found, str):
            reasons[index] = found
        else:
            facts[index] = found
            if not found.kinds:  # what is changed on reading is looked at each time, and said each time
                verdicts.shapes[index] = found.shape
        if progress is not None:
            progress(done, len(unknown))
    if time.monotonic() - started >= WORTH_REMEMBERING:
        verdicts.save()
    for index, found in facts.items():
        if misfit := _misfit(archive, found.shape, target):
            reasons[index] = misfit
    return [Fault(archive.names[index], reasons[index]) for index in sorted(reasons)], facts


def sound_images(
    archive: Archive,
    indices: Sequence[int],
    *,
    on_fault: str,
    checked: bool = True,
    target: Shape | None = None,
    progress: Progress | None = None,
) -> Sound:
    """Check images, and leave out the faulty ones or stop. The rendered people are known to be whole.

    Without a check the headers alone are looked at: for the sizes, and for what is changed on reading.

    Args:
        archive: zip or folder.
        indices: of the images that are wanted, in any order; some may come several times.
        on_fault: stop or skip.
        checked: whether to check at all.
        target: as for `check_images`.
        progress: likewise.

    Raises:
        UserError: any fault when `on_fault` is stop, or nothing remains; it names up to ten images, and where the list
            of all is. Or `on_fault` is neither.
    """
    if on_fault not in ("stop", "skip"):
        raise UserError(f"data.on_fault={on_fault}: must be stop or skip")
    if archive.path == PEOPLE:
        return Sound(list(indices), [], [], {})
    if not checked and archive.is_remote:
        note = f"{archive.path}: images are looked at when they are used, and not before (data.check=false)"
        return Sound(list(indices), [], [note], {})
    if not checked:
        facts = _headers(archive, indices)
        return Sound(list(indices), [], _notes(archive, facts), {index: each.shape for index, each in facts.items()})
    faults, facts = _checked(archive, indices, target=target, progress=progress)
    faulty = {fault.name for fault in faults}
    sound = [index for index in indices if archive.names[index] not in faulty]
    if faults and (on_fault == "stop" or not sound):
        raise UserError(_summary(archive, faults, len(set(indices))))
    facts = {index: facts[index] for index in sound}
    notes = _notes(archive, facts)
    if line := copies_line(archive, sound):
        notes.append(line)
    return Sound(sound, faults, notes, {index: each.shape for index, each in facts.items()})


def _headers(archive: Archive, indices: Sequence[int]) -> dict[int, Facts]:
    """What images are by their headers; damaged ones are found when they are read.

    Raises:
        UserError: one is greyscale and that is refused.
    """
    facts: dict[int, Facts] = {}
    for index, found in _examined(sorted(set(indices)), archive.facts, None):
        if isinstance(found, str):
            continue
        if "grey" in found.kinds and archive.reading.grey == "refuse":
            raise UserError(f"archive {archive.path}: {archive.names[index]} is greyscale; {_GREY_REMEDY}")
        facts[index] = found
    return facts


def _notes(archive: Archive, facts: dict[int, Facts]) -> list[str]:
    """A line about each thing that is changed on reading, with a count and the first image."""
    notes = []
    for kind in KINDS:
        if of_kind := sorted(index for index, found in facts.items() if kind in found.kinds):
            said = archive.reading.change(kind)
            notes.append(f"{len(of_kind)} of {len(facts)} images {said}, the first {shown(archive.names[of_kind[0]])}")
    return notes


def _examined(
    indices: Sequence[int], look: Callable[[int], Facts], workers: int | None
) -> Iterator[tuple[int, Facts | str]]:
    """What each image is, or why that is not known."""

    def examine(index: int) -> Facts | str:
        try:
            return look(index)
        except UserError as error:
            return why(error.__cause__ or error)[:_LONGEST]

    # Pillow lets go of the interpreter while it decodes, so threads are as fast as processes, and start at once.
    pool = ThreadPoolExecutor(workers or processors())
    try:
        for start in range(0, len(indices), _QUEUED):
            some = indices[start : start + _QUEUED]
            yield from zip(some, pool.map(examine, some), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)


def _misfit(archive: Archive, shape: Shape, target: Shape | None) -> str:
    is_size = f"{shape[0]} x {shape[1]} (height x width)"
    if archive.one_size and shape != archive.size:
        return f"{is_size}, not {archive.size[0]} x {archive.size[1]}"
    if target is not None and is_distorted(shape, target):
        return f"{is_size}, {_DISTORTED}"
    return ""


def _summary(archive: Archive, faults: Sequence[Fault], count: int) -> str:
    named = ", ".join(str(fault) for fault in faults[:_NAMED])
    if len(faults) > _NAMED:
        path = Verdicts(archive).write_list([str(fault) for fault in faults])
        named += f" and {len(faults) - _NAMED} more" + ("" if path is None else f", all listed in {path}")
    remedy = "data.on_fault=skip leaves them out" if len(faults) < count else "nothing would remain"
    if any(fault.reason == "greyscale" for fault in faults):
        remedy = f"{_GREY_REMEDY}, {remedy}"
    if any(fault.reason.endswith(_DISTORTED) for fault in faults):
        remedy = f"data.crop=center cuts to the ratio and data.crop=fit pads, {remedy}"
    return f"data.path={archive.path}: {len(faults)} of {count} images cannot be trained on: {named}; {remedy}"
