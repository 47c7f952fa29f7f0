"""What the buttons of the tab "Compose" do, without the page."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from typing import Any

from insetgan.runtime.errors import UserError
from insetgan.runtime.settings import read
from insetgan.studio import text
from insetgan.studio.gallery import SeedGallery
from insetgan.studio.job import Job
from insetgan.studio.line import Line
from insetgan.studio.outcome import Outcome
from insetgan.studio.upload import Uploads
from insetgan.studio.wish import Wish, command

LOOK = 0.15
"""Seconds from one look at a composition to the next."""


class Composer:
    """The actions of the tab; those of several users may run at once.

    Args:
        line: carries compositions out.
        uploads: own pictures.
        body: pictures of canvases.
        face: pictures of faces.
    """

    def __init__(self, line: Line, uploads: Uploads, body: SeedGallery, face: SeedGallery) -> None:
        self.line, self.uploads, self.body, self.face = line, uploads, body, face

    def ask(self, wish: dict[str, Any], pictures: dict[str, str], earlier: object = None) -> Job:
        """Ask for a composition.

        Args:
            wish: settings of a `Wish`.
            pictures: keys of own pictures, by "canvas" and "face".
            earlier: key of the composition of the same page before this one, which is stopped.

        Raises:
            UserError: settings that are not allowed, a picture that is kept no more, or a line that is full.
        """
        job = Job(read(Wish, wish))
        if "face" in pictures and "face" not in job.wish.parts:
            raise UserError("your picture of a face needs the part face; choose it, or remove the picture")
        paths, names = {}, {}
        for name, key in pictures.items():
            kept = self.uploads.find(key)
            # A copy for this composition alone, which is deleted when it is over.
            paths[name] = self.uploads.folder / f"{job.key}-{name}{kept.path.suffix}"
            shutil.copyfile(kept.path, paths[name])
            names[name] = kept.name
        job.pictures, job.names = paths, names
        if (before := self.line.find(earlier)) is not None:
            self.line.stop(before)
        try:
            return self.line.join(job)
        except UserError:
            for path in paths.values():
                path.unlink(missing_ok=True)
            raise

    async def watch(self, key: object) -> AsyncIterator[tuple[str, str]]:
        """Follow a composition until it is over, from wherever it stands.

        Yields:
            The picture and the status, as HTML, whenever one of them has changed.
        """
        job = self.line.find(key)
        shown: tuple[Any, ...] | None = None
        while job is not None:
            over, rank = job.over, self.line.rank(job)
            seen = (job.state, job.preview, rank)
            if seen != shown:
                shown = seen
                yield text.live(job), text.status_of(job, rank)
            if over:
                return
            await asyncio.sleep(LOOK)

    def stop(self, key: object) -> str:
        """Stop a composition, if it is there; gives the status."""
        job = self.line.find(key)
        if job is None:
            return text.status("There is nothing to stop.")
        self.line.stop(job)
        return text.status_of(job, 0) if job.over else text.status("It stops at its next step.")

    def outcome(self, key: object) -> tuple[Job, Outcome] | None:
        """A composition that is done, with what is left of it; None for any other."""
        job = self.line.find(key)
        if job is None or job.state != "done" or job.folder is None:
            return None
        return job, Outcome.of(job.folder)


def command_of(job: Job) -> str:
    """The command line that makes the same bytes as a composition."""
    return command(job.words())


def query_of(values: Sequence[Any]) -> str:
    """The query of an address with these settings, in the order of the class; empty where they are not allowed."""
    names = [name for name in Wish.__dataclass_fields__]
    try:
        return read(Wish, dict(zip(names, values, strict=True))).query()
    except UserError:
        return ""
