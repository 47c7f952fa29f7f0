"""Images that are there already."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from insetgan.data.datasets import ImageDataset
from insetgan.evaluation.images import DatasetImages, Images
from insetgan.evaluation.method import Method
from insetgan.runtime import objects
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import fingerprint
from insetgan.runtime.paths import UserImages
from insetgan.runtime.settings import settings


@settings(kw_only=True)
class Folder(Method):
    """Images of any folder or zip; they have no psi, and stand in the columns of all."""

    path: Annotated[UserImages | None, Field(description="of the folder, zip or tar shards; must be given")] = None
    grey: Annotated[Literal["refuse", "rgb"], Field(description="what is done with greyscale images")] = "refuse"
    background: Annotated[
        Any, Field(description="colour behind transparent images: a name, '#rrggbb' or [red, green, blue]")
    ] = "white"

    uses_trunc = False

    @cached_property
    def dataset(self) -> ImageDataset:
        """The images, brought to the size of the evaluation."""
        reading: Any = {"grey": self.grey, "background": self.background}
        return ImageDataset(self._path, *self.setup.size, checked=False, keep=False, **reading)

    @property
    def _path(self) -> Path:
        key = f"method.{self.setup.name}.path"
        if not self.path:
            raise UserError(f"{key}: must be given, as in {key}=PATH")
        if not (objects.is_remote(self.path) or objects.is_pattern(self.path) or Path(self.path).exists()):
            raise UserError(f"{key}={self.path}: no such file or folder")
        return Path(self.path)

    def check(self) -> None:
        """Open the folder, and count its images."""
        if len(self.dataset) < 2:
            raise UserError(f"method.{self.setup.name}.path={self.path}: holds one image; 2 or more are needed")

    def fingerprint(self) -> str:
        """What decides the images: the files, and how they are read."""
        reading = [self.grey, str(self.background)]
        return fingerprint(["folder", self.setup.size, reading], archives=[self._path])

    def seeds(self, first: int, count: int) -> range:
        """Numbers of its images: all, or the first `count`."""
        return range(min(count, len(self.dataset)))

    def images(self, block: Sequence[int]) -> Images:
        """Read the images of these numbers."""
        return DatasetImages(self.dataset).images(block)

    @cached_property
    def notes(self) -> Sequence[str]:
        """What of the folder is passed over or changed on reading."""
        return list(self.dataset.notes)
