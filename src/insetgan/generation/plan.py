"""What is drawn: images of seeds, a grid of mixed styles, or a walk; each gives names and the latents behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from insetgan.networks.layered import Layered
from insetgan.networks.synthesiser import LatentTensors, Synthesiser, device_of
from insetgan.ops.images import seeded_latents

Space = Literal["z", "w"]


class Plan(Protocol):
    """The images of a run, in their order.

    Attributes:
        names: of the images, each once.
    """

    @property
    def names(self) -> Sequence[str]:
        """Of the images; each is the name of a file without its ending."""
        ...

    def latents(self, generator: Any, first: int, last: int) -> LatentTensors:
        """Latents of the images numbered first to last - 1, each [last - first, ...].

        Args:
            generator: a `Synthesiser`; a `Layered` one for style mixing.
            first: number of the first image.
            last: number behind the last one.
        """
        ...

    def record(self, index: int) -> dict[str, Any]:
        """What results.json says of an image beside its name."""
        ...


@dataclass(frozen=True)
class SeedPlan:
    """Every seed with every psi.

    Attributes:
        seeds: of the images.
        truncs: psi of each version of a seed; 1 is off.
    """

    seeds: Sequence[int]
    truncs: Sequence[float]

    @property
    def names(self) -> Sequence[str]:
        """`seed0003`, or `seed0003-trunc0.5` where there are several psi."""
        several = len(self.truncs) > 1
        return [f"{seed_name(seed)}-trunc{psi:g}" if several else seed_name(seed) for seed, psi in self._pairs]

    @cached_property
    def _pairs(self) -> list[tuple[int, float]]:
        return [(seed, psi) for seed in self.seeds for psi in self.truncs]

    def latents(self, generator: Synthesiser, first: int, last: int) -> LatentTensors:
        """See `Plan.latents`."""
        pairs = self._pairs[first:last]
        return seeded(generator, [seed for seed, _ in pairs], [psi for _, psi in pairs])

    def record(self, index: int) -> dict[str, Any]:
        """Seed and psi."""
        seed, psi = self._pairs[index]
        return {"seed": seed, "trunc": psi}


@dataclass(frozen=True)
class MixPlan:
    """Style mixing (StyleGAN, Karras et al. 2019, section 3.1): some layers of one seed, the others of another.

    Attributes:
        rows: seeds that give all layers but `layers`.
        columns: seeds that give `layers`.
        layers: numbers of layers, from 0, the coarsest.
        trunc: psi.
    """

    rows: Sequence[int]
    columns: Sequence[int]
    layers: Sequence[int]
    trunc: float

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """Row and column seed of each image: first the seeds by themselves, then the mixes row by row."""
        alone = [(seed, seed) for seed in dict.fromkeys([*self.rows, *self.columns])]
        return alone + [(row, column) for row in self.rows for column in self.columns if row != column]

    @property
    def names(self) -> Sequence[str]:
        """`mix-seed0000` for a seed by itself, `mix-seed0000-seed0008` for a mix."""
        return [mix_name(row, column) for row, column in self.pairs]

    def latents(self, generator: Layered, first: int, last: int) -> LatentTensors:
        """See `Plan.latents`."""
        pairs = self.pairs[first:last]
        psi = [self.trunc] * len(pairs)
        base, styles = (seeded(generator, [pair[which] for pair in pairs], psi) for which in (0, 1))
        return generator.mixed(base, styles, self.layers)

    def record(self, index: int) -> dict[str, Any]:
        """Both seeds, psi and the layers."""
        row, column = self.pairs[index]
        return {"seed": row, "style_seed": column, "layers": list(self.layers), "trunc": self.trunc}


@dataclass(frozen=True)
class WalkPlan:
    """A walk from seed to seed.

    Attributes:
        stops: seeds that the walk leads by, two or more; one may come again.
        frames: images from one stop to the next.
        trunc: psi.
        space: "z" walks on the sphere on which z lie, at even angles; "w" walks straight in what z is mapped to.
    """

    stops: Sequence[int]
    frames: int
    trunc: float
    space: Space

    @property
    def names(self) -> Sequence[str]:
        """`frame00000`, ...; every `frames`-th is a stop, the first and the last too."""
        return [f"frame{number:05d}" for number in range(self.frames * (len(self.stops) - 1) + 1)]

    def place(self, index: int) -> tuple[int, int, float]:
        """Where an image stands: the seeds that it lies between, and how far it is from the first to the second, 0..1."""
        leg = min(index // self.frames, len(self.stops) - 2)
        return self.stops[leg], self.stops[leg + 1], index / self.frames - leg

    def latents(self, generator: Synthesiser, first: int, last: int) -> LatentTensors:
        """See `Plan.latents`."""
        places = [self.place(index) for index in range(first, last)]
        starts, ends = [start for start, _, _ in places], [end for _, end, _ in places]
        device = device_of(generator)
        share = torch.tensor([share for _, _, share in places], device=device)
        psi = [self.trunc] * len(places)
        if self.space == "z":
            one, other = (seeded_latents(seeds, generator.z_dim).to(device) for seeds in (starts, ends))
            return truncated(generator, slerp(one, other, share), psi)
        here, there = seeded(generator, starts, psi), seeded(generator, ends, psi)
        shares = {name: share.view(-1, *[1] * (tensor.dim() - 1)).to(tensor) for name, tensor in here.items()}
        return {name: torch.lerp(tensor, there[name], shares[name]) for name, tensor in here.items()}

    def record(self, index: int) -> dict[str, Any]:
        """The seeds on either side, the share of the way, psi and the space."""
        start, end, share = self.place(index)
        return {"from": start, "to": end, "share": round(share, 6), "trunc": self.trunc, "space": self.space}


def seed_name(seed: int) -> str:
    """`seed0003`, as NVIDIA's tools call it."""
    return f"seed{seed:04d}"


