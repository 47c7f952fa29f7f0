"""Images with the boxes and masks of their parts, augmented in batches, for training PartsNet."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from insetgan.data.archive import Archive
from insetgan.data.check import Fault, Progress, sound_images
from insetgan.data.person import PART_NAMES
from insetgan.runtime.errors import UserError

_MOST_MASKS = 8  # bits of the bytes in which masks are kept
_OTHER_SIDE = {"left": "right", "right": "left"}


def mirrored_order(parts: Sequence[str]) -> list[int]:
    """For each part the index of the one that it becomes in a mirror: hand_left and hand_right swap, others stay."""
    other = [re.sub("(?<![a-z])(left|right)(?![a-z])", lambda side: _OTHER_SIDE[side[0]], part) for part in parts]
    return [parts.index(name) if name in parts else index for index, name in enumerate(other)]


class LocatedBatch(NamedTuple):
    """Images with what is known of their parts.

    Attributes:
        images: [n, 3, h, w] in [-1, 1].
        boxes: [n, parts, 4] in pixels.
        visible: [n, parts] bool.
        masks: [n, parts, h, w], how much of each pixel belongs to each part, 0..1; None if that is not wanted.
    """

    images: Tensor
    boxes: Tensor
    visible: Tensor
    masks: Tensor | None = None


class LocatedArchive(Protocol):
    """What is needed of an archive; `data.archive.Archive` is one."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of its images."""
        ...

    def __len__(self) -> int: ...

    def image(self, index: int) -> Any:
        """Image as uint8 [h, w, 3]."""
        ...

    def boxes(self, index: int) -> Mapping[str, tuple[int, int, int, int] | None]:
        """Tight box of each part in pixels, None where it is not seen."""
        ...

    def mask(self, index: int, part: str) -> Any:
        """Mask of a part as bool [h, w]; asked for only where masks are wanted and the part has a box."""
        ...


class LocatedImages(torch.utils.data.Dataset[tuple[Tensor, ...]]):
    """A whole archive in memory with its boxes, and its masks if wanted.

    Items are uint8 [3, h, w], float [parts, 4] (zeros where the part is not seen) and bool [parts]; with masks, then also
    uint8 [h, w] that `unpack_masks` reads.

    Args:
        archive: images with boxes; one size for all.
        first: index of the first image taken; negative counts from the end, by at most a fifth where there are fewer images.
        last: index behind the last image taken; None takes all to the end, negative counts from the end likewise.
        masks: take the masks as well.
        on_fault: what to do when chosen images are faulty: stop, or skip them.
        checked: decode the chosen images at the start to find all faulty ones, not only the first.
        progress: called while they are checked with the number done and the number of all.
        crop: `none`; boxes and masks fit whole images only.
        parts: names of the parts, in the order of the network that learns them; at most 8 with masks.

    Attributes:
        skipped: images that were left out because they are faulty.
        notes: lines about what is passed over or changed on reading.

    Raises:
        UserError: the archive has too few images for any to be chosen, none of them has a box, some are faulty, or a part
            with a box has no mask although masks are wanted.
    """

    skipped: Sequence[Fault] = ()
    notes: Sequence[str] = ()

    def __init__(
        self,
        archive: LocatedArchive,
        first: int | None = 0,
        last: int | None = None,
        *,
        masks: bool = False,
        on_fault: str = "stop",
        checked: bool = True,
        progress: Progress | None = None,
        crop: str = "none",
        parts: Sequence[str] = PART_NAMES,
    ) -> None:
        if masks and len(parts) > _MOST_MASKS:
            raise UserError(
                f"model.module.network.parts: {len(parts)} parts; at most {_MOST_MASKS} are outlined, "
                "model.module.network.masks=false finds more"
            )
        if crop != "none":
            raise UserError(f"data.crop={crop}: must be none, since boxes and masks fit whole images only")
        wanted, (first, last) = (first, last), (_within(bound, len(archive)) for bound in (first, last))
        chosen: Sequence[int] = range(len(archive))[first:last]
        path = getattr(archive, "path", "")
        if not chosen:
            needed = max(first or 0, 0) - min(last or 0, 0)
            raise UserError(f"data.path={path}: holds {len(archive)} images, but more than {needed} are needed")
        if isinstance(archive, Archive):
            sound = sound_images(archive, chosen, on_fault=on_fault, checked=checked, progress=progress)
            chosen, self.skipped, self.notes = sound.indices, sound.faults, [*archive.notes, *sound.notes]
        if (first, last) != wanted:
            self.notes = [
                *self.notes,
                f"holds {len(archive)} images only, so that the last {-(last or first or 0)} validate",
            ]
        self.boxes, self.visible = _boxes(archive, chosen, parts)
        if not self.visible.any():
            raise UserError(
                f"data.path={path}: none of the {len(chosen)} images has a box of {', '.join(parts)}; "
                "annotations.json must hold them"
            )
        self.images = torch.empty(len(chosen), 3, *archive.size, dtype=torch.uint8)
        for row, index in enumerate(chosen):
            self.images[row] = torch.from_numpy(archive.image(index)).permute(2, 0, 1)
        self.masks = _packed_masks(archive, chosen, parts, self.visible) if masks else None

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        item = (self.images[index], self.boxes[index], self.visible[index])
        return item if self.masks is None else (*item, self.masks[index])


