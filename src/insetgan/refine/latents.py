"""Latent codes under optimisation: a shared w* and an offset for every layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from insetgan.ops.images import seeded_latents
from insetgan.parts.generator import Synthesiser


@dataclass(frozen=True)
class Latents:
    """The codes of one generator: layer i is driven by w* + delta_i.

    Attributes:
        shared: w*, [n, w_dim].
        delta: offsets, [n, num_ws, w_dim].
        average: w_avg of the generator, [w_dim].
    """

    shared: Tensor
    delta: Tensor
    average: Tensor

    @property
    def ws(self) -> Tensor:
        """What synthesis takes, [n, num_ws, w_dim]."""
        return self.shared[:, None] + self.delta

    def detached(self) -> "Latents":
        """A copy that shares nothing with this one."""
        return Latents(*(tensor.detach().clone() for tensor in (self.shared, self.delta, self.average)))

    def chosen(self, where: Tensor, other: "Latents") -> "Latents":
        """The codes of `other` for the samples marked in `where`, bool [n], and these for the rest; detached."""
        shared = torch.where(where[:, None], other.shared.detach(), self.shared.detach())
        delta = torch.where(where[:, None, None], other.delta.detach(), self.delta.detach())
        return Latents(shared, delta, self.average)


@torch.no_grad()
def start_latents(generator: Synthesiser, seeds: Sequence[int], trunc: float) -> Latents:
    """Codes of seeded random pictures, without offsets.

    Args:
        generator: whose latents they are.
        seeds: one a sample; z is drawn as NVIDIA's tools draw it.
        trunc: psi, 1 = off: w_avg + psi * (w - w_avg).
    """
    average = generator.mapping.w_avg.detach()
    z = seeded_latents(seeds, generator.z_dim).to(average.device)
    # One seed at a time: a picture must not depend on which seeds are mapped together, not even by rounding.
    ws = torch.cat([generator.mapping(row[None], truncation_psi=trunc) for row in z])
    shared = ws[:, 0].detach().clone()
    return Latents(shared, shared.new_zeros(len(z), generator.num_ws, generator.w_dim), average)
