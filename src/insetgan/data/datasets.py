"""Training images from an archive, whole; `data.part_crops` has those of parts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from insetgan.data.archive import PEOPLE, Archive
from insetgan.data.check import Fault, Progress, is_distorted, sound_images
from insetgan.data.fitting import fitted
from insetgan.data.image import Shape
from insetgan.data.kept import Kept
from insetgan.data.reading import BACKGROUND, Reading, check_crop
from insetgan.runtime import objects
from insetgan.runtime.errors import UserError
from insetgan.runtime.paths import read_path
from insetgan.runtime.plugins import buildable

_FINER = 2  # a JPEG is decoded at no less than this many times the size wanted; our own filter does the rest


@buildable
def open_archive(path: str | Path | Archive | None, *, background: Any = BACKGROUND, grey: str = "refuse") -> Archive:
    """Open an archive; None opens the rendered people that come with the package, an open one comes back as it is.

    Args:
        path: of the zip or folder.
        background: see `data.reading.Reading`.
        grey: likewise.

    Raises:
        UserError: it cannot be read, the path is empty, or no such colour or choice.
    """
    reading = Reading(background, grey)
    if isinstance(path, Archive):
        return path
    if isinstance(path, str) and not path.strip():  # pathlib takes it for the current folder
        raise UserError(f"data.path={path}: must name a zip or a folder; null takes the rendered people")
    if path is not None and objects.is_remote(path):
        return Archive(path, reading)
    return Archive(PEOPLE if path is None else read_path(path, key="data.path"), reading)


class TrainingImages(Dataset[Tensor | tuple[Tensor, Tensor]]):
    """Images of one size made from those of an archive, the base of the data sets.

    Items are uint8 [3, height, width], with `use_labels` pairs of that and a label, float32 [c_dim]. They are read, not
    written to: they may be the memory in which all processes keep them.

    Attributes:
        archive: where they come from.
        labels: float32 [n, c_dim] in the order of the items, None without `use_labels`.
        c_dim: length of a label, 0 without `use_labels`.
        skipped: images that were left out because they are faulty.
        notes: lines about what is passed over or changed on reading, for the caller to print.
    """

    skipped: Sequence[Fault] = ()
    notes: Sequence[str] = ()
    crop: str = "none"

    def __init__(
        self, archive: Archive, indices: Sequence[int], height: int, width: int, use_labels: bool, *, keep: bool = True
    ) -> None:
        """Make item i from image `indices[i]`, once if it is to be kept."""
        self.archive = archive
        self.labels: Tensor | None = None
        self._indices, self._size = list(indices), (height, width)
        if use_labels and archive.labels is not None:
            self.labels = torch.from_numpy(archive.labels[self._indices])
        self.c_dim = 0 if self.labels is None else self.labels.shape[1]
        self._kept = Kept((len(self), 3, height, width)) if keep else None

    @property
    def indices(self) -> list[int]:
        """Of the images in the archive, in the order of the items."""
        return list(self._indices)

    @property
    def groups(self) -> list[int] | None:
        """The number of the shard of each item, where shards are fetched from an object store; see `order.EndlessBatches`."""
        shards = self.archive.shards if self.archive.is_remote else None
        return None if shards is None else [shards[index] for index in self._indices]

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> Tensor | tuple[Tensor, Tensor]:
        image = self._make(index) if self._kept is None else self._kept.get(index, self._make)
        return image if self.labels is None else (image, self.labels[index])

    def _make(self, index: int) -> Tensor:
        raise NotImplementedError


class ImageDataset(TrainingImages):
    """Whole images: items are uint8 [3, height, width], or pairs of that and a label.

    Args:
        path: archive (zip or folder); None takes the rendered people that come with the package.
        height: of the items; images of another size are resized, antialiased.
        width: likewise.
        first: index of the first image taken; negative counts from the end.
        last: index behind the last image taken; None takes all to the end, negative counts from the end.
        use_labels: give the labels of `dataset.json` with the images.
        on_fault: what to do when images are faulty: stop, or skip them.
        checked: decode all images at the start to find the faulty ones; the rendered people are known to be whole.
        progress: called while they are checked with the number done and the number of all.
        keep: hold in memory what was read once; switch off when each image is read once.
        crop: what is done with images of another ratio: `none` refuses them, `center` cuts the largest middle piece of
            the ratio, `fit` makes the whole image fit and pads it with the background.
        background: see `data.reading.Reading`; of an archive that is open already, its own holds.
        grey: likewise.

    Raises:
        UserError: unreadable archive, too few images for any to be chosen, another ratio of height to width than the
            images', faulty images, or no labels.
    """

    def __init__(
        self,
        path: str | Path | Archive | None,
        height: int,
        width: int,
        *,
        first: int = 0,
        last: int | None = None,
        use_labels: bool = False,
        on_fault: str = "stop",
        checked: bool = True,
        progress: Progress | None = None,
        keep: bool = True,
        crop: str = "none",
        background: Any = BACKGROUND,
        grey: str = "refuse",
    ) -> None:
        check_crop(crop)
        self.crop = crop
        archive = opened(path, use_labels, background=background, grey=grey)
        chosen = range(len(archive))[first:last]
        if not chosen:
            needed = max(first, 0) - min(last or 0, 0)
            raise UserError(f"data.path={archive.path}: holds {len(archive)} images, but more than {needed} are needed")
        if crop == "none":
            refuse_distortion(archive, height, width, every=not checked)
        sound = sound_images(
            archive,
            chosen,
            on_fault=on_fault,
            checked=checked,
            target=(height, width) if crop == "none" else None,
            progress=progress,
        )
        self.skipped = sound.faults
        self.notes = [*archive.notes, *sound.notes, *_size_notes(archive, sound.shapes, (height, width), crop)]
        super().__init__(archive, sound.indices, height, width, use_labels, keep=keep)

    def _make(self, index: int) -> Tensor:
        enough = (_FINER * self._size[0], _FINER * self._size[1])
        image = torch.from_numpy(self.archive.image(self._indices[index], least=enough)).permute(2, 0, 1)
        return fitted(image, self._size, self.crop, self.archive.reading.colour)


def _size_notes(archive: Archive, shapes: Mapping[int, Shape], size: Shape, crop: str) -> list[str]:
    """Lines about images that are cut, padded or enlarged to a size (H, W)."""
    notes, wanted = [], f"{size[0]} x {size[1]}"
    every = shapes or {0: archive.size}  # of the rendered people nothing is looked at
    odd = sorted(index for index, shape in every.items() if is_distorted(shape, size))
    if odd and crop != "none":
        done = (
            "cut to their middle" if crop == "center" else f"padded with data.background={archive.reading.colour_name}"
        )
        some = f"{len(odd)} of {len(every)}" if shapes else "all"
        notes.append(
            f"data.crop={crop}: {some} images have another ratio than {wanted} (height x width) and are {done}"
        )
    small = [shape for shape in every.values() if shape[0] < size[0] and shape[1] < size[1]]
    if small:
        some = f"{len(small)} of {len(every)}" if shapes else "all"
        notes.append(f"{some} images are smaller than {wanted} (height x width) and are enlarged")
    return notes


def opened(path: str | Path | Archive | None, use_labels: bool, **reading: Any) -> Archive:
    """Open an archive; one without the labels that are wanted is refused now, before its images are checked."""
    archive = open_archive(path, **reading)
    if use_labels and archive.labels is None:
        raise UserError(f"data.labels=true: {archive.path} has none; its dataset.json must hold them")
    return archive


def refuse_distortion(
    archive: Archive, height: int, width: int, *, every: bool = False, reason: str = "keep the ratio of the images"
) -> None:
    """Refuse a ratio that is not that of the images, by the size that they usually have, or by `every` one's header."""
    shapes = [(f"images in {archive.path} are", archive.size)]
    if every and not archive.one_size:
        shapes += [(f"{name} in {archive.path} is", archive.shape(i)) for i, name in enumerate(archive.names)]
    for subject, shape in shapes:
        if is_distorted(shape, (height, width)):
            raise UserError(
                f"data.height={height} data.width={width}: {subject} {shape[0]} x {shape[1]} (height x width) and would be "
                f"distorted; {reason}, or let data.crop=center or fit cut or pad them"
            )
