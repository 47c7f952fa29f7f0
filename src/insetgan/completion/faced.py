"""Whole images with the box of a part, round which holes are cut."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from insetgan.data.archive import Archive
from insetgan.data.datasets import ImageDataset, open_archive
from insetgan.data.person import PART_NAMES
from insetgan.runtime.errors import UserError


class FacedImages(Dataset[tuple[Tensor, Tensor]]):
    """Images of a size with the tight box of a part: items are uint8 [3, height, width] and float32 [4].

    The box is in pixels of the item, not always whole ones where images are resized; zeros where the part is not seen.

    Args:
        path: archive (zip or folder); None takes the rendered people that come with the package.
        height: of the items; images of another size are resized, antialiased.
        width: likewise.
        part: one of `data.person.PART_NAMES` or of the archive's own parts.
        held_out: images at the end of the archive that training does not see.
        take: "training" takes all but these, "held_out" these.
        use_labels: must be False, since an image is completed without.
        options: `on_fault`, `checked`, `progress`, `crop`, `background` and `grey` of `ImageDataset`.

    Attributes:
        boxes: float32 [n, 4], of all items.

    Raises:
        UserError: as `ImageDataset` does; labels, an unknown part or `take`.
    """

    def __init__(
        self,
        path: str | Path | Archive | None,
        height: int,
        width: int,
        *,
        part: str = "face",
        held_out: int = 0,
        take: str = "training",
        use_labels: bool = False,
        **options: Any,
    ) -> None:
        reading = {key: options.pop(key) for key in ("background", "grey") if key in options}
        archive = open_archive(path, **reading)
        known = dict.fromkeys((*PART_NAMES, *archive.parts))
        if part not in known:
            raise UserError(f"part={part}: must be one of {', '.join(known)}")
        if use_labels:
            raise UserError("data.labels=true: must be false, since images are completed without labels")
        if take not in ("training", "held_out") or not isinstance(held_out, int) or held_out < 0:
            raise UserError(f"held_out={held_out}, take={take}: must be 0 or more, and one of training, held_out")
        if options.get("crop", "none") != "none" and archive.has_boxes:
            raise UserError(f"data.crop={options['crop']}: must be none, boxes of {archive.path} fit whole images only")
        behind = max(len(archive) - held_out, 0)
        first, last = (0, behind - len(archive) or None) if take == "training" else (behind, None)
        self.images = ImageDataset(archive, height, width, first=first, last=last, **options)
        self.boxes = _boxes(archive, self.images.indices, part, height, width)

    @property
    def archive(self) -> Archive:
        """Where they come from."""
        return self.images.archive

    @property
    def indices(self) -> list[int]:
        """Of the images in the archive."""
        return self.images.indices

    @property
    def names(self) -> list[str]:
        """Of the images in the archive."""
        return [self.archive.names[index] for index in self.indices]

    @property
    def has_boxes(self) -> bool:
        """Whether the archive knows where parts are."""
        return self.archive.has_boxes

    @property
    def skipped(self) -> Any:
        """Images that were left out because they are faulty."""
        return self.images.skipped

    @property
    def notes(self) -> Any:
        """Lines about what is passed over or changed on reading."""
        return self.images.notes

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image = self.images[index]
        assert isinstance(image, Tensor)
        return image, self.boxes[index]


def _boxes(archive: Archive, indices: list[int], part: str, height: int, width: int) -> Tensor:
    """Boxes of a part in images of a size, [n, 4], zeros where it is not seen."""
    scale = torch.tensor([width / archive.size[1], height / archive.size[0]]).repeat(2)
    boxes = torch.zeros(len(indices), 4)
    for row, index in enumerate(indices):
        box = archive.boxes(index).get(part)
        if box is not None:
            boxes[row] = torch.tensor(box) * scale
    return boxes
