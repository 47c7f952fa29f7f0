"""Training pictures from an archive: whole, or the crops of one part."""

from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset

from insetgan.data.archive import Archive
from insetgan.errors import UserError
from insetgan.ops.boxes import PART_NAMES, square_boxes
from insetgan.ops.images import from_uint8, to_uint8
from insetgan.ops.resampling import crop_matrix, resample

MEMORY_LIMIT = 4 << 30  # bytes of decoded pictures kept; beyond that every picture is decoded each time
_ASPECT_TOLERANCE = 0.02


def open_archive(path: str | Path | None) -> Archive:
    """Open an archive; None opens the rendered people that come with the package.

    Raises:
        UserError: it cannot be read, or the path is empty.
    """
    if isinstance(path, str) and not path.strip():  # pathlib takes it for the current folder
        raise UserError(f"data.path={path}: must name a zip or a folder; null takes the rendered people")
    return Archive(Path(__file__).with_name("people.zip") if path is None else Path(path))


class _Remembered(Dataset[Tensor]):
    """Pictures of one size, each made once and then kept as bytes, because training needs the processor."""

    def __init__(self, count: int, height: int, width: int) -> None:
        shape = (count, 3, height, width)
        self._shape = shape
        keep = count * 3 * height * width <= MEMORY_LIMIT
        self._images = torch.empty(shape, dtype=torch.uint8) if keep else None
        self._known = torch.zeros(count, dtype=torch.bool)

    def __len__(self) -> int:
        return self._shape[0]

    def __getitem__(self, index: int) -> Tensor:
        if self._images is None:
            return self._make(index)
        if not self._known[index]:
            self._images[index] = self._make(index)
            self._known[index] = True
        return self._images[index]

    def _make(self, index: int) -> Tensor:
        raise NotImplementedError

    def _window(self, picture: Tensor, box: Tensor) -> Tensor:
        """The box [4] of a picture uint8 [H, W, 3], resized: uint8 [3, height, width]."""
        height, width = self._shape[2:]
        x0, y0, x1, y1 = box[None].unbind(1)
        if (int(y1 - y0), int(x1 - x0)) == (height, width):
            return picture[int(y0) : int(y1), int(x0) : int(x1)].permute(2, 0, 1)
        rows = crop_matrix(y0, y1, picture.shape[0], height).float()
        columns = crop_matrix(x0, x1, picture.shape[1], width).float()
        resized = resample(from_uint8(picture[None]), rows, columns)
        return to_uint8(resized)[0].permute(2, 0, 1)


class ImageDataset(_Remembered):
    """Whole pictures: items are uint8 [3, height, width].

    Args:
        path: archive (zip or folder); None takes the rendered people that come with the package.
        height: of the items; pictures of another size are resized, antialiased.
        width: likewise.

    Raises:
        UserError: unreadable archive, or another ratio of height to width than any of the pictures'.
    """

    def __init__(self, path: str | Path | None, height: int, width: int) -> None:
        self.archive = open_archive(path)
        for index in range(1 if self.archive.one_size else len(self.archive)):
            rows, columns = self.archive.shape(index)
            if abs(height * columns / (width * rows) - 1) > _ASPECT_TOLERANCE:
                raise UserError(
                    f"data.height={height} data.width={width}: {self.archive.names[index]} in {self.archive.path} is "
                    f"{rows} x {columns} (height x width) and would be distorted; keep the ratio of the pictures"
                )
        super().__init__(len(self.archive), height, width)

    def _make(self, index: int) -> Tensor:
        picture = torch.tensor(self.archive.image(index))
        return self._window(picture, torch.tensor([0, 0, picture.shape[1], picture.shape[0]]))


class PartCrops(_Remembered):
    """Square crops round one part: items are uint8 [3, height, width].

    The square is `ops.boxes.square_boxes` of the part's box, the rule by which a generated inset is placed again.
    Pictures in which the part is not seen, or is smaller than `smallest`, are left out.

    Args:
        path: archive with boxes; None takes the rendered people that come with the package.
        part: one of `ops.boxes.PART_NAMES`.
        height: of the items.
        width: of the items; equal to the height.
        margin: what is added on every side, as a fraction of the longer side of the box.
        smallest: pixels of the archive's pictures that the longer side of the box must have.

    Raises:
        UserError: unreadable archive, unknown part, crops that are not square, or no picture that shows the part.
    """

    def __init__(
        self, path: str | Path | None, part: str, height: int, width: int, margin: float = 0.15, smallest: int = 8
    ) -> None:
        if part not in PART_NAMES:
            raise UserError(f"part={part}: must be one of {', '.join(PART_NAMES)}")
        if height != width:
            raise UserError(f"data.height={height} data.width={width}: crops are square, give both the same value")
        self.archive = open_archive(path)
        self._indices, boxes = [], []
        for index in range(len(self.archive)):
            box = self.archive.boxes(index).get(part)
            if box is not None and max(box[2] - box[0], box[3] - box[1]) >= smallest:
                self._indices.append(index)
                boxes.append(box)
        if not boxes:
            raise UserError(f"data.path={path}: no picture has a box of {part} of at least {smallest} pixels")
        self.boxes = square_boxes(torch.tensor(boxes), margin, *self.archive.size)
        super().__init__(len(boxes), height, width)

    def _make(self, index: int) -> Tensor:
        return self._window(torch.tensor(self.archive.image(self._indices[index])), self.boxes[index])
