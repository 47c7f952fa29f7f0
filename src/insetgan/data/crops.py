"""Training images that are crops of parts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from insetgan.data.annotations import Box
from insetgan.data.archive import Archive
from insetgan.data.check import Progress, sound_images
from insetgan.data.datasets import ImageDataset, TrainingImages, open_archive, opened, refuse_distortion
from insetgan.data.part_crop import PartCrop
from insetgan.data.person import PART_NAMES
from insetgan.data.reading import BACKGROUND, check_crop
from insetgan.ops.boxes import MARGIN, square_boxes
from insetgan.ops.images import from_uint8, to_uint8
from insetgan.ops.resampling import crop_matrix, resample
from insetgan.runtime.errors import UserError
from insetgan.runtime.plugins import buildable


class PartCrops(TrainingImages):
    """Square crops round parts: items are uint8 [3, height, width], or pairs of that and the label of the whole image.

    The square is `ops.boxes.square_boxes` of the part's box, the rule by which a generated inset is placed again.
    Parts that are not seen, or are smaller than `smallest`, are left out.

    Args:
        path: archive with boxes; None takes the rendered people that come with the package.
        part: one of `data.person.PART_NAMES` or of the archive's own parts, or several: crops of each.
        height: of the items.
        width: of the items; equal to the height.
        margin: what is added on every side, as a fraction of the longer side of the box.
        smallest: pixels of the archive's images that the longer side of the box must have.
        flip: those of the parts whose crops are mirrored left to right, so that one generator serves both hands.
        use_labels: as for `ImageDataset`.
        on_fault: likewise.
        checked: likewise; only images that show a part are checked.
        progress: likewise.
        background: likewise.
        grey: likewise.

    Attributes:
        boxes: int64 [n, 4], the squares in pixels of the archive's images.
        part_crop: what was cut out, for the header of the generator that learns it.

    Raises:
        UserError: unreadable archive, unknown part, crops that are not square, no image that shows a part, faulty
            images, or no labels.
    """

    def __init__(
        self,
        path: str | Path | Archive | None,
        part: str | Sequence[str],
        height: int,
        width: int,
        margin: float = MARGIN,
        smallest: int = 8,
        *,
        flip: Sequence[str] = (),
        use_labels: bool = False,
        on_fault: str = "stop",
        checked: bool = True,
        progress: Progress | None = None,
        background: Any = BACKGROUND,
        grey: str = "refuse",
    ) -> None:
        archive = opened(path, use_labels, background=background, grey=grey)
        parts = _parts(part, flip, archive)
        if height != width:
            raise UserError(f"data.height={height} data.width={width}: crops are square, give both the same value")
        found = _boxes_of(archive, parts, smallest)
        if not found:
            raise UserError(
                f"data.path={archive.path}: no image has a box of {' or '.join(parts)} of at least {smallest} pixels"
            )
        wanted = [index for index, _, _ in found]
        sound = sound_images(archive, wanted, on_fault=on_fault, checked=checked, progress=progress)
        self.skipped, self.notes, remaining = sound.faults, [*archive.notes, *sound.notes], set(sound.indices)
        found = [entry for entry in found if entry[0] in remaining]
        indices, shown, boxes = zip(*found, strict=True)
        self.boxes = square_boxes(torch.tensor(boxes), margin, *archive.size)
        self.part_crop = PartCrop(parts, tuple(flip), margin)
        self._flipped = [name in flip for name in shown]
        super().__init__(archive, indices, height, width, use_labels)

    def _make(self, index: int) -> Tensor:
        x0, y0, x1, y1 = self.boxes[index].tolist()
        image = self.archive.image(self._indices[index], window=(x0, y0, x1, y1))
        crop = _resized(torch.from_numpy(image), *self._size)
        return crop.flip(2) if self._flipped[index] else crop


@buildable
def part_dataset(
    path: str | Path | Archive | None,
    part: str | Sequence[str],
    height: int,
    width: int,
    margin: float = MARGIN,
    smallest: int = 8,
    *,
    flip: Sequence[str] = (),
    crop: str = "none",
    background: Any = BACKGROUND,
    grey: str = "refuse",
    **options: Any,
) -> ImageDataset | PartCrops:
    """Images of a part, from whole bodies or from a set of its own, such as FFHQ.

    Where any image of the archive has boxes, they are cropped by them; otherwise whole images are taken, and what is said about
    boxes, `margin`, `smallest` and `flip`, does not matter; a note says so where annotations name the part. The arguments are
    those of `PartCrops`, and `crop` of `ImageDataset`, for whole images; `options` are those that `ImageDataset` has too.

    Raises:
        UserError: as `PartCrops` and `ImageDataset` do.
    """
    check_crop(crop)
    archive = open_archive(path, background=background, grey=grey)
    if archive.has_boxes:
        if crop != "none":
            raise UserError(f"data.crop={crop}: must be none, since the boxes of {archive.path} say what is cut out")
        return PartCrops(archive, part, height, width, margin, smallest, flip=flip, **options)
    if crop == "none":
        refuse_distortion(archive, height, width, reason="without boxes (annotations.json) they are taken whole")
    dataset = ImageDataset(archive, height, width, crop=crop, **options)
    if named := [each for each in ((part,) if isinstance(part, str) else part) if each in archive.parts]:
        dataset.notes = [*dataset.notes, f"no image has a box of {' or '.join(named)}: the images are taken whole"]
    return dataset


def _parts(part: str | Sequence[str], flip: Sequence[str], archive: Archive) -> tuple[str, ...]:
    """The parts that are wanted, known to be people's or the archive's own."""
    parts = (part,) if isinstance(part, str) else tuple(part)
    known = dict.fromkeys((*PART_NAMES, *archive.parts))  # in order, each once
    if not parts or len(set(parts)) < len(parts) or not set(parts) <= set(known):
        raise UserError(f"part={part}: must be one of {', '.join(known)}, or a list of some of them")
    if isinstance(flip, str) or not set(flip) <= set(parts):
        raise UserError(f"flip={flip}: must be a list of parts that are cropped, of {', '.join(parts)}")
    return parts


def _boxes_of(archive: Archive, parts: Sequence[str], smallest: int) -> list[tuple[int, str, Box]]:
    """Image, part and box of every part that is large enough."""
    found = []
    for index in range(len(archive)):
        boxes = archive.boxes(index)
        for part in parts:
            box = boxes.get(part)
            if box is not None and max(box[2] - box[0], box[3] - box[1]) >= smallest:
                found.append((index, part, box))
    return found


def _resized(image: Tensor, height: int, width: int) -> Tensor:
    """Resize uint8 [H, W, 3] as the refinement resizes crops: uint8 [3, height, width]."""
    rows, columns = image.shape[:2]
    if (rows, columns) == (height, width):
        return image.permute(2, 0, 1)
    start, sides = torch.zeros(1, dtype=torch.int64), torch.tensor([[rows], [columns]])
    left = crop_matrix(start, sides[0], rows, height).float()
    right = crop_matrix(start, sides[1], columns, width).float()
    return to_uint8(resample(from_uint8(image[None]), left, right))[0].permute(2, 0, 1)
