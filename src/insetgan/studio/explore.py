"""What the tab "Explore" shows: grids of one generator."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from PIL import Image

from insetgan.generation.plan import MixPlan, Plan, SeedPlan, mix_name, seeded
from insetgan.networks.layered import SHARED, Layered
from insetgan.networks.synthesiser import LatentTensors, Synthesiser
from insetgan.ops.images import to_uint8
from insetgan.refine.composition import draw
from insetgan.reports.generation_grid import Band, draw_grid
from insetgan.runtime.errors import UserError
from insetgan.studio.directions import Directions, directions_of

PSIS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Columns of the grid of seeds."""

MOST_SEEDS = 8
"""Of a grid, each way."""

FURTHEST = 3.0
"""Standard deviations that a slider goes to, each way."""

_AT_ONCE = 16


class Explorer:
    """Draws grids, one at a time, whoever asks.

    Args:
        generators: by what they draw, such as "body".
    """

    def __init__(self, generators: Mapping[str, Synthesiser]) -> None:
        self.generators = dict(generators)
        self._lock = threading.Lock()
        self._closed = False
        self._directions: dict[str, Directions] = {}

    def psi_grid(self, what: str, first: int, count: int) -> Image.Image:
        """The same seeds with several psi: a row for each seed, a column for each of `PSIS`.

        Args:
            what: which generator.
            first: the first seed.
            count: of seeds.

        Raises:
            UserError: too many seeds.
        """
        seeds = [*range(first, first + _few(count))]
        images = self._images(what, SeedPlan(seeds, PSIS))
        rows = [(f"seed {seed}", images[row * len(PSIS) : (row + 1) * len(PSIS)]) for row, seed in enumerate(seeds)]
        return draw_grid(f"{what}: psi by seed", [Band([f"psi {psi:g}" for psi in PSIS], rows)])

    def mix(self, what: str, row: int, column: int, layers: Sequence[int], psi: float) -> Image.Image:
        """Style mixing of two seeds: both, and each with the given layers of the other.

        Args:
            what: which generator.
            row: a seed.
            column: another.
            layers: numbers of layers, from 0, the coarsest.
            psi: truncation.

        Raises:
            UserError: the generator has no layers, or not so many.
        """
        generator = self._layered(what)
        if not layers or min(layers) < 0 or max(layers) >= generator.layers:
            raise UserError(f"layers={list(layers)}: must be of 0 to {generator.layers - 1}, at least one")
        plan = MixPlan([row, column], [row, column], list(layers), psi)
        drawn = dict(zip(plan.names, self._images(what, plan), strict=True))
        rows = [(f"seed {one}", [drawn[mix_name(one, other)] for other in (row, column)]) for one in (row, column)]
        titles = [f"layers of {seed}" for seed in (row, column)]
        return draw_grid(f"{what}: layers {', '.join(map(str, layers))} of the column's seed", [Band(titles, rows)])

    def moved(self, what: str, seed: int, psi: float, amounts: Sequence[float]) -> Image.Image:
        """A seed as it is, and moved along the principal directions of w.

        Args:
            what: which generator.
            seed: of the image.
            psi: truncation.
            amounts: of each direction, in standard deviations of w.

        Raises:
            UserError: the generator has no w, or an amount is too far.
        """
        generator = self._layered(what)
        if any(not abs(amount) <= FURTHEST for amount in amounts):
            raise UserError(f"amounts: must be at most {FURTHEST:g} standard deviations each way")
        with self._lock:
            if what not in self._directions:
                self._directions[what] = directions_of(generator, count=len(amounts))
            offset = self._directions[what].offset(list(amounts))
        images = self._images(what, _MovePlan(seed, psi, offset))
        return draw_grid(f"{what}: seed {seed}", [Band(["as it is", "moved"], [("", images)])])

    def layers(self, what: str) -> int:
        """How many layers a generator has; 0 for one without."""
        generator = self.generators[what]
        return generator.layers if isinstance(generator, Layered) else 0

    def close(self) -> None:
        """Draw no more, and wait until what is being drawn is done."""
        self._closed = True
        with self._lock:
            pass

    def _layered(self, what: str) -> Any:
        generator = self.generators[what]
        if not isinstance(generator, Layered):
            raise UserError(f"{what}: this generator has no layers of w")
        return generator

    @torch.no_grad()
    def _images(self, what: str, plan: Plan) -> list[Image.Image]:
        generator, drawn = self.generators[what], []
        with self._lock:
            for first in range(0, len(plan.names), _AT_ONCE):
                if self._closed:
                    raise UserError("the page is being closed")
                last = min(first + _AT_ONCE, len(plan.names))
                drawn += [*to_uint8(draw(generator, plan.latents(generator, first, last))).numpy()]
        return [Image.fromarray(pixels) for pixels in drawn]


class _MovePlan:
    """A seed as it is and with an offset of its w; see `Plan`."""

    names = ("as-it-is", "moved")

    def __init__(self, seed: int, psi: float, offset: torch.Tensor) -> None:
        self.seed, self.psi, self.offset = seed, psi, offset

    def latents(self, generator: Any, first: int, last: int) -> LatentTensors:
        """See `Plan.latents`."""
        both = dict(seeded(generator, [self.seed] * 2, [self.psi] * 2))
        moved = both[SHARED].clone()
        moved[1] += self.offset.to(moved)
        return {name: tensor[first:last] for name, tensor in (both | {SHARED: moved}).items()}

    def record(self, index: int) -> dict[str, Any]:
        """Seed and psi."""
        return {"seed": self.seed, "trunc": self.psi}


def _few(count: int) -> int:
    if not 1 <= count <= MOST_SEEDS:
        raise UserError(f"seeds={count}: must be 1 to {MOST_SEEDS} of them")
    return count
