"""Latents with one feature map beside them: what w and delta cannot say of an image, the map can."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from insetgan.networks.generator import Generator
from insetgan.networks.synthesiser import Synthesiser
from insetgan.refine.composition import draw
from insetgan.refine.latents import Latents
from insetgan.runtime.errors import UserError


@dataclass(frozen=True, kw_only=True)
class FeatureLatents(Latents):
    """A w and an offset of the features of one block of the generator (the F space of Kang et al. 2021, "BDInvert").

    Attributes:
        features: offsets, [n, c, h, w], in units of `scale`; they are added behind the first convolution of the block.
        block: rows of the block.
        scale: spread of its features, so that a step of the optimiser is as large here as in w.
    """

    features: Tensor
    block: int
    scale: float

    @property
    def moving(self) -> list[Tensor]:
        """The tensors that an optimiser changes: w and the features."""
        return [self.shared, self.features]

    def detached(self) -> "FeatureLatents":
        """A copy that shares nothing with this one."""
        return replace(self._of(self.shared.detach().clone(), self.delta.detach().clone()), features=self._copy())

    def to(self, device: torch.device) -> "FeatureLatents":
        """The same latents on a device."""
        names = ("shared", "delta", "average", "features")
        return replace(self, **{name: getattr(self, name).to(device) for name in names})

    def rows(self, chosen: Tensor) -> "FeatureLatents":
        """A copy of the samples numbered in `chosen`, int64 [m]."""
        return replace(
            self._of(self.shared.detach()[chosen], self.delta.detach()[chosen]), features=self.features.detach()[chosen]
        )

    def replaced(self, where: Tensor, other: Latents) -> "FeatureLatents":
        """These latents, with those of `other` for the samples marked in `where`, bool [n]; detached."""
        assert isinstance(other, FeatureLatents)
        mixed = Latents.replaced(self, where, other)
        features = torch.where(where[:, None, None, None], other.features.detach(), self.features.detach())
        return replace(self, shared=mixed.shared, delta=mixed.delta, features=features)

    def _of(self, shared: Tensor, delta: Tensor) -> "FeatureLatents":
        return replace(self, shared=shared, delta=delta)

    def _copy(self) -> Tensor:
        return self.features.detach().clone()


def with_features(generator: Synthesiser, latents: Latents, rows: int | None = None) -> FeatureLatents:
    """Latents that may move in w and in one feature map, which is zero at first.

    Args:
        generator: whose latents they are.
        latents: where they start.
        rows: of the block whose features move; None takes the block of about a quarter of the images' height.

    Raises:
        UserError: the generator is no StyleGAN2 of this project, or has no such block.
    """
    if not isinstance(generator, Generator):
        raise UserError("space=w+f: needs a StyleGAN2 generator, such as those of weights=; choose w, w+ or w*")
    heights = generator.synthesis.heights[1:]
    wanted = (
        max((each for each in heights if each <= generator.height // 4), default=heights[0]) if rows is None else rows
    )
    if wanted not in heights:
        allowed = ", ".join(map(str, heights))
        raise UserError(f"feature_rows={rows}: this generator has no such block (allowed: {allowed})")
    block = generator.synthesis.blocks[generator.synthesis.heights.index(wanted)]
    channels = block.conv0.weight.shape[0]
    features = latents.shared.new_zeros(len(latents.shared), channels, *block.size)
    return FeatureLatents(
        latents.shared, latents.delta, latents.average, "w", features=features, block=wanted, scale=_SCALE
    )


_SCALE = 1.0
"""Features of a StyleGAN2 have about unit spread: demodulation and the gain of the activation see to it."""


def draw_latents(generator: Synthesiser, latents: Latents) -> Tensor:
    """Images [n, 3, height, width] of latents, with their feature map where they have one; the noise is held."""
    if not isinstance(latents, FeatureLatents):
        return draw(generator, latents.ws)
    assert isinstance(generator, Generator)
    synthesis = generator.synthesis
    skips = [latents.features * latents.scale if height == latents.block else None for height in synthesis.heights]
    full = synthesis.blocks[0].const.dtype
    return synthesis.draw(latents.ws.to(full), "const", [full] * len(skips), skips=skips)
