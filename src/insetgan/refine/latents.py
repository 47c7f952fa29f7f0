"""Latents under optimisation: a shared w* and an offset for every layer."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

Space = Literal["w", "w+", "w*"]
"""What moves: one w for all layers; a w for each layer; or w* and an offset delta_i for each layer, the paper's choice."""

SPACES: tuple[Space, ...] = ("w", "w+", "w*")

CANVAS = "canvas"
"""The name of the canvas among generators and latents; insets go by the name of their part."""


@dataclass(frozen=True)
class Latents:
    """The latents of one generator: layer i is driven by w* + delta_i.

    Attributes:
        shared: w*, [n, w_dim].
        delta: offsets, [n, num_ws, w_dim].
        average: w_avg of the generator, [w_dim].
        space: which of them move: `shared` in W, `delta` in W+, both in W*.
    """

    shared: Tensor
    delta: Tensor
    average: Tensor
    space: Space = "w*"

    @property
    def ws(self) -> Tensor:
        """What synthesis takes, [n, num_ws, w_dim]."""
        return self.shared[:, None] + self.delta

    @property
    def centres(self) -> Tensor:
        """w*, [n, 1, w_dim]; in W+, where there is none, the code of every layer, [n, num_ws, w_dim]."""
        return self.ws if self.space == "w+" else self.shared[:, None]

    @property
    def offsets(self) -> Tensor:
        """delta_i, [n, num_ws, w_dim]; in W+ the latents are no offsets from anything, so zeros."""
        return torch.zeros_like(self.delta) if self.space == "w+" else self.delta

    @property
    def moving(self) -> list[Tensor]:
        """The tensors that an optimiser changes."""
        return {"w": [self.shared], "w+": [self.delta], "w*": [self.shared, self.delta]}[self.space]

    def detached(self) -> "Latents":
        """A copy that shares nothing with this one."""
        return self._of(self.shared.detach().clone(), self.delta.detach().clone())

    def to(self, device: torch.device) -> "Latents":
        """The same latents on a device."""
        return replace(self, **{key: getattr(self, key).to(device) for key in ("shared", "delta", "average")})

    def rows(self, chosen: Tensor) -> "Latents":
        """A copy of the samples numbered in `chosen`, int64 [m]."""
        return self._of(self.shared.detach()[chosen], self.delta.detach()[chosen])

    def replaced(self, where: Tensor, other: "Latents") -> "Latents":
        """These latents, with those of `other` for the samples marked in `where`, bool [n]; detached."""
        shared = torch.where(where[:, None], other.shared.detach(), self.shared.detach())
        return self._of(shared, torch.where(where[:, None, None], other.delta.detach(), self.delta.detach()))

    def _of(self, shared: Tensor, delta: Tensor) -> "Latents":
        return replace(self, shared=shared, delta=delta)
