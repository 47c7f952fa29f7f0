"""Grids of pictures that show how training gets on."""

from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from insetgan.ops.images import from_uint8, make_grid, seeded_latents, to_uint8
from insetgan.runtime.files import write_whole

PSIS = (1.0, 0.7)
VISIBLE = 128  # rows below which a picture is hard to judge


@runtime_checkable
class Samples(Protocol):
    """A training module whose average generator draws pictures."""

    def sample(self, latents: Tensor, truncation_psi: float, labels: Tensor | None = None) -> Tensor:
        """[n, z_dim], and [n, c_dim] for chosen labels, -> [n, 3, h, w] in [-1, 1]."""
        ...


@runtime_checkable
class DrawsGrids(Protocol):
    """A training module that knows itself what there is to show."""

    def grids(self, count: int) -> dict[str, Tensor]:
        """Pictures of at most `count` samples: name -> uint8 [h, w, 3]."""
        ...


def sample_grids(module: Samples, z_dim: int, count: int) -> dict[str, Tensor]:
    """Pictures of seeds 0, 1, ... without and with truncation, or what the module has to show: name -> uint8 [h, w, 3]."""
    if isinstance(module, DrawsGrids):
        return module.grids(count)
    latents = seeded_latents(range(count), z_dim)
    return {f"psi{psi:g}": tile(module.sample(latents, psi)) for psi in PSIS}


def real_grid(dataset: Dataset[Any], size: int, count: int) -> Tensor:
    """The first pictures of a data set, whose items are pictures or begin with one: uint8 [h, w, 3]."""
    items = [dataset[index] for index in range(min(count, size))]
    images = torch.stack([item if isinstance(item, Tensor) else item[0] for item in items])
    return tile(from_uint8(images.permute(0, 2, 3, 1)))


def tile(images: Tensor) -> Tensor:
    """Lay [n, 3, h, w] out in a grid about twice as wide as high, small pictures enlarged: uint8 [h, w, 3]."""
    count, _, height, width = images.shape
    columns = min(count, max(1, round((2 * count * height / width) ** 0.5)))
    enlarged = functional.interpolate(images.float(), scale_factor=max(1, VISIBLE // height), mode="nearest")
    return to_uint8(make_grid(enlarged, columns))[0]


def write_png(path: Path, picture: Tensor) -> None:
    """Write uint8 [h, w, 3] whole or not at all."""
    write_whole(path, lambda beside: Image.fromarray(picture.numpy()).save(beside, format="png"))
