"""Latents under optimisation: those of one generator, and the space in which they move."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from insetgan.networks.synthesiser import LatentTensors, Synthesiser

CANVAS = "canvas"
"""The name of the canvas among generators and latents; insets go by the name of their part."""


@dataclass(frozen=True)
class Latents:
    """The latents of a batch of samples of one generator.

    Attributes:
        tensors: the latents by the generator's names, each [n, ...], such as w* and delta.
        generator: whose latents they are; it knows their mean and their prior.
        space: one of `generator.spaces`, which says which of them move; empty is the first.
    """

    tensors: LatentTensors
    generator: Synthesiser
    space: str = ""

    def __post_init__(self) -> None:
        """Refuse a space that the generator does not have."""
        if not self.space:
            object.__setattr__(self, "space", next(iter(self.generator.spaces)))
        elif self.space not in self.generator.spaces:
            raise ValueError(f"space={self.space}: must be one of {', '.join(self.generator.spaces)}")

    @property
    def first(self) -> Tensor:
        """One of the tensors, for the number of samples, the device and the type, which all of them share."""
        return next(iter(self.tensors.values()))

    @property
    def size(self) -> int:
        """Number of samples."""
        return len(self.first)

    @property
    def moving(self) -> list[Tensor]:
        """The tensors that an optimiser changes."""
        return [self.tensors[name] for name in self.generator.spaces[self.space]]

    @property
    def distance(self) -> Tensor:
        """Squared distance from what the prior knows best, [n, k]; see `Synthesiser.distance`."""
        return self.generator.distance(self.tensors, self.space)

    @property
    def offsets(self) -> Tensor:
        """Mean squares of what is added to latents of the prior, [n, k]; see `Synthesiser.offsets`."""
        return self.generator.offsets(self.tensors, self.space)

    def detached(self) -> "Latents":
        """A copy that shares nothing with this one."""
        return self.each(lambda name, tensor: tensor.detach().clone())

    def rows(self, chosen: Tensor) -> "Latents":
        """A copy of the samples numbered in `chosen`, int64 [m]."""
        return self.each(lambda name, tensor: tensor.detach()[chosen])

    def replaced(self, where: Tensor, other: "Latents") -> "Latents":
        """These latents, with those of `other` for the samples marked in `where`, bool [n]; detached."""

        def chosen(name: str, tensor: Tensor) -> Tensor:
            marked = where.view(-1, *[1] * (tensor.dim() - 1))
            return torch.where(marked, other.tensors[name].detach(), tensor.detach())

        return self.each(chosen)

    def each(self, change: Callable[[str, Tensor], Tensor]) -> "Latents":
        """Latents of the same generator and space, each tensor changed by its name and value."""
        return replace(self, tensors={name: change(name, tensor) for name, tensor in self.tensors.items()})
