"""Latents of one vector a layer, as StyleGAN's generators have them: w* and an offset delta_i for each layer."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from insetgan.networks.synthesiser import LatentTensors

SHARED, DELTA = "shared", "delta"
"""Names of the latents: w* [n, w_dim], and delta [n, num_ws, w_dim]."""


class Layered:
    """Answers `Synthesiser` for a generator that maps z to w, and draws one vector w* + delta_i a layer.

    The generator has `num_ws`, `w_dim`, `mapping(z [n, z_dim], truncation_psi=1.0) -> [n, num_ws, w_dim]` with the mean
    `mapping.w_avg` [w_dim], and `draw(ws [n, num_ws, w_dim])`.

    Attributes:
        spaces: w* is the paper's choice, w* and all offsets; w is one vector for all layers; w+ is a vector for each.
    """

    spaces: ClassVar[Mapping[str, Sequence[str]]] = {"w*": (SHARED, DELTA), "w": (SHARED,), "w+": (DELTA,)}
    mapping: Any
    num_ws: int
    w_dim: int

    def draw(self, ws: Tensor) -> Tensor:
        """Draw ws [n, num_ws, w_dim] without anything random: [n, 3, height, width], nominally in [-1, 1]."""
        raise NotImplementedError

    @property
    def layers(self) -> int:
        """Layers that take a vector."""
        return self.num_ws

    @property
    def mean(self) -> LatentTensors:
        """w_avg without offsets."""
        average: Tensor = self.mapping.w_avg.detach()
        return {SHARED: average, DELTA: average.new_zeros(self.num_ws, self.w_dim)}

    def sample(self, z: Tensor, psi: Tensor) -> LatentTensors:
        """w_avg + psi (w - w_avg). Where psi differs from layer to layer, w* takes the mean psi and the offsets the rest."""
        w: Tensor = self.mapping(z, truncation_psi=1.0)[:, 0]
        average = self.mapping.w_avg.detach().to(w).expand_as(w)
        alike = bool((psi == psi[:, :1]).all())
        middle = psi[:, :1] if alike else psi.mean(1, keepdim=True)
        shared = torch.lerp(average, w, middle.to(w).expand_as(w))
        delta = w.new_zeros(len(w), self.num_ws, self.w_dim)
        if not alike:
            delta = (psi - middle).to(w)[:, :, None] * (w - average)[:, None]
        return {SHARED: shared, DELTA: delta}

    def ws(self, latents: LatentTensors) -> Tensor:
        """The vector of every layer, w* + delta_i: [n, num_ws, w_dim]."""
        return latents[SHARED][:, None] + latents[DELTA]

    def render(self, latents: LatentTensors) -> Tensor:
        """Draw the vectors of all layers; see `Synthesiser.render`."""
        return self.draw(self.ws(latents))

    def distance(self, latents: LatentTensors, space: str) -> Tensor:
        """Mean square of w* - w_avg, [n, 1]; in W+, where there is no w*, that of every layer, [n, num_ws]."""
        centres = self.ws(latents) if space == "w+" else latents[SHARED][:, None]
        squares: Tensor = (centres - self.mapping.w_avg.detach()).square().mean(-1)
        return squares

    def offsets(self, latents: LatentTensors, space: str) -> Tensor:
        """Mean square of each delta_i, [n, num_ws]; in W+ the latents are no offsets from anything, so zeros."""
        delta = torch.zeros_like(latents[DELTA]) if space == "w+" else latents[DELTA]
        return delta.square().mean(-1)

    def mixed(self, latents: LatentTensors, styles: LatentTensors, layers: Sequence[int]) -> LatentTensors:
        """Latents with the vectors of the given layers, from 0, taken from `styles` (style mixing)."""
        ws = self.ws(latents).clone()
        ws[:, list(layers)] = self.ws(styles)[:, list(layers)]
        return {SHARED: torch.zeros_like(latents[SHARED]), DELTA: ws}
