"""A StyleGAN2 whose latents have one feature map more: what w cannot say of an image, the map can."""

from typing import Any, ClassVar

from torch import Tensor, nn

from insetgan.networks.generator import Generator
from insetgan.networks.layered import DELTA, SHARED, Layered
from insetgan.networks.synthesiser import LatentTensors
from insetgan.runtime.errors import UserError

FEATURES = "features"
"""Name of the map among the latents, [n, c, h, w]."""


class FeatureGenerator(Layered, nn.Module):
    """Draws w, and an offset of the features of one block (the F space of Kang et al. 2021, "BDInvert").

    The offsets are added behind the first convolution of the block, where features have about unit spread, since demodulation
    and the gain of the activation see to it; so a step of an optimiser is as large there as in w.

    Args:
        generator: draws; its weights are shared.
        rows: of the block; None takes the one of about a quarter of the images' height.

    Raises:
        UserError: the generator is no StyleGAN2 of this project, or has no such block.
    """

    spaces: ClassVar[Any] = {"w+f": (SHARED, FEATURES)}

    def __init__(self, generator: Any, rows: int | None = None) -> None:
        super().__init__()
        if not isinstance(generator, Generator):
            raise UserError("space=w+f: needs a StyleGAN2 generator, such as those of weights=")
        self.generator = generator
        self.height, self.width, self.z_dim = generator.height, generator.width, generator.z_dim
        self.num_ws, self.w_dim = generator.num_ws, generator.w_dim
        self.block = _block(generator, rows)

    @property
    def mapping(self) -> Any:
        """The generator's."""
        return self.generator.mapping

    @property
    def mean(self) -> LatentTensors:
        """w_avg without offsets and with a map of zeros."""
        found = dict(super().mean)
        synthesis = self.generator.synthesis
        block = synthesis.blocks[synthesis.heights.index(self.block)]
        return {**found, FEATURES: found[SHARED].new_zeros(block.conv0.weight.shape[0], *block.size)}

    def render(self, latents: LatentTensors) -> Tensor:
        """Draw w* + delta_i with the map added: [n, 3, height, width]."""
        synthesis = self.generator.synthesis
        full = synthesis.blocks[0].const.dtype
        skips = [latents[FEATURES] if height == self.block else None for height in synthesis.heights]
        return synthesis.draw(self.ws(latents).to(full), "const", [full] * len(skips), skips=skips)

    def started(self, latents: LatentTensors) -> dict[str, Tensor]:
        """Latents of the generator with a map of zeros."""
        empty = self.mean[FEATURES]
        count = len(latents[SHARED])
        return {SHARED: latents[SHARED], DELTA: latents[DELTA], FEATURES: empty.expand(count, *empty.shape).clone()}


def _block(generator: Generator, rows: int | None) -> int:
    heights = generator.synthesis.heights[1:]
    quarter = max((each for each in heights if each <= generator.height // 4), default=heights[0])
    wanted = quarter if rows is None else rows
    if wanted not in heights:
        allowed = ", ".join(map(str, heights))
        raise UserError(f"feature_rows={rows}: this generator has no such block (allowed: {allowed})")
    return wanted
