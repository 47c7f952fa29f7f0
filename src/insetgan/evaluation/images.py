"""Where the images of an evaluation come from: a source gives the images of a block of seeds as bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from insetgan.data.image import read_rgb
from insetgan.ops.images import to_uint8
from insetgan.runtime.errors import UserError


@dataclass(frozen=True)
class Images:
    """The images of a block.

    Attributes:
        pixels: uint8 [n, 3, H, W].
        measures: what is known of each image beside its pixels, such as "seam.face" or "body_change": float [n], NaN where
            unknown.
    """

    pixels: Tensor
    measures: Mapping[str, Tensor] = field(default_factory=dict)


class ImageSource(Protocol):
    """Gives images, block by block."""

    @property
    def networks(self) -> Sequence[nn.Module]:
        """What has to be on the device on which the images are drawn."""
        ...

    def images(self, block: Sequence[int]) -> Images:
        """The images of a block of seeds, or of numbers of a data set: the same for the same block."""
        ...


class DatasetImages:
    """Images that are there already: real ones, or any folder's.

    Args:
        dataset: items are uint8 [3, H, W], all of one size.
    """

    networks: Sequence[nn.Module] = ()

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def images(self, block: Sequence[int]) -> Images:
        """The images of these numbers of the data set."""
        return Images(torch.stack([self.dataset[number] for number in block]))


def read_image(path: Path) -> Tensor:
    """Read an image file as uint8 [3, H, W]."""
    return torch.from_numpy(np.array(read_rgb(path))).permute(2, 0, 1)


def as_bytes(images: Tensor, seeds: Sequence[int]) -> Tensor:
    """Generated images [n, 3, H, W] in [-1, 1] as uint8 [n, 3, H, W].

    Raises:
        UserError: an image is not finite.
    """
    finite = images.isfinite().flatten(1).all(1)
    if not bool(finite.all()):
        raise UserError(
            f"seed {seeds[int((~finite).nonzero()[0, 0])]}: the generator draws numbers that are not finite"
        )
    return to_uint8(images).permute(0, 3, 1, 2)
