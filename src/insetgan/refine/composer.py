"""The composer: a network that predicts what the optimisation of the latents comes to, in a few passes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from insetgan.networks.digest import network_digest
from insetgan.networks.halving import SLOPE, HalvingStages
from insetgan.ops.images import seeded_latents
from insetgan.ops.regions import WORKING_SIZE
from insetgan.refine.guard import Guard
from insetgan.refine.latents import CANVAS
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import FromFile
from insetgan.runtime.plugins import buildable
from insetgan.weights.store import EMBEDDED, load_network, read_metadata

_LAST = 48
"""Channels of the last feature maps, which are read place by place."""
_CHANNELS = 12
"""Of what is seen of a part: the box of the canvas, the inset, their difference in the border band, the start's inset."""
_LARGEST = 2.0
"""Bound of the offset of one pass, in units of the spread of w."""
_CANVAS = 0.4
"""The canvas moves by so much less than the insets, as in the solver's schedule: most of it must stay what it was."""
_STEEPEST = 4.0
"""Bound of the logarithm by which a state makes steps and corrections longer or shorter."""
_RATE = 3.0
"""Factor of the learned rates, so that they are learned as fast as the rest."""
_SEEDS = 2000
"""Latents from which the spread of w is estimated."""


@dataclass(frozen=True)
class Seen:
    """What the composer is told of one state of a batch.

    Attributes:
        parts: by part, the images that it sees, [n, 12, 64, 64] in [-1, 1]; zeros where a part is absent.
        boxes: by part, corners of the box as fractions of the canvas, [n, 4]; zeros where a part is absent.
        ws: by generator, the vector of every layer, [n, num_ws, w_dim].
        moved: by generator, how far w* and each offset are from where the refinement started, [n, 1 + num_ws, w_dim].
        slopes: by generator, gradient of the objective of each sample, [n, 1 + num_ws, w_dim]; zeros for generators that
            stand still.
    """

    parts: Mapping[str, Tensor]
    boxes: Mapping[str, Tensor]
    ws: Mapping[str, Tensor]
    moved: Mapping[str, Tensor]
    slopes: Mapping[str, Tensor]


