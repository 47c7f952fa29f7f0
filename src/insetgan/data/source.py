"""What makes an archive of images: the protocol of data sources."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol


class Source(Protocol):
    """Draws the images of a data set, such as rendered people.

    Attributes:
        name: of the source, as in the name of its archives: letters, digits, dots, dashes and underscores.
    """

    name: str

    def default_width(self, height: int) -> int:
        """Columns of its images of `height` rows, where the user gives none."""
        ...

    def write(
        self,
        path: Path,
        *,
        num_images: int,
        height: int,
        width: int,
        seed: int,
        workers: int | None,
        image_format: str,
        quality: int,
        overwrite: bool,
        on_progress: Callable[[int, int], None],
    ) -> bool:
        """Write an archive in which image i is decided by `seed` + i; `data.fill.fill` does it with several processes.

        Args:
            path: the zip to make.
            num_images: how many images.
            height: rows of an image.
            width: columns of an image.
            seed: of the first image.
            workers: processes, at least 1; None means one a core.
            image_format: `webp` or `png`.
            quality: of webp, 1 to 100.
            overwrite: whether another file at the path may be replaced.
            on_progress: called with (images done, images in all).

        Returns:
            Whether the archive was written; False when it was there already.

        Raises:
            UserError: a bad argument, or a path that holds something else or cannot be written.
        """
        ...
