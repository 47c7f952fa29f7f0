"""Training pictures from an archive: whole, or the crops of parts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from insetgan.data.archive import PEOPLE, Archive
from insetgan.data.check import Fault, Progress, is_distorted, sound_pictures
from insetgan.data.fitting import fitted
from insetgan.data.kept import Kept
from insetgan.data.part_crop import PartCrop
from insetgan.data.person import PART_NAMES
from insetgan.data.picture import Shape
from insetgan.data.reading import BACKGROUND, Reading, check_crop
from insetgan.ops.boxes import MARGIN, square_boxes
from insetgan.ops.images import from_uint8, to_uint8
from insetgan.ops.resampling import crop_matrix, resample
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
    return Archive(PEOPLE if path is None else read_path(path, key="data.path"), reading)


class TrainingPictures(Dataset[Tensor | tuple[Tensor, Tensor]]):
    """Pictures of one size made from those of an archive, the base of the data sets.

    Items are uint8 [3, height, width], with `use_labels` pairs of that and a label, float32 [c_dim]. They are read, not
    written to: they may be the memory in which all processes keep them.

    Attributes:
        archive: where they come from.
        labels: float32 [n, c_dim] in the order of the items, None without `use_labels`.
        c_dim: length of a label, 0 without `use_labels`.
        skipped: pictures that were left out because they are faulty.
        notes: lines about what is passed over or changed on reading, for whoever opened it to print.
    """

    skipped: Sequence[Fault] = ()
    notes: Sequence[str] = ()
    crop: str = "none"

    def __init__(
        self, archive: Archive, indices: Sequence[int], height: int, width: int, use_labels: bool, *, keep: bool = True
    ) -> None:
        """Make item i from picture `indices[i]`, once if it is to be kept."""
        self.archive = archive
        self.labels: Tensor | None = None
        self._indices, self._size = list(indices), (height, width)
        if use_labels and archive.labels is not None:
            self.labels = torch.from_numpy(archive.labels[self._indices])
        self.c_dim = 0 if self.labels is None else self.labels.shape[1]
        self._kept = Kept((len(self), 3, height, width)) if keep else None

    @property
    def indices(self) -> list[int]:
        """Of the pictures in the archive, in the order of the items."""
        return list(self._indices)

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> Tensor | tuple[Tensor, Tensor]:
        image = self._make(index) if self._kept is None else self._kept.get(index, self._make)
        return image if self.labels is None else (image, self.labels[index])

    def _make(self, index: int) -> Tensor:
        raise NotImplementedError


class ImageDataset(TrainingPictures):
    """Whole pictures: items are uint8 [3, height, width], or pairs of that and a label.

    Args:
        path: archive (zip or folder); None takes the rendered people that come with the package.
        height: of the items; pictures of another size are resized, antialiased.
        width: likewise.
        first: index of the first picture taken; negative counts from the end.
        last: index behind the last picture taken; None takes all to the end, negative counts from the end.
        use_labels: give the labels of `dataset.json` with the pictures.
        on_fault: what to do when pictures are faulty: stop, or skip them.
        checked: decode all pictures at the start to find the faulty ones; the rendered people are known to be whole.
        progress: called while they are checked with the number done and the number of all.
        keep: hold in memory what was read once; not worth it for who reads each picture once.
        crop: what is done with pictures of another ratio: `none` refuses them, `center` cuts the largest middle piece of
            the ratio, `fit` makes the whole picture fit and pads it with the background.
        background: see `data.reading.Reading`; of an archive that is open already, its own holds.
        grey: likewise.

    Raises:
        UserError: unreadable archive, too few pictures for any to be chosen, another ratio of height to width than the
            pictures', faulty pictures, or no labels.
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
        archive = _opened(path, use_labels, background=background, grey=grey)
        chosen = range(len(archive))[first:last]
        if not chosen:
            needed = max(first, 0) - min(last or 0, 0)
            raise UserError(
                f"data.path={archive.path}: holds {len(archive)} pictures, but more than {needed} are needed"
            )
        if crop == "none":
            _refuse_distortion(archive, height, width, every=not checked)
        sound = sound_pictures(
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
        picture = torch.from_numpy(self.archive.image(self._indices[index], least=enough)).permute(2, 0, 1)
        return fitted(picture, self._size, self.crop, self.archive.reading.colour)


def _size_notes(archive: Archive, shapes: Mapping[int, Shape], size: Shape, crop: str) -> list[str]:
    """Lines about pictures that are cut, padded or enlarged to a size (H, W)."""
    notes, wanted = [], f"{size[0]} x {size[1]}"
    every = shapes or {0: archive.size}  # of the rendered people nothing is looked at
    odd = sorted(index for index, shape in every.items() if is_distorted(shape, size))
    if odd and crop != "none":
        done = (
            "cut to their middle" if crop == "center" else f"padded with data.background={archive.reading.colour_name}"
        )
        some = f"{len(odd)} of {len(every)}" if shapes else "all"
        notes.append(
            f"data.crop={crop}: {some} pictures have another ratio than {wanted} (height x width) and are {done}"
        )
    small = [shape for shape in every.values() if shape[0] < size[0] and shape[1] < size[1]]
    if small:
        some = f"{len(small)} of {len(every)}" if shapes else "all"
        notes.append(f"{some} pictures are smaller than {wanted} (height x width) and are enlarged")
    return notes


class PartCrops(TrainingPictures):
    """Square crops round parts: items are uint8 [3, height, width], or pairs of that and the label of the whole picture.

    The square is `ops.boxes.square_boxes` of the part's box, the rule by which a generated inset is placed again.
    Parts that are not seen, or are smaller than `smallest`, are left out.

    Args:
        path: archive with boxes; None takes the rendered people that come with the package.
        part: one of `data.person.PART_NAMES` or of the archive's own parts, or several: crops of each.
        height: of the items.
        width: of the items; equal to the height.
        margin: what is added on every side, as a fraction of the longer side of the box.
        smallest: pixels of the archive's pictures that the longer side of the box must have.
        flip: those of the parts whose crops are mirrored left to right, so that one generator serves both hands.
        use_labels: as for `ImageDataset`.
        on_fault: likewise.
        checked: likewise; only pictures that show a part are checked.
        progress: likewise.
        background: likewise.
        grey: likewise.

    Attributes:
        boxes: int64 [n, 4], the squares in pixels of the archive's pictures.
        part_crop: what was cut out, for the header of the generator that learns it.

    Raises:
        UserError: unreadable archive, unknown part, crops that are not square, no picture that shows a part, faulty
            pictures, or no labels.
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
        archive = _opened(path, use_labels, background=background, grey=grey)
        parts = _parts(part, flip, archive)
        if height != width:
            raise UserError(f"data.height={height} data.width={width}: crops are square, give both the same value")
        found = _boxes_of(archive, parts, smallest)
        if not found:
            raise UserError(
                f"data.path={archive.path}: no picture has a box of {' or '.join(parts)} of at least {smallest} pixels"
            )
        wanted = [index for index, _, _ in found]
        sound = sound_pictures(archive, wanted, on_fault=on_fault, checked=checked, progress=progress)
        self.skipped, self.notes, remaining = sound.faults, [*archive.notes, *sound.notes], set(sound.indices)
        found = [entry for entry in found if entry[0] in remaining]
        indices, shown, boxes = zip(*found, strict=True)
        self.boxes = square_boxes(torch.tensor(boxes), margin, *archive.size)
        self.part_crop = PartCrop(parts, tuple(flip), margin)
        self._flipped = [name in flip for name in shown]
        super().__init__(archive, indices, height, width, use_labels)

    def _make(self, index: int) -> Tensor:
        x0, y0, x1, y1 = self.boxes[index].tolist()
        picture = self.archive.image(self._indices[index], window=(x0, y0, x1, y1))
        crop = _resized(torch.from_numpy(picture), *self._size)
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
    """Pictures of a part, from whole bodies or from a set of its own, such as FFHQ.

    Where any picture of the archive has boxes, they are cropped by them; otherwise whole pictures are taken, and what is
    said about boxes, `margin`, `smallest` and `flip`, does not matter. The arguments are those of `PartCrops`, and `crop` of
    `ImageDataset`, for whole pictures; `options` are those that `ImageDataset` has too.

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
        _refuse_distortion(archive, height, width, reason="without boxes (annotations.json) they are taken whole")
    return ImageDataset(archive, height, width, crop=crop, **options)


def _opened(path: str | Path | Archive | None, use_labels: bool, **reading: Any) -> Archive:
    """Open an archive; one without the labels that are wanted is refused now, before its pictures are checked."""
    archive = open_archive(path, **reading)
    if use_labels and archive.labels is None:
        raise UserError(f"data.labels=true: {archive.path} has none; its dataset.json must hold them")
    return archive


def _parts(part: str | Sequence[str], flip: Sequence[str], archive: Archive) -> tuple[str, ...]:
    """The parts that are wanted, known to be people's or the archive's own."""
    parts = (part,) if isinstance(part, str) else tuple(part)
    known = dict.fromkeys((*PART_NAMES, *archive.parts))  # in order, each once
    if not parts or len(set(parts)) < len(parts) or not set(parts) <= set(known):
        raise UserError(f"part={part}: must be one of {', '.join(known)}, or a list of some of them")
    if isinstance(flip, str) or not set(flip) <= set(parts):
        raise UserError(f"flip={flip}: must be a list of parts that are cropped, of {', '.join(parts)}")
    return parts


def _refuse_distortion(
    archive: Archive, height: int, width: int, *, every: bool = False, reason: str = "keep the ratio of the pictures"
) -> None:
    """Refuse a ratio that is not that of the pictures, by the size that they usually have, or by `every` one's header."""
    shapes = [(f"pictures in {archive.path} are", archive.size)]
    if every and not archive.one_size:
        shapes += [(f"{name} in {archive.path} is", archive.shape(i)) for i, name in enumerate(archive.names)]
    for subject, shape in shapes:
        if is_distorted(shape, (height, width)):
            raise UserError(
                f"data.height={height} data.width={width}: {subject} {shape[0]} x {shape[1]} (height x width) and would be "
                f"distorted; {reason}, or let data.crop=center or fit cut or pad them"
            )


def _boxes_of(
    archive: Archive, parts: Sequence[str], smallest: int
) -> list[tuple[int, str, tuple[int, int, int, int]]]:
    """Picture, part and box of every part that is large enough."""
    found = []
    for index in range(len(archive)):
        boxes = archive.boxes(index)
        for part in parts:
            box = boxes.get(part)
            if box is not None and max(box[2] - box[0], box[3] - box[1]) >= smallest:
                found.append((index, part, box))
    return found


def _resized(picture: Tensor, height: int, width: int) -> Tensor:
    """Resize uint8 [H, W, 3] as the refinement resizes crops: uint8 [3, height, width]."""
    rows, columns = picture.shape[:2]
    if (rows, columns) == (height, width):
        return picture.permute(2, 0, 1)
    start, sides = torch.zeros(1, dtype=torch.int64), torch.tensor([[rows], [columns]])
    left = crop_matrix(start, sides[0], rows, height).float()
    right = crop_matrix(start, sides[1], columns, width).float()
    return to_uint8(resample(from_uint8(picture[None]), left, right))[0].permute(2, 0, 1)
