"""Grids of images that show the progress of training."""

from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from insetgan.networks.generator import Generator
from insetgan.ops.images import from_uint8, make_grid, to_uint8
from insetgan.runtime.files import write_whole

AT_ONCE = 16
PSIS = (1.0, 0.7)
"""Truncation of the sample grids."""

VISIBLE = 128  # rows below which an image is hard to judge


def draw_samples(generator: Generator, latents: Tensor, labels: Tensor | None, *, truncation_psi: float) -> Tensor:
    """Draw images [n, 3, h, w] of latents [n, z_dim] and labels [n, c_dim], a few at a time, with fixed noise."""
    rows = [slice(first, first + AT_ONCE) for first in range(0, len(latents), AT_ONCE)]
    labels = None if labels is None else labels.to(latents.device)
    images = [
        generator(latents[these], None if labels is None else labels[these], truncation_psi, "const") for these in rows
    ]
    return torch.cat(images)


def real_grid(dataset: Dataset[Any], size: int, count: int) -> Tensor:
    """The first images of a data set, whose items are images or begin with one: uint8 [h, w, 3]."""
    items = [dataset[index] for index in range(min(count, size))]
    images = torch.stack([item if isinstance(item, Tensor) else item[0] for item in items])
    return tile(from_uint8(images.permute(0, 2, 3, 1)))


def tile(images: Tensor) -> Tensor:
    """Lay [n, 3, h, w] out in a grid about twice as wide as high, small images enlarged: uint8 [h, w, 3]."""
    count, _, height, width = images.shape
    columns = min(count, max(1, round((2 * count * height / width) ** 0.5)))
    enlarged = functional.interpolate(images.float(), scale_factor=max(1, VISIBLE // height), mode="nearest")
    return to_uint8(make_grid(enlarged, columns))[0]


def write_png(path: Path, image: Tensor) -> None:
    """Write uint8 [h, w, 3] whole or not at all."""
    write_whole(path, lambda beside: Image.fromarray(image.numpy()).save(beside, format="png"))
