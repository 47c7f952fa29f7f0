"""The images on which an encoder is trained after the samples: crops of a part, or whole ones."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from torch import Tensor
from torch.utils.data import Dataset

from insetgan.data.check import Fault
from insetgan.data.crops import part_dataset
from insetgan.data.datasets import ImageDataset
from insetgan.runtime.errors import UserError


class EncoderImages(Dataset[Tensor]):
    """Images that a generator has learned to draw: items are uint8 [3, height, width].

    Args:
        path: archive or folder; None takes the rendered people that come with the package.
        height: of the items.
        width: likewise.
        crop_of: `parts`, `flip` and `margin` of `data.crops.part_dataset`, for the generator of a part; None takes whole
            images.
        held_out: so many from the end are held out; at most half of all.
        take: which of them the items are.
        options: of `part_dataset` or `ImageDataset`.

    Attributes:
        skipped: images that were left out because they are faulty.
        notes: lines about what is passed over or changed on reading.

    Raises:
        UserError: as these two do, or there are fewer than two images.
    """

    def __init__(
        self,
        path: Any,
        height: int,
        width: int,
        *,
        crop_of: Mapping[str, Any] | None = None,
        held_out: int = 200,
        take: Literal["training", "held_out"] = "training",
        **options: Any,
    ) -> None:
        self._all: Any
        if crop_of is None:
            self._all = ImageDataset(path, height, width, **options)
        else:
            self._all = part_dataset(path, height=height, width=width, **crop_of, **options)
        self.skipped: Sequence[Fault] = self._all.skipped
        self.notes: Sequence[str] = self._all.notes
        count = len(self._all)
        if count < 2:
            raise UserError(f"data.path={path}: an encoder needs two images or more, one of them held out")
        first = count - min(held_out, count // 2)
        self._rows = range(first) if take == "training" else range(first, count)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Tensor:
        image: Tensor = self._all[self._rows[index]]
        return image
