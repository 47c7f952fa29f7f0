"""Projection: the latents of one generator whose image comes closest to a given one, by optimisation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from insetgan.inversion.feature_generator import FeatureGenerator
from insetgan.inversion.options import InversionSpace, ProjectorOptions
from insetgan.networks.perceptual import Perceptual, describe, feature_distance
from insetgan.networks.synthesiser import Synthesiser, device_of
from insetgan.ops.images import seeded_latents
from insetgan.refine.composition import draw
from insetgan.refine.latent_optimizer import Best, LatentOptimizer, finite_rows
from insetgan.refine.latents import CANVAS, Latents
from insetgan.refine.schedule import Schedule, Stage
from insetgan.runtime.settings import settings

_SEEDS = 1000
"""Latents from which the spread of w is estimated."""


@settings
class Projector(ProjectorOptions):
    """How an image is projected.

    The objective of a sample is the weighted sum of the mean absolute and the mean squared difference of the images, their
    perceptual distance, and how far delta and w* have gone: the mean squares of delta and of w* - w_avg, both in units of the
    spread of w, which keep the latents where the generator draws well (Tov et al. 2021, "e4e").
    """

    steps: Annotated[int, Field(ge=0, le=1_000_000, description="updates")] = 500
    space: Annotated[
        InversionSpace, Field(description="what moves: w* (w* + delta), w, w+, or w+f (w and one feature map)")
    ] = "w*"

    def schedule(self) -> Schedule:
        """The learning rate of every step, in units of the spread, as a refinement of the canvas alone has it."""
        return Schedule(
            steps=self.steps,
            sides=("canvas",),
            canvas_rate=self.rate,
            ramp_up=self.ramp_up,
            ramp_down=self.ramp_down,
            stages=(Stage(),),
            tolerance=0.0,
        )

    def project(
        self,
        generator: Synthesiser,
        images: Tensor,
        start: Latents,
        *,
        perceptual: Perceptual | None = None,
        on_step: Callable[[int, int], None] | None = None,
    ) -> "Projection":
        """Find the latents of images; those of a batch are independent problems, and the noise is held.

        Args:
            generator: with frozen weights.
            images: [n, 3, height, width] in [-1, 1], of the generator's size.
            start: latents of n samples, of any space; in w+f their delta stays.
            perceptual: gives features; not needed at weight 0.
            on_step: called with the steps done and the steps in all.

        Raises:
            ValueError: images of another size, or perceptual is missing.
            UserError: `feature_rows` is no block of the generator.
        """
        if images.shape[1:] != (3, generator.height, generator.width) or len(images) != start.size:
            raise ValueError(f"images {list(images.shape)}: must be [{start.size}, 3, height, width] of the generator")
        if self.perceptual and perceptual is None:
            raise ValueError("a perceptual term needs a perceptual network, and none was given")
        with torch.inference_mode(False), torch.enable_grad():
            return self._project(generator, images.clone(), start, perceptual, on_step)

    def _project(
        self,
        generator: Synthesiser,
        images: Tensor,
        start: Latents,
        perceptual: Perceptual | None,
        on_step: Callable[[int, int], None] | None,
    ) -> "Projection":
        moving = self._moving(generator, start)
        spread = spread_of(generator)
        objective = _Objective(self, images, perceptual if self.perceptual else None, spread)
        schedule = self.schedule()
        optimizer, best = LatentOptimizer({CANVAS: moving}), Best({CANVAS: moving}, {})
        running = torch.ones(len(images), dtype=torch.bool, device=images.device)
        curves: list[dict[str, Tensor]] = []
        for step in range(self.steps + 1):
            last = step == self.steps
            with torch.set_grad_enabled(not last):
                values = objective.values(draw_moving(optimizer.latents[CANVAS]), optimizer.latents[CANVAS])
                total = objective.total(values)
            best.offer(total.detach(), optimizer.latents, {}, step, running & total.detach().isfinite())
            curves.append({name: value.detach() for name, value in values.items()})
            if not last:
                optimizer.step(("canvas",), total, {"canvas": spread * schedule.rate(step, "canvas")}, running)
                if on_step is not None:
                    on_step(step + 1, self.steps)
        latents = best.latents[CANVAS]
        with torch.no_grad():
            drawn = draw_moving(latents)
        stacked = {name: torch.stack([row[name] for row in curves], 1).cpu() for name in curves[0]}
        return Projection(latents, drawn, best.total, best.step, stacked, finite_rows([drawn]))

    def _moving(self, generator: Any, start: Latents) -> Latents:
        if self.space != "w+f":
            return Latents(start.tensors, generator, self.space)
        wider = FeatureGenerator(generator, self.feature_rows)
        return Latents(wider.started(start.tensors), wider)


@dataclass(frozen=True)
class Projection:
    """What came of a batch.

    Attributes:
        latents: of lowest objective; in w+f their generator is a `FeatureGenerator`.
        images: what they draw, [n, 3, height, width], nominally in [-1, 1].
        total: their objective, [n].
        best_step: updates after which they were reached, int64 [n].
        curves: unweighted terms by name, each [n, steps + 1] on the CPU.
        finite: bool [n], whether all numbers of the images are finite.
    """

    latents: Latents
    images: Tensor
    total: Tensor
    best_step: Tensor
    curves: dict[str, Tensor]
    finite: Tensor


class _Objective:
    def __init__(self, options: Projector, images: Tensor, perceptual: Perceptual | None, spread: float) -> None:
        self.options, self.images, self.perceptual, self.spread = options, images, perceptual, spread
        with torch.no_grad():
            self._described = None if perceptual is None else describe(perceptual, images)

    def values(self, drawn: Tensor, latents: Latents) -> dict[str, Tensor]:
        """Unweighted terms, each [n], of those with a weight."""
        difference, found = drawn - self.images, {}
        if self.options.l1:
            found["l1"] = difference.abs().mean((1, 2, 3))
        if self.options.l2:
            found["l2"] = difference.square().mean((1, 2, 3))
        if self.perceptual is not None and self._described is not None:
            found["perceptual"] = feature_distance(describe(self.perceptual, drawn), self._described)
        if self.options.delta:
            found["delta"] = latents.offsets.mean(1) / self.spread**2
        if self.options.average:
            found["average"] = latents.distance.mean(1) / self.spread**2
        return found

    def total(self, values: dict[str, Tensor]) -> Tensor:
        """Weighted sum, [n]."""
        return torch.stack([value * getattr(self.options, name) for name, value in values.items()]).sum(0)


@torch.no_grad()
def spread_of(generator: Synthesiser) -> float:
    """Root mean square distance of random latents from their mean, such as of w from w_avg."""
    z = seeded_latents(range(_SEEDS), generator.z_dim).to(device_of(generator))
    latents = Latents(generator.sample(z, torch.ones(_SEEDS, generator.layers, dtype=torch.float64)), generator)
    return max(float(latents.distance.mean().sqrt()), 1e-6)


def mean_start(generator: Synthesiser, count: int) -> Latents:
    """Latents of `count` samples that are all the mean, such as w_avg."""
    mean = generator.mean
    return Latents({name: each.expand(count, *each.shape).clone() for name, each in mean.items()}, generator)


def draw_moving(latents: Latents) -> Tensor:
    """Images [n, 3, height, width] of latents, drawn by their own generator, the noise held."""
    return draw(latents.generator, latents.tensors)
