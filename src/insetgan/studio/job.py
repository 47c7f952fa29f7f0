"""A composition that was asked for: what it has come to, and what is left of it when it is done."""

import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from insetgan.studio.preview import Preview
from insetgan.studio.wish import Wish

State = Literal["waiting", "running", "done", "stopped", "failed"]


@dataclass
class Job:
    """One composition, from the moment it is asked for.

    One thread works on it and any number look at it; each attribute is replaced whole.

    Attributes:
        wish: what was asked for.
        pictures: own pictures that take the place of seeds, by "canvas" and "face", files below the studio's folder.
        names: what these files are called in the command that the page shows.
        key: names it; it cannot be guessed, since who knows it sees the pictures.
        state: how far it is.
        preview: the last look at it.
        said: lines that the solver said.
        problem: why it has failed, in one line.
        folder: the result folder.
        ended: when, in seconds of `time.monotonic`.
    """

    wish: Wish
    pictures: Mapping[str, Path] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    key: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    state: State = "waiting"
    preview: Preview | None = None
    said: tuple[str, ...] = ()
    problem: str = ""
    folder: Path | None = None
    ended: float | None = None
    _halt: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ("done", "stopped", "failed")

    @property
    def halted(self) -> bool:
        """Whether it was asked to stop."""
        return self._halt.is_set()

    def stop(self) -> None:
        """Ask it to stop: at its next step, or at once while it waits."""
        self._halt.set()

    def show(self, preview: Preview) -> None:
        """Keep the newest look at it."""
        self.preview = preview

    def say(self, line: str) -> None:
        """Keep a line that the solver said; the last twenty are kept."""
        self.said = (*self.said, line)[-20:]

    def end(self, state: State, problem: str = "") -> None:
        """Note how it has ended."""
        self.problem, self.ended, self.state = " ".join(problem.split()), time.monotonic(), state

    def words(self) -> list[str]:
        """The words of a command line of refine.py that makes the same bytes."""
        return self.wish.overrides(dict(self.names))