def mix_name(row: int, column: int) -> str:
    """Name of the image that mixes two seeds, or shows one by itself."""
    return f"mix-{seed_name(row)}" if row == column else f"mix-{seed_name(row)}-{seed_name(column)}"


def seeded(generator: Any, seeds: Sequence[int], truncs: Sequence[float]) -> LatentTensors:
    """Latents of seeds, each with its own psi, by a `Synthesiser`."""
    return truncated(generator, seeded_latents(seeds, generator.z_dim).to(device_of(generator)), truncs)


def truncated(generator: Synthesiser, z: Tensor, truncs: Sequence[float]) -> LatentTensors:
    """Latents of z [n, z_dim], each with its own psi."""
    psi = torch.tensor(truncs, device=z.device, dtype=torch.float64)[:, None].expand(-1, generator.layers)
    return generator.sample(z, psi)


def slerp(one: Tensor, other: Tensor, share: Tensor) -> Tensor:
    """Walk on a sphere (Shoemake 1985): the angle grows evenly, and the length goes from the one's to the other's.

    Args:
        one: [n, d].
        other: [n, d].
        share: 0..1, [n].

    Returns:
        [n, d]; where the two have one direction, or opposite ones, the straight line.
    """
    share = share[:, None].to(one)
    lengths = [each.norm(dim=1, keepdim=True) for each in (one, other)]
    first, second = one / lengths[0], other / lengths[1]
    angle = (first * second).sum(1, keepdim=True).clamp(-1, 1).acos()
    sine = angle.sin()
    flat = sine < 1e-4
    divisor = torch.where(flat, torch.ones_like(sine), sine)
    direction = (((1 - share) * angle).sin() * first + (share * angle).sin() * second) / divisor
    return torch.where(flat, torch.lerp(one, other, share), direction * torch.lerp(lengths[0], lengths[1], share))
