"""The line of compositions in front of the solver: one at a time, first come, first served."""

import gc
import logging
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from insetgan.runtime.errors import UserError
from insetgan.studio.job import Job
from insetgan.studio.preview import Halted, PreviewMaker

MOST_WAITING = 20
"""Compositions in the line; who comes then is asked to come later."""

MOST_KEPT = 40
"""Compositions that are over and kept, the newest; the folders of older ones are removed."""

KEPT_FOR = 3600.0
"""Seconds for which a composition is kept at most when it is over."""

_BUGS = logging.getLogger("insetgan.studio")


class Refiner(Protocol):
    """What carries out a composition: refine.py's own code, which the command hands in."""

    mistakes: tuple[type[Exception], ...]

    def __call__(self, overrides: list[str], root: Path, on_step: PreviewMaker, say: Callable[[str], None]) -> Path:
        """Refine into a folder below `root`, named after the settings, and give that folder.

        Raises:
            UserError: a mistake in the settings or in a picture.
            Halted: from `on_step`.
        """
        ...


class Line:
    """Compositions, carried out one after the other by one thread, whoever looks at them or goes away.

    Gradio's own queue cannot do that: it gives the place of a composition away when its page is closed or loaded again.

    Args:
        refiner: carries them out.
        root: folder in which their results are kept; each has one of its own.
    """

    def __init__(self, refiner: Refiner, root: Path) -> None:
        self.refiner, self.root = refiner, root
        self._jobs: dict[str, Job] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="solver", daemon=True)
        self._thread.start()

    def join(self, job: Job) -> Job:
        """Put a composition at the end of the line.

        Raises:
            UserError: the line is full.
        """
        with self._changed:
            if sum(each.state == "waiting" for each in self._jobs.values()) >= MOST_WAITING:
                raise UserError(f"{MOST_WAITING} compositions are waiting already; try again in a few minutes")
            self._jobs[job.key] = job
            self._changed.notify_all()
        return job

    def find(self, key: object) -> Job | None:
        """The composition of this key, as long as it is kept."""
        with self._changed:
            return self._jobs.get(key) if isinstance(key, str) else None

    def rank(self, job: Job) -> int:
        """How many compositions come before this one, the one that runs among them."""
        with self._changed:
            before = 0
            for each in self._jobs.values():
                if each is job:
                    break
                before += not each.over
            return before

    def stop(self, job: Job) -> None:
        """Stop a composition: one that waits leaves the line at once, one that runs ends at its next step."""
        job.stop()
        with self._changed:
            if job.state == "waiting":
                self._over(job, "stopped")

    def close(self) -> None:
        """Stop all, and end the thread."""
        with self._changed:
            self._closed = True
            for job in self._jobs.values():
                job.stop()
            self._changed.notify_all()
        self._thread.join(timeout=10)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            state, problem = self._carry_out(job)
            with self._changed:
                self._over(job, state, problem)
                self._forget()
            del job
            gc.collect()  # networks and graphs of a composition refer to one another

    def _next(self) -> Job | None:
        """The next one in the line, waited for; None when the line is closed."""
        with self._changed:
            while not self._closed:
                for job in self._jobs.values():
                    if job.state == "waiting":
                        job.state = "running"
                        return job
                self._changed.wait(timeout=60)
                self._forget()
        return None

    def _carry_out(self, job: Job) -> tuple[str, str]:
        root = self.root / job.key
        root.mkdir()
        try:
            overrides = job.wish.overrides({name: str(path) for name, path in job.pictures.items()})
            looks = PreviewMaker(job.show, lambda: job.halted)
            job.folder = self.refiner(overrides, root, looks, job.say)
        except Halted:
            return "stopped", ""
        except self.refiner.mistakes as error:
            return "failed", str(error)
        except Exception:
            _BUGS.exception("a composition ended with an error")
            return "failed", "this is a bug of the program; its terminal says more"
        return "done", ""

    def _over(self, job: Job, state: str, problem: str = "") -> None:
        job.end(state, problem)  # type: ignore[arg-type]
        for path in job.pictures.values():  # they were lent for this composition only
            path.unlink(missing_ok=True)

    def _forget(self) -> None:
        """Forget compositions that were over long ago, with their files."""
        over = [job for job in self._jobs.values() if job.over]
        now = time.monotonic()
        for number, job in enumerate(over):
            if number < len(over) - MOST_KEPT or now - (job.ended or now) > KEPT_FOR:
                del self._jobs[job.key]
                shutil.rmtree(self.root / job.key, ignore_errors=True)
