"""Where the latents of a generator start from: its mean, a seed, or what was found before."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from insetgan.networks.synthesiser import LatentTensors, Synthesiser, device_of
from insetgan.ops.images import seeded_latents
from insetgan.refine.latents import Latents
from insetgan.runtime.errors import UserError

Trunc = float | Sequence[float]
"""psi, 1 = off; or one for every layer, of which the last holds for the layers that follow."""


class Start(Protocol):
    """Gives the start latents of one generator."""

    def latents(self, generator: Synthesiser, seeds: Sequence[int], again: int = 0) -> Latents:
        """Latents of the samples `seeds`; `again` counts further initialisations of the same samples, from 0."""
        ...

    @property
    def varies(self) -> bool:
        """Whether further initialisations differ."""
        ...

    def digest(self, seed: int) -> str:
        """What decides the latents of a sample, beside its seed and the settings."""
        ...


@dataclass(frozen=True)
class SeededStart:
    """Truncated random codes: w_avg + psi (w - w_avg) with w of the sample's seed (the paper's w_trunc).

    Attributes:
        trunc: psi; 0 starts from w_avg, the paper's default.
        seeds: seed of each sample, where it is not the sample's own.
    """

    trunc: Trunc
    seeds: Mapping[int, int] | None = None

    def latents(self, generator: Synthesiser, seeds: Sequence[int], again: int = 0) -> Latents:
        """Latents of the seeds; a further initialisation draws from a seed that follows from the first."""
        chosen = [self.seeds[seed] if self.seeds else seed for seed in seeds]
        return start_latents(generator, [another_seed(seed, again) for seed in chosen], self.trunc)

    @property
    def varies(self) -> bool:
        """Not where all of it is w_avg."""
        return any(self.trunc) if isinstance(self.trunc, Sequence) else self.trunc > 0

    def digest(self, seed: int) -> str:
        """The seed that is not the sample's own."""
        return str(self.seeds[seed]) if self.seeds else ""


@dataclass(frozen=True)
class GivenStart:
    """Latents that were found before: of another run, a projection, an encoder.

    Attributes:
        codes: latents of each sample by name, such as w* [w_dim] and delta [num_ws, w_dim].
        source: where they come from, for messages.
    """

    codes: Mapping[int, LatentTensors]
    source: str

    def latents(self, generator: Synthesiser, seeds: Sequence[int], again: int = 0) -> Latents:
        """The given codes, the same at every initialisation.

        Raises:
            UserError: they are latents of another generator.
        """
        mean = generator.mean
        for seed in seeds:
            if (found := _shapes(self.codes[seed])) != (wanted := _shapes(mean)):
                raise UserError(f"start={self.source}: holds latents {found}, but the generator takes {wanted}")
        stacked = {name: torch.stack([self.codes[seed][name] for seed in seeds]).to(own) for name, own in mean.items()}
        return Latents(stacked, generator)

    @property
    def varies(self) -> bool:
        """Never."""
        return False

    def digest(self, seed: int) -> str:
        """The latents themselves: where they lie does not matter."""
        found = hashlib.sha256()
        for name in sorted(self.codes[seed], reverse=True):  # w* before delta, as earlier results have it
            found.update(self.codes[seed][name].detach().cpu().numpy().tobytes())
        return found.hexdigest()


@torch.no_grad()
def start_latents(generator: Synthesiser, seeds: Sequence[int], trunc: Trunc) -> Latents:
    """Latents of seeded random images.

    Args:
        generator: whose latents they are.
        seeds: one a sample; z is drawn as NVIDIA's tools draw it.
        trunc: psi, 1 = off and 0 = the mean latents; one, or one a layer.

    Raises:
        UserError: more values of psi than layers.
    """
    device = device_of(generator)
    z = seeded_latents(seeds, generator.z_dim).to(device)
    psi = layer_trunc(trunc, generator.layers)[None].to(device)
    # One seed at a time: an image must not depend on which seeds are mapped together, not even by rounding.
    rows = [generator.sample(row[None], psi) for row in z]
    return Latents({name: torch.cat([row[name] for row in rows]).detach().clone() for name in rows[0]}, generator)


def _shapes(latents: LatentTensors) -> str:
    """Names and shapes, as a message shows them."""
    return ", ".join(f"{name} {' x '.join(map(str, latents[name].shape))}" for name in sorted(latents))


def layer_trunc(trunc: Trunc, layers: int) -> Tensor:
    """Psi of every layer, float64 [layers].

    Raises:
        UserError: no value, or more values than layers.
    """
    values = [trunc] if isinstance(trunc, (int, float)) else list(trunc)
    if not 1 <= len(values) <= layers:
        many = f"{layers} layers; give one value, or up to one a layer" if layers > 1 else "1 layer; give one value"
        raise UserError(f"trunc={values}: the generator has {many}")
    return torch.tensor(values + values[-1:] * (layers - len(values)), dtype=torch.float64)


def another_seed(seed: int, again: int) -> int:
    """The seed of initialisation number `again` of a sample: `seed` for 0, a hash of (seed, again) after that."""
    if again == 0:
        return seed
    mixed = (seed * 0x9E3779B1 + again * 0x85EBCA77) & 0xFFFFFFFF  # odd multipliers: other samples, other seeds
    return mixed ^ (mixed >> 15)
