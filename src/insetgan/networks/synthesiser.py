"""What the refinement asks of a generator, of whatever family: StyleGAN2 answers it, and so does any network that does."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor

LatentTensors = Mapping[str, Tensor]
"""Latents as a generator names them: each [n, ...] for n samples. StyleGAN has w* and its offsets; another has z, or a map."""


class Synthesiser(Protocol):
    """Draws images from latents, of which it alone knows what they are; the caller freezes its weights.

    Samples never influence each other, nothing is random but `z`, and `render`, `distance` and `offsets` can be
    differentiated with respect to the latents.
    """

    @property
    def height(self) -> int:
        """Rows of its images."""
        ...

    @property
    def width(self) -> int:
        """Columns of its images."""
        ...

    @property
    def z_dim(self) -> int:
        """Numbers of z of one sample; z is drawn from the normal distribution, by the sample's seed."""
        ...

    @property
    def layers(self) -> int:
        """Layers that may have a psi of their own; 1 where latents are not divided so."""
        ...

    @property
    def spaces(self) -> Mapping[str, Sequence[str]]:
        """By the name of a latent space, the latents that an optimiser moves in it; the first space is the usual one."""
        ...

    @property
    def mean(self) -> LatentTensors:
        """The mean latents, each [...] without the axis of samples, on the device of the generator."""
        ...

    def sample(self, z: Tensor, psi: Tensor) -> LatentTensors:
        """The latents of z, truncated.

        Args:
            z: [n, z_dim].
            psi: float64 [n, layers]; 1 is no truncation, 0 gives the mean latents.
        """
        ...

    def render(self, latents: LatentTensors) -> Tensor:
        """Draw latents: [n, 3, height, width], nominally in [-1, 1]."""
        ...

    def distance(self, latents: LatentTensors, space: str) -> Tensor:
        """How far latents are from what the prior knows best, in the space in which they move.

        Returns:
            [n, k], a mean square for each of k vectors of a sample, 0 at the mean. Of a normal prior that is the mean
            square of z, -2/d log p without its constant; a prior that has no mean gives its own -2/d log p, 0 or more.
        """
        ...

    def offsets(self, latents: LatentTensors, space: str) -> Tensor:
        """How large is what is added to latents of the prior, such as the paper's delta_i: mean squares [n, k].

        Zeros where latents have nothing of the kind.
        """
        ...


def device_of(generator: Synthesiser) -> torch.device:
    """Where a generator computes."""
    return next(iter(generator.mean.values())).device
