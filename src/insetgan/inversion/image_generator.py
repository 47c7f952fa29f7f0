"""A generator that draws given images and nothing else: a canvas that stands as it is needs no latents."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from insetgan.networks.synthesiser import LatentTensors

NUMBER = "number"
"""Name of its only latent: which of the images is drawn, [n]."""


class ImageGenerator(nn.Module):
    """Answers `networks.synthesiser.Synthesiser` with images; nothing in it moves.

    Args:
        images: [k, 3, height, width] in [-1, 1].
    """

    images: Tensor
    spaces: ClassVar[dict[str, Sequence[str]]] = {"image": ()}
    z_dim, layers, img_channels = 1, 1, 3

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        self.height, self.width = images.shape[2:]
        self.register_buffer("images", images)

    def files(self) -> list[str]:
        """It reads no file: the contents of images are part of each sample's start."""
        return []

    @property
    def mean(self) -> LatentTensors:
        """The number of the first image."""
        return {NUMBER: self.images.new_zeros(())}

    def sample(self, z: Tensor, psi: Tensor) -> LatentTensors:
        """The first image, whatever z is."""
        return {NUMBER: self.images.new_zeros(len(z))}

    def render(self, latents: LatentTensors) -> Tensor:
        """Draw the numbered images: [n, 3, height, width]."""
        return self.images[latents[NUMBER].round().long()]

    def distance(self, latents: LatentTensors, space: str) -> Tensor:
        """Nothing can be far from anything: zeros [n, 1]."""
        return torch.zeros_like(latents[NUMBER])[:, None]

    def offsets(self, latents: LatentTensors, space: str) -> Tensor:
        """Zeros [n, 1]."""
        return torch.zeros_like(latents[NUMBER])[:, None]
