"""Masks of images in files of their own."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from insetgan.data.archive import Archive
from insetgan.data.reading import Reading
from insetgan.ops.resampling import crop_matrix, resample
from insetgan.runtime.errors import UserError

_HALF = 127.5


def read_known(path: str | Path, names: Sequence[str], height: int, width: int) -> Tensor:
    """Read a mask for each image: white where the image is known, black where it is to be filled.

    Args:
        path: folder or zip.
        names: of the images; a mask has the name of its image up to the ending, in any folder where names are unique.
        height: wanted; masks of another size are resized.
        width: likewise.

    Returns:
        float32 [n, 1, height, width], 1 = known, 0 = hole.

    Raises:
        UserError: no mask for an image or two, one that is all white, or what `Archive` refuses.
    """
    archive = Archive(path, Reading(grey="rgb"))  # masks are grey by nature
    by_path: dict[str, int] = {}
    for number, name in enumerate(archive.names):
        if (first := by_path.setdefault(_stem(name), number)) != number:
            raise UserError(f"data.masks={path}: {archive.names[first]} and {name} are two masks for one image")
    by_name = {PurePosixPath(stem).name: index for stem, index in by_path.items()}
    unique = len(by_name) == len(by_path)
    masks = []
    for name in names:
        index = by_path.get(_stem(name))
        if index is None and unique:
            index = by_name.get(PurePosixPath(_stem(name)).name)
        if index is None:
            raise UserError(f"data.masks={path}: no mask for {name}; it must have the image's name up to the ending")
        mask = torch.from_numpy(archive.image(index)).float().mean(2)[None, None]
        known = (_resized(mask, height, width) > _HALF).float()
        if bool(known.all()):
            raise UserError(f"data.masks={path}: {archive.names[index]} is white, so nothing is to be filled")
        masks.append(known)
    return torch.cat(masks)


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _resized(mask: Tensor, height: int, width: int) -> Tensor:
    """Resize [1, 1, H, W] by the rule of crops."""
    rows, columns = mask.shape[2:]
    if (rows, columns) == (height, width):
        return mask
    start = torch.zeros(1, dtype=torch.int64)
    left = crop_matrix(start, torch.tensor([rows]), rows, height).float()
    right = crop_matrix(start, torch.tensor([columns]), columns, width).float()
    return resample(mask, left, right)
