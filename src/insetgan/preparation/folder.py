"""From a folder of any images to a training set of one size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from insetgan.data.fitting import fitted
from insetgan.data.reading import Reading
from insetgan.preparation.gather import Made, gather
from insetgan.preparation.inputs import Photo
from insetgan.preparation.source import FileSource, Task
from insetgan.preparation.verdict import Rejected
from insetgan.runtime.settings import settings


@settings
class FolderSource(FileSource):
    """Brings all images of a folder to one size, whatever they show. Greyscale is taken with `data.grey=rgb`."""

    crop: Annotated[
        Literal["center", "fit", "none"],
        Field(description="cut the middle out, pad with data.background, or refuse images of another ratio"),
    ] = "center"
    enlarge: Annotated[float, Field(gt=0, le=64, description="times that an image may be enlarged at most")] = 2.0
    duplicates: Annotated[
        Literal["drop", "keep"], Field(description="images that look like an earlier one: dropped, or only named")
    ] = "drop"

    name = "folder"
    finds = False

    def run(self, task: Task) -> Sequence[str]:
        """Write the archive, the table of reasons and the sheet; see `gather.gather`."""
        size = (task.height, task.width or self.default_width(task.height))
        return gather(
            task,
            FittedMaker(size, self.crop, self.enlarge, task.reading),
            name=self.name,
            parts=(),
            size=size,
            settings={"crop": self.crop, "enlarge": self.enlarge},
            duplicates=self.duplicates,
        )


@dataclass(frozen=True)
class FittedMaker:
    """Brings an image to a size; see `FolderSource` for its settings.

    Attributes:
        size: (H, W) of the image.
    """

    size: tuple[int, int]
    crop: str
    enlarge: float
    reading: Reading

    def make(self, photo: Photo, name: str) -> Made:
        """The whole image at the size.

        Raises:
            Rejected: it is too small, or of another ratio where nothing is to be cut.
        """
        rows, columns = photo.pixels.shape[1:]
        factors = self.size[0] / rows, self.size[1] / columns
        if self.crop == "none" and abs(factors[0] / factors[1] - 1) > 0.02:
            raise Rejected(f"another ratio: {rows} x {columns}; source.crop=center cuts, source.crop=fit pads")
        factor = min(factors) if self.crop == "fit" else max(factors)
        if factor > self.enlarge:
            raise Rejected(f"too small: {rows} x {columns} would be enlarged {factor:.1f} times")
        return Made(
            fitted(photo.pixels, self.size, self.crop, self.reading.colour).permute(1, 2, 0).contiguous().numpy()
        )
