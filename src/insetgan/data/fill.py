"""Filling an archive with images that are made one by one, in several processes."""

import multiprocessing
from collections.abc import Callable, Sequence

from insetgan.data.writer import ArchiveWriter
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import lock_folder
from insetgan.runtime.threads import processors


def fill(
    writer: ArchiveWriter,
    names: Sequence[str],
    make: Callable[[int], object],
    *,
    workers: int | None,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    """Make the images that are not written yet, and finish the archive.

    Args:
        writer: of the archive.
        names: of all its images, in order.
        make: makes image number i and writes it; has to be picklable.
        workers: processes; None means one a core.
        on_progress: called with (images done, images in all), first with those of an earlier attempt.
    """
    writer.refuse_existing()
    with lock_folder(writer.folder, out=writer.path):
        writer.open()
        open_ones = [index for index, name in enumerate(names) if not writer.has(name)]
        processes = min(workers or processors(), len(open_ones))
        report, before = on_progress or (lambda done, total: None), len(names) - len(open_ones)
        report(before, len(names))
        if processes <= 1:
            for done, index in enumerate(open_ones, start=before + 1):
                make(index)
                report(done, len(names))
        else:
            with multiprocessing.get_context("spawn").Pool(processes) as pool:
                for done, _ in enumerate(pool.imap_unordered(make, open_ones, chunksize=4), start=before + 1):
                    report(done, len(names))
        writer.close(names)


def write_archive(
    writer: ArchiveWriter,
    names: Sequence[str],
    make: Callable[[int], object],
    *,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    ready: Callable[[], None] = lambda: None,
) -> bool:
    """Write an archive of images that are made one by one, unless it stands there already.

    Killed and called again with the same arguments, it goes on where it stopped. The result does not depend on the number of
    workers.

    Args:
        writer: of the archive.
        names: of all its images, in order.
        make: makes image number i and writes it; has to be picklable.
        workers: processes, at least 1; None means one a core.
        on_progress: called with (images done, images in all), first with those of an earlier attempt.
        ready: called before the first image is made; raises UserError where something is missing.

    Returns:
        Whether the archive was written; False when it stood there already.

    Raises:
        UserError: a bad number of workers, or a path that holds something else or cannot be written.
    """
    check_workers(workers)
    if writer.is_made(names):
        return False
    ready()
    fill(writer, names, make, workers=workers, on_progress=on_progress)
    return True


def check_workers(workers: int | None) -> None:
    """Refuse an invalid number of processes.

    Raises:
        UserError: naming it.
    """
    if workers is not None and not 1 <= workers <= 1024:
        raise UserError(f"data.workers={workers}: must be at least 1 and at most 1024")