def _within(bound: int | None, count: int) -> int | None:
    """A bound that counts from the end; of fewer images than it counts, a fifth of them, so that some remain on either side."""
    return -max(count // 5, 1) if bound is not None and bound < 0 and -bound >= count else bound


def _boxes(archive: LocatedArchive, chosen: Sequence[int], parts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Boxes [n, parts, 4], zeros where a part is not seen, and whether it is, [n, parts] bool."""
    boxes = torch.zeros(len(chosen), len(parts), 4)
    visible = torch.zeros(len(chosen), len(parts), dtype=torch.bool)
    for row, index in enumerate(chosen):
        for column, part in enumerate(parts):
            if (box := archive.boxes(index).get(part)) is not None:
                boxes[row, column] = torch.tensor(box, dtype=torch.float32)
                visible[row, column] = True
    return boxes, visible


def _packed_masks(archive: LocatedArchive, chosen: Sequence[int], parts: Sequence[str], visible: Tensor) -> Tensor:
    """Masks as uint8 [n, h, w], one bit a part: four thousand images of 256 x 128 take 130 MB instead of 520."""
    packed = torch.zeros(len(chosen), *archive.size, dtype=torch.uint8)
    for row, column in visible.nonzero().tolist():
        try:
            mask = archive.mask(chosen[row], parts[column])
        except UserError as error:
            raise UserError(f"{error}; model.module.network.masks=false trains on the boxes alone") from error
        packed[row] |= torch.from_numpy(mask).to(torch.uint8) << column
    return packed


def unpack_masks(packed: Tensor, parts: int = len(PART_NAMES)) -> Tensor:
    """Masks of all parts from the bits of uint8 [n, h, w]: float [n, parts, h, w], 0 or 1."""
    return torch.stack([packed >> column & 1 for column in range(parts)], dim=1).float()


def augment(
    batch: LocatedBatch, generator: torch.Generator, *, parts: Sequence[str] = PART_NAMES, empty: float = 0.1
) -> LocatedBatch:
    """Augmentation for the training of detectors: place, size, mirror, light, softness, and images without people.

    Args:
        batch: images and boxes, with masks or without.
        generator: source of all randomness.
        parts: their names; what is left and right swaps in a mirror.
        empty: share of images replaced by ones without a person.

    Returns:
        A batch of the same shapes; a part of which less than half remains in the frame counts as not visible.
    """
    batch = _without_people(_move(batch, generator, mirrored_order(parts)), generator, empty)
    return batch._replace(images=_degrade(batch.images, generator))


def _move(batch: LocatedBatch, generator: torch.Generator, mirrored: Sequence[int]) -> LocatedBatch:
    """Mirror, scale by 0.8 to 1.2 and shift by up to 8 % of the width and height, edges repeated."""
    count, _, height, width = batch.images.shape
    size = batch.images.new_tensor([width, height])
    mirror = _uniform(count, generator) < 0.5
    scale = 0.8 + 0.4 * _uniform(count, generator)
    shift = (_uniform(count, generator, 2) - 0.5) * 0.16 * size
    flip = torch.where(mirror, -1.0, 1.0)
    factor = torch.stack(
        [scale * flip, scale], dim=1
    )  # forward map of a point about the centre: p' = factor * p + shift
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = 1 / factor[:, 0], 1 / factor[:, 1]
    theta[:, :, 2] = -shift / factor / size * 2
    grid = functional.affine_grid(theta, [count, 3, height, width], align_corners=False)
    images = functional.grid_sample(batch.images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    masks = batch.masks
    if masks is not None:
        # Zeros beyond the frame, where the edges of the images are repeated: boxes end there as well.
        masks = functional.grid_sample(masks, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        masks = torch.where(mirror[:, None, None, None], masks[:, mirrored], masks)

    corners = batch.boxes.view(count, -1, 2, 2) - size / 2
    corners = corners * factor[:, None, None] + shift[:, None, None] + size / 2
    boxes = torch.cat([corners.amin(dim=2), corners.amax(dim=2)], dim=2)
    boxes = torch.where(mirror[:, None, None], boxes[:, mirrored], boxes)
    visible = torch.where(mirror[:, None], batch.visible[:, mirrored], batch.visible)
    inside = torch.cat([boxes[..., :2].clamp(min=0), torch.minimum(boxes[..., 2:], size)], dim=2)
    inside = torch.cat([inside[..., :2], torch.maximum(inside[..., 2:], inside[..., :2])], dim=2)
    return LocatedBatch(images, inside, visible & (_area(inside) >= 0.5 * _area(boxes)), masks)


def _without_people(batch: LocatedBatch, generator: torch.Generator, share: float) -> LocatedBatch:
    """Replace some images by their own empty margin stretched to full width, by flat colour, or by shuffled patches."""
    images, visible = batch.images.clone(), batch.visible.clone()
    masks = None if batch.masks is None else batch.masks.clone()
    count, _, height, width = images.shape
    for index in torch.nonzero(_uniform(count, generator) < share).flatten().tolist():
        kind = int(torch.randint(3, (), generator=generator))
        if kind == 0:
            strip = images[index : index + 1, :, :, : max(2, width // 16)]
            images[index] = functional.interpolate(strip, (height, width), mode="bilinear", align_corners=False)[0]
        elif kind == 1:
            images[index] = (_uniform(3, generator) * 2 - 1)[:, None, None]
        else:
            side = width // 8
            patches = functional.unfold(images[index : index + 1], side, stride=side)
            order = torch.randperm(patches.shape[2], generator=generator)
            images[index] = functional.fold(patches[:, :, order], (height, width), side, stride=side)[0]
        visible[index] = False
        if masks is not None:
            masks[index] = 0
    return LocatedBatch(images, batch.boxes, visible, masks)


def _degrade(images: Tensor, generator: torch.Generator) -> Tensor:
    """Brightness, contrast, colour cast, a little noise, and in half of the images the softness of a small generator."""
    count, _, height, width = images.shape
    gain = 0.75 + 0.5 * _uniform(count, generator, 3, 1, 1)
    offset = (_uniform(count, generator, 3, 1, 1) - 0.5) * 0.2 + (_uniform(count, generator, 1, 1, 1) - 0.5) * 0.3
    images = images * gain + offset
    factor = 1.5 + float(_uniform(1, generator)) * 1.5
    small = functional.interpolate(
        images, scale_factor=1 / factor, mode="bilinear", antialias=True, align_corners=False
    )
    soft = functional.interpolate(small, (height, width), mode="bicubic", align_corners=False)
    images = torch.where(_uniform(count, generator, 1, 1, 1) < 0.4, soft, images)
    noise = torch.randn(images.shape, generator=generator) * 0.06 * _uniform(count, generator, 1, 1, 1)
    return (images + noise).clamp(-1, 1)


def _uniform(count: int, generator: torch.Generator, *shape: int) -> Tensor:
    return torch.rand(count, *shape, generator=generator)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