class Composer(FromFile, nn.Module):
    """Corrects the latents of a canvas and its insets until they fit, a pass at a time.

    Every pass sees what the latents of the pass before draw, where they are, and the slope of the objective there, as
    learned optimisers do (Andrychowicz et al. 2016; Adler and Oektem 2017). It gives an offset for w* and for every delta_i
    of each generator: a step against the slope, whose length it has learned for every number of every layer, and a
    correction of its own.

    Args:
        generators: by `CANVAS` and part, `digest` of the weights, `num_ws` and `w_dim`. A composer knows these only.
        modes: of refine.py for which it was trained.
        channels: feature maps of the first stage that looks at a part; each further stage has twice as many.
        channels_max: at most.
        hidden: features from which the offsets are made.
        rank: numbers into which what is known of one layer is packed.
        passes: how many it makes.
        guard: fields of `guard.Guard` that differ from the usual ones.

    Raises:
        ValueError: a size below 1, no mode, or no part.
    """

    def __init__(
        self,
        *,
        generators: Mapping[str, Mapping[str, Any]],
        modes: Sequence[str],
        channels: int = 24,
        channels_max: int = 128,
        hidden: int = 384,
        rank: int = 32,
        passes: int = 4,
        guard: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        numbers = {"channels": channels, "channels_max": channels_max, "hidden": hidden, "rank": rank, "passes": passes}
        for name, number in numbers.items():
            if number < 1:
                raise ValueError(f"{name}={number}: must be 1 or more")
        self.generators = {str(name): dict(known) for name, known in generators.items()}
        self.part_names = [name for name in self.generators if name != CANVAS]
        self.modes, self.passes = [str(mode) for mode in modes], passes
        if not self.part_names or CANVAS not in self.generators or not self.modes:
            raise ValueError("a composer needs a canvas, a part and a mode")
        self.guard = Guard(**(guard or {}))
        self.architecture: dict[str, Any] = {**numbers, "generators": self.generators, "modes": self.modes}
        self.architecture["guard"] = asdict(self.guard)
        self.looks, self.packs, self.rates = nn.ModuleDict(), nn.ModuleDict(), nn.ParameterDict()
        self.offsets, self.gates = nn.ModuleDict(), nn.ModuleDict()
        width = 0
        for name in self.part_names:
            stages = HalvingStages((WORKING_SIZE, WORKING_SIZE), _CHANNELS, channels, channels_max)
            self.looks[name] = nn.Sequential(stages, nn.Conv2d(stages.channels, _LAST, 1), nn.Flatten())
            width += _LAST * stages.size[0] * stages.size[1] + 4
        for name, known in self.generators.items():
            layers, w_dim = int(known["num_ws"]), int(known["w_dim"])
            self.packs[name] = _Pack(layers, 3 * w_dim, rank)
            self.rates[name] = nn.Parameter(torch.zeros(passes, 1 + layers, w_dim))
            self.gates[name] = _zeroed(nn.Linear(hidden, 2 * (1 + layers)))
            self.offsets[name] = _zeroed(nn.Linear(hidden, (1 + layers) * w_dim))
            self.register_buffer(f"average_{name}", torch.zeros(w_dim))
            self.register_buffer(f"spread_{name}", torch.ones(w_dim))
            width += layers * rank + 2
        self.first = nn.Linear(width, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.kinds = nn.Parameter(torch.zeros(len(self.modes), passes, hidden))

    def forward(self, number: int, mode: str, seen: Seen) -> dict[str, Tensor]:
        """Offsets of one pass.

        Args:
            number: of the pass, from 0.
            mode: one of `modes`.
            seen: the state that is to be corrected.

        Returns:
            By generator, what is to be added to w* and to every delta_i, [n, 1 + num_ws, w_dim].
        """
        told = [self.looks[name](images).float() for name, images in seen.parts.items()]
        told += [seen.boxes[name] for name in seen.parts]
        steep: dict[str, Tensor] = {}
        for name in self.generators:
            average, spread = self.average(name), self.spread(name)
            slope, level = _levelled(seen.slopes[name] * spread)
            steep[name] = slope
            layers = torch.cat(
                [(seen.ws[name] - average) / spread, 3 * seen.moved[name][:, 1:] / spread, slope[:, 1:]], 2
            )
            told += [self.packs[name](layers).float().flatten(1), level]
        x = functional.leaky_relu(self.first(torch.cat(told, 1)) + self.kinds[self.modes.index(mode), number], SLOPE)
        x = x + functional.leaky_relu(self.second(x), SLOPE)
        found = {}
        for name in self.generators:
            gates = self.gates[name](x).float().clamp(-_STEEPEST, _STEEPEST).exp()
            longer, larger = gates[:, :, None].chunk(2, 1)
            step = _RATE * self.rates[name][number] * longer * steep[name]
            own = self.offsets[name](x).float().view_as(step) * larger
            share = _CANVAS if name == CANVAS else 1.0
            found[name] = share * _LARGEST * torch.tanh((own - step) / _LARGEST) * self.spread(name)
        return found

    def average(self, name: str) -> Tensor:
        """w_avg of a generator, [w_dim]."""
        return self.get_buffer(f"average_{name}")

    def spread(self, name: str) -> Tensor:
        """Standard deviation of its w, [w_dim], the unit of the offsets."""
        return self.get_buffer(f"spread_{name}")

    def knows(self, generators: Mapping[str, Any]) -> bool:
        """Whether it was trained with the weights of these generators, by `CANVAS` and part."""
        return {name: known["digest"] for name, known in self.generators.items()} == {
            name: network_digest(generator) for name, generator in generators.items()
        }

    def refuse_others(self, generators: Mapping[str, Any], *, key: str = "composer") -> None:
        """Refuse generators with which it was not trained.

        Raises:
            UserError: naming the parts, or the first generator with other weights.
        """
        said = f"{key}={self.source or 'of this run'}"
        if set(generators) != set(self.generators):
            raise UserError(
                f"{said}: was trained for {', '.join(self.generators)}, and this run has {', '.join(generators)}; "
                "give it these parts, or solver=steps"
            )
        for name, generator in generators.items():
            found, known = network_digest(generator), str(self.generators[name]["digest"])
            if found != known:
                raise UserError(
                    f"{said}: was trained with other weights of {name} ({known[:12]}) than these ({found[:12]}); train one "
                    "with python train.py +model=composer canvas=WEIGHTS parts=[PART], or take solver=steps"
                )

    def refuse_mode(self, mode: str, *, key: str = "composer") -> None:
        """Refuse a mode for which it was not trained.

        Raises:
            UserError: naming both.
        """
        if mode not in self.modes:
            raise UserError(
                f"mode={mode}: {key}={self.source or 'of this run'} was trained for {', '.join(self.modes)}; take "
                "solver=steps, or train one with python train.py +model=composer model.modes=[...]"
            )


class _Pack(nn.Module):
    """Packs what is known of each layer [n, layers, inner] into a few numbers [n, layers, rank], by weights of its own."""

    def __init__(self, layers: int, inner: int, rank: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(layers, inner, rank) / inner**0.5)
        self.bias = nn.Parameter(torch.zeros(layers, rank))

    def forward(self, x: Tensor) -> Tensor:
        return functional.leaky_relu(torch.einsum("nli,lir->nlr", x, self.weight) + self.bias, SLOPE)


def _zeroed(layer: nn.Linear) -> nn.Linear:
    """A layer that gives zeros at first, so that an untrained composer changes nothing."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _levelled(slopes: Tensor) -> tuple[Tensor, Tensor]:
    """Slopes [n, 1 + num_ws, w_dim] at root mean square 1, w* and the offsets each by themselves, and their logarithms.

    Returns:
        The slopes, and the logarithms [n, 2] of what they were divided by; slopes of zero stay zero.
    """
    squares = slopes.square()
    roots = torch.stack([squares[:, 0].mean(1), squares[:, 1:].mean((1, 2))], 1).sqrt()
    divided = torch.cat([slopes[:, :1] / (roots[:, :1, None] + 1e-8), slopes[:, 1:] / (roots[:, 1:, None] + 1e-8)], 1)
    return divided, torch.log10(roots + 1e-4)


@buildable
def composer_for(generators: Mapping[str, Any], modes: Sequence[str], **architecture: Any) -> Composer:
    """An untrained composer for generators.

    Args:
        generators: by `CANVAS` and part, unconditional ones of the type `networks.Generator`.
        modes: of refine.py that it is to learn.
        architecture: see `Composer`; sizes and digests are those of the generators.

    Raises:
        UserError: a generator of another family, a conditional one, or one that draws no RGB.
    """
    known = {}
    for name, generator in generators.items():
        if any(not hasattr(generator, needed) for needed in ("num_ws", "w_dim", "mapping", "draw")):
            raise UserError(
                f"{name}: a composer needs generators of one vector a layer, as StyleGAN's; take solver=steps"
            )
        if getattr(generator, "c_dim", 0) or getattr(generator, "img_channels", 3) != 3:
            raise UserError(f"{name}: must be unconditional and draw RGB; composers are for no others")
        sizes = {"num_ws": int(generator.num_ws), "w_dim": int(generator.w_dim)}
        known[name] = {"digest": network_digest(generator), **sizes}
    composer = Composer(generators=known, modes=modes, **architecture)
    with torch.no_grad():
        for name, generator in generators.items():
            w = generator.mapping(seeded_latents(range(_SEEDS), generator.z_dim), truncation_psi=1.0)[:, 0]
            composer.average(name).copy_(generator.mapping.w_avg)
            composer.spread(name).copy_(w.std(0))
    return composer


def find_composer(generators: Mapping[str, Any], name_or_path: str | None, *, key: str = "composer") -> Composer | None:
    """The composer of a canvas and its parts.

    Args:
        generators: by `CANVAS` and part.
        name_or_path: of a composer; None looks among the embedded ones for one that knows these weights.
        key: what the setting is called, for messages.

    Returns:
        None if none is given and none knows the weights.

    Raises:
        UserError: the composer that is given is for others.
    """
    whole = all(hasattr(generator, "state_dict") for generator in generators.values())
    if name_or_path is not None:
        given: Composer = load_network(name_or_path, kind="composer", key=key)
        if not whole:
            raise UserError(f"{key}={name_or_path}: knows networks by their weights, and a generator here has none")
        given.refuse_others(generators, key=key)
        return given
    digests = {name: network_digest(generator) for name, generator in generators.items()} if whole else {}
    for name in EMBEDDED:
        if not name.startswith("composer_"):
            continue
        known = read_metadata(name)["architecture"]["generators"]
        if {part: each["digest"] for part, each in known.items()} == digests:
            found: Composer = load_network(name, kind="composer")
            return found
    return None
