"""The encoder: from an image to the latents of one generator that draw it, in one pass or a few."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from insetgan.networks.digest import network_digest
from insetgan.networks.halving import SLOPE, HalvingStages
from insetgan.networks.layered import DELTA, SHARED
from insetgan.ops.images import seeded_latents
from insetgan.refine.composition import draw
from insetgan.refine.latents import Latents
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import FromFile
from insetgan.runtime.plugins import buildable

_LAST = 64
"""Channels of the last feature maps, which are read place by place."""
_LARGEST = 3.0
"""Bound of a correction, in units of the spread of w: one wild pass must not lead to wilder ones."""
_SEEDS = 2000
"""Latents from which the spread of w is estimated."""


class Encoder(FromFile, nn.Module):
    """A small residual network that corrects latents until they draw a given image.

    It sees the image beside what the latents of the last pass draw (Alaluf et al. 2021, "ReStyle"), and gives a correction of
    w* and of every delta_i. The first pass starts from w_avg, so that one pass alone is an ordinary encoder.

    Args:
        height: of the images, those of the generator.
        width: likewise.
        num_ws: layers of the generator.
        w_dim: length of its latents.
        generator: digest of its weights, see `networks.digest.network_digest`. An encoder knows one generator only.
        rows: larger images are reduced to this height before they are looked at.
        channels: feature maps of the first stage; each further stage has twice as many.
        channels_max: at most.
        hidden: features from which the corrections are made.
        passes: how many `encode` makes unless told otherwise.

    Attributes:
        w_avg: of the generator, [w_dim].
        w_std: standard deviation of its w, [w_dim]; the unit of the corrections.

    Raises:
        ValueError: a size below 1.
    """

    w_avg: Tensor
    w_std: Tensor

    def __init__(
        self,
        *,
        height: int,
        width: int,
        num_ws: int,
        w_dim: int,
        generator: str,
        rows: int = 64,
        channels: int = 32,
        channels_max: int = 192,
        hidden: int = 384,
        passes: int = 3,
    ) -> None:
        super().__init__()
        numbers = {"height": height, "width": width, "num_ws": num_ws, "w_dim": w_dim, "rows": rows, "hidden": hidden}
        numbers |= {"channels": channels, "channels_max": channels_max, "passes": passes}
        for name, number in numbers.items():
            if number < 1:
                raise ValueError(f"{name}={number}: must be 1 or more")
        self.architecture: dict[str, Any] = {**numbers, "generator": generator}
        self.height, self.width, self.num_ws, self.w_dim = height, width, num_ws, w_dim
        self.generator, self.passes = generator, passes
        self.working = (min(rows, height), max(1, round(width * min(rows, height) / height)))
        self.stages = HalvingStages(self.working, 6, channels, channels_max)
        self.last = nn.Conv2d(self.stages.channels, _LAST, 1)
        size = self.stages.size
        self.hidden = nn.Linear(_LAST * size[0] * size[1], hidden)
        self.corrections = nn.Linear(hidden, (1 + num_ws) * w_dim)
        nn.init.normal_(self.corrections.weight, std=0.1 / hidden**0.5)  # the first corrections are small
        nn.init.zeros_(self.corrections.bias)
        self.register_buffer("w_avg", torch.zeros(w_dim))
        self.register_buffer("w_std", torch.ones(w_dim))

    def forward(self, images: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """Correct latents.

        Args:
            images: [n, 3, height, width] in [-1, 1].
            drawn: what the latents draw, the same size.

        Returns:
            What is to be added to w* [n, w_dim] and to delta [n, num_ws, w_dim].
        """
        seen = torch.cat([self._reduced(images), self._reduced(drawn)], 1).contiguous(memory_format=torch.channels_last)
        x = functional.leaky_relu(self.last(self.stages(seen)), SLOPE)
        x = functional.leaky_relu(self.hidden(x.flatten(1)), SLOPE)
        found = self.corrections(x).float().view(len(x), 1 + self.num_ws, self.w_dim)
        found = _LARGEST * torch.tanh(found / _LARGEST) * self.w_std
        return found[:, 0], found[:, 1:]

    @torch.no_grad()
    def encode(self, generator: Any, images: Tensor, passes: int | None = None) -> Latents:
        """Latents w* + delta that draw the images.

        Args:
            generator: the one that the encoder knows, a `networks.layered.Layered`.
            images: [n, 3, height, width] in [-1, 1].
            passes: corrections that are made; None makes `self.passes`.

        Raises:
            ValueError: images of another size than the generator's.
        """
        if images.shape[1:] != (3, self.height, self.width):
            raise ValueError(f"images must be [n, 3, {self.height}, {self.width}], not {list(images.shape)}")
        shared, delta = self.start(len(images))
        drawn = self.mean_image(generator).expand(len(images), -1, -1, -1)
        for each in range(passes or self.passes):
            if each:
                drawn = draw(generator, {SHARED: shared, DELTA: delta}).clamp(-1, 1)
            more = self(images, drawn)
            shared, delta = shared + more[0], delta + more[1]
        return Latents({SHARED: shared, DELTA: delta}, generator)

    def start(self, count: int) -> tuple[Tensor, Tensor]:
        """Latents of the first pass: w_avg [count, w_dim] without offsets [count, num_ws, w_dim]."""
        return self.w_avg.expand(count, -1).clone(), self.w_avg.new_zeros(count, self.num_ws, self.w_dim)

    def mean_image(self, generator: Any) -> Tensor:
        """What w_avg draws, [1, 3, height, width]."""
        shared, delta = self.start(1)
        return draw(generator, {SHARED: shared, DELTA: delta}).clamp(-1, 1)

    def knows(self, generator: Any) -> bool:
        """Whether it was trained with the weights of this generator."""
        return self.generator == network_digest(generator)

    def refuse_others(self, generator: Any, *, key: str = "encoder") -> None:
        """Refuse a generator that it was not trained with.

        Raises:
            UserError: naming both digests.
        """
        if not self.knows(generator):
            raise UserError(
                f"{key}={self.source or 'of this run'}: was trained with other weights ({self.generator[:12]}) than these "
                f"({network_digest(generator)[:12]}); train one with python train.py +model=encoder generator=WEIGHTS"
            )

    def _reduced(self, images: Tensor) -> Tensor:
        if images.shape[2:] == self.working:
            return images
        return functional.interpolate(images, self.working, mode="area")


@buildable
def encoder_for(generator: Any, **architecture: Any) -> Encoder:
    """An untrained encoder for a generator.

    Args:
        generator: an unconditional `networks.Generator`.
        architecture: see `Encoder`; sizes and digest are the generator's.

    Raises:
        UserError: a conditional generator, or one that draws no RGB.
    """
    if generator.c_dim or generator.img_channels != 3:
        raise UserError("generator: must be unconditional and draw RGB; encoders are for no others")
    sizes = {name: getattr(generator, name) for name in ("height", "width", "num_ws", "w_dim")}
    encoder = Encoder(**sizes, generator=network_digest(generator), **architecture)
    with torch.no_grad():
        w = generator.mapping(seeded_latents(range(_SEEDS), generator.z_dim), truncation_psi=1.0)[:, 0]
        encoder.w_avg.copy_(generator.mapping.w_avg)
        encoder.w_std.copy_(w.std(0))
    return encoder


def encoder_of(encoders: Sequence[Encoder], generator: Any) -> Encoder | None:
    """The first encoder that knows the weights of a generator."""
    digest = network_digest(generator)
    return next((encoder for encoder in encoders if encoder.generator == digest), None)
