"""The images from which the samples of a refinement start: one for all, or one a sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from insetgan.inversion.alignment import Alignment
from insetgan.inversion.given import GivenImage, content_digest
from insetgan.networks.synthesiser import LatentTensors
from insetgan.refine.starts import GivenStart


@dataclass(frozen=True)
class AlignedImage:
    """An image of the user's as a generator is to draw it.

    Attributes:
        given: where it comes from.
        image: [3, height, width] in [-1, 1].
        alignment: which piece of it that is.
    """

    given: GivenImage
    image: Tensor
    alignment: Alignment

    @property
    def digest(self) -> str:
        """Of the pixels that the generator is to draw."""
        return content_digest(self.image)


@dataclass(frozen=True)
class ImageStart(GivenStart):
    """Latents that draw given images, found by inversion.

    Attributes:
        digests: of the image of each sample, and of how its latents were found.
    """

    digests: Mapping[int, str]

    def digest(self, seed: int) -> str:
        """The image, and not the latents, which differ by rounding from machine to machine."""
        return self.digests[seed]


def start_from(
    images: Sequence[AlignedImage],
    chosen: Mapping[int, int],
    latents: Sequence[LatentTensors],
    *,
    method: str,
    source: str,
) -> ImageStart:
    """The start of samples from images.

    Args:
        images: of the run.
        chosen: by seed, the number of its image.
        latents: of each image, without the axis of samples.
        method: how they were found, as text.
        source: of the images, for messages.
    """
    codes = {seed: latents[number] for seed, number in chosen.items()}
    digests = {seed: f"{images[number].digest} {method}" for seed, number in chosen.items()}
    return ImageStart(codes, source, digests)


def stacked(images: Sequence[AlignedImage]) -> Tensor:
    """All images, [k, 3, height, width]."""
    return torch.stack([each.image for each in images])
