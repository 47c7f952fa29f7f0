"""The images from which the samples of a refinement start: one for all, or one a sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from insetgan.inversion.alignment import Alignment
from insetgan.inversion.given import GivenImage, content_digest
from insetgan.networks.synthesiser import LatentTensors
from insetgan.refine.starts import GivenStart
from insetgan.runtime.errors import UserError


@dataclass(frozen=True)
class AlignedImage:
    """An image of the user's as a generator is to draw it.

    Attributes:
        given: where it comes from.
        image: [3, height, width] in [-1, 1].
        alignment: which piece of it that is.
        file: SHA-256 of the whole file, where more of it than this piece decides the results, as of a photograph that
            becomes the canvas; else empty.
    """

    given: GivenImage
    image: Tensor
    alignment: Alignment
    file: str = ""

    @property
    def digest(self) -> str:
        """Of the pixels that the generator is to draw, and of the whole file where that counts."""
        return f"{content_digest(self.image)}{self.file}"

    def read_again(self, *, key: str = "image") -> Tensor:
        """The pixels of the whole file, uint8 [3, H, W].

        Raises:
            UserError: it cannot be read any more, or it has changed since it was aligned.
        """
        pixels, file = self.given.read_with_digest(key=key)
        if self.file and file != self.file:
            raise UserError(f"{key}={self.given.path}: has changed since this command read it; start the command again")
        return pixels


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
