"""What makes something of image files of the user's own: the base of such sources, and what they are given."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from insetgan.data.reading import PLAIN, Reading
from insetgan.detection.people import PeopleFinder


def silent(done: int, total: int) -> None:
    """Show no progress."""


@dataclass(frozen=True)
class Task:
    """What a source is to do.

    Attributes:
        path: the file or folder of the user, an archive among them.
        out: the archive to write, or for `look` the folder; None where the user named none.
        height: rows of the images to make.
        width: columns of them; None is the source's own.
        limit: how many files are looked at, at most; None is all.
        workers: processes, at least 1; None means one a core.
        image_format: `webp` or `png`.
        quality: of webp, 1 to 100.
        overwrite: whether another file at `out` may be replaced.
        reading: how images become RGB.
        finder: finds the people; None where the source needs none.
        on_progress: called with (files done, files in all).
    """

    path: Path
    out: Path | None = None
    height: int = 256
    width: int | None = None
    limit: int | None = None
    workers: int | None = None
    image_format: str = "webp"
    quality: int = 86
    overwrite: bool = False
    reading: Reading = PLAIN
    finder: PeopleFinder | None = None
    on_progress: Callable[[int, int], None] = silent


class FileSource(ABC):
    """Makes something of `data.input`, where a `data.source.Source` draws images by itself.

    Attributes:
        name: of the source, as in the name of its archives.
        finds: whether it looks for people or parts, and so needs a finder.
    """

    name: str
    finds: bool = True

    def default_width(self, height: int) -> int:
        """Columns of its images of `height` rows, where the user gives none."""
        return height

    def idle(self, path: Path) -> dict[str, str]:
        """Settings of prepare.py that have no effect with this source, each with the reason.

        Args:
            path: what the user gives it to read.

        Raises:
            UserError: nothing there.
        """
        seed = {"data.seed": f"source={self.name} draws nothing at random"}
        return seed if self.finds else {**seed, "finder": f"source={self.name} looks for no people"}

    @abstractmethod
    def run(self, task: Task) -> Sequence[str]:
        """Do it.

        Returns:
            Lines about what was done.

        Raises:
            UserError: a bad setting, no input, nothing that can be used, or a path that cannot be written.
        """
