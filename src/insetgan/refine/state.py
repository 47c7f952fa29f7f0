"""All that changes while a refinement runs, and how it is written down so that an interrupted run goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from insetgan.detection.placement import Placement
from insetgan.refine.composition import draw_all, regions_at
from insetgan.refine.latent_optimizer import Best, LatentOptimizer, Tensors, finite_rows, latent_tensors
from insetgan.refine.latents import CANVAS, Latents
from insetgan.refine.locate import interiors, locate
from insetgan.refine.locations import Locations
from insetgan.refine.problem import Problem
from insetgan.refine.schedule import Schedule
from insetgan.refine.sides import Side
from insetgan.runtime.tensors import copy_into

TOTAL = "total"
"""The name of the objective at full weights among the curves."""


@dataclass(frozen=True)
class Initial:
    """What the start latents draw.

    Attributes:
        images: I_A and I_B, by `CANVAS` and part.
        locations: where the parts are.
        interiors: R^I by part.
        started: bool [n], whether there is anything to refine: a part is there, and all numbers are finite.
        whole: bool [n], whether all parts are there.
        finite: bool [n], whether all numbers of the images are finite.
    """

    images: Mapping[str, Tensor]
    locations: Locations
    interiors: Mapping[str, Tensor]
    started: Tensor
    whole: Tensor
    finite: Tensor

    @classmethod
    @torch.no_grad()
    def of(cls, problem: Problem) -> "Initial":
        """Draw the start latents and locate the parts."""
        images = draw_all(problem.canvas, problem.parts, problem.starts, problem.generators)
        locations = locate(problem, images[CANVAS], {name: images[name] for name in problem.parts})
        present = torch.stack([placement.placed for placement in locations.placements.values()])
        finite = finite_rows(images.values())
        inner = interiors(problem, locations)
        return cls(images, locations, inner, present.any(0) & finite, present.all(0), finite)


class SolverState:
    """All that changes while `refine` runs.

    Args:
        problem: what is solved.
        initial: what its start latents draw.
        newton: the sides that L-BFGS moves; none where Adam moves them.

    Attributes:
        step: steps done.
        optimizer: latents and Adam.
        best: the best state of each sample.
        locations: boxes, and masks where they are asked for, as the terms see them.
        placements: what the last detection said of each part.
        since_located: updates of the canvas since the last detection.
        running: bool [n], samples that have not stopped. A stopped sample keeps its best state and changes no other.
        not_finite: bool [n], samples that have stopped because numbers ran away.
        steps: int64 [n], updates made.
        curves: values by term, and `TOTAL`, each [n], step by step.
        best_totals: objective of the best state, [n], step by step.
        renewed: the latents whose images L_body and L_face hold on to since they were renewed, by generator.
    """

    def __init__(self, problem: Problem, initial: Initial, newton: Sequence[Side] = ()) -> None:
        self.step = 0
        self.optimizer = LatentOptimizer(problem.starts, newton)
        self.best = Best(problem.starts, initial.locations.placements)
        self.locations, self.placements = initial.locations, initial.locations.placements
        self.since_located = 0
        self.running, self.not_finite = initial.started.clone(), ~initial.finite
        self.steps = torch.zeros_like(self.best.step)
        self.curves: list[dict[str, Tensor]] = []
        self.best_totals: list[Tensor] = []
        self.renewed: dict[str, Latents] = {}

    def stop(self, failed: Tensor) -> None:
        """Stop the running samples among those marked, bool [n], because their numbers have run away."""
        failed = self.running & failed
        self.not_finite, self.running = self.not_finite | failed, self.running & ~failed

    def record(self, values: Mapping[str, Tensor], total: Tensor, step: int) -> Tensor:
        """Judge the state before the update of number `step`: note its values, and keep it where it is the best so far.

        Args:
            values: of the terms, each [n]; none in a stage without terms.
            total: objective at full weights, [n]; NaN without terms.
            step: updates made before it.

        Returns:
            The total, infinite for samples that have stopped.
        """
        if values:
            self.stop(~total.isfinite())
        self.best.offer(total, self.optimizer.latents, self.placements, step, self.running)
        self.best_totals.append(self.best.total)
        shown = torch.where(self.running & total.isfinite(), total, torch.inf)
        self.curves.append({**values, TOTAL: shown if values else total})
        return shown

    def settle(self, schedule: Schedule, full: bool, step: int) -> None:
        """Stop the samples whose best objective has fallen too little for too long.

        Args:
            schedule: says when samples may stop, how long is too long and how little is too little.
            full: whether all weights are full by now; before, the objective is not yet followed as it is judged.
            step: number of the step.
        """
        if full and schedule.may_stop(step) and len(self.best_totals) > schedule.patience:
            before, now = self.best_totals[-1 - schedule.patience], self.best.total
            self.running = self.running & ~(before - now <= schedule.tolerance * now)

    def descend(self, sides: Sequence[Side], loss: Tensor, rates: Mapping[Side, float]) -> None:
        """Move the latents of some sides by one step of Adam; see `LatentOptimizer.step`."""
        if not loss.requires_grad:  # such as of offsets where they do not move
            return
        self.stop(~self.optimizer.step(sides, loss, rates, self.running))
        self.since_located += "canvas" in sides

    def renew(self, sides: Sequence[Side]) -> None:
        """Note that the references of these sides are now those of the latents as they are."""
        for name in self.optimizer.names(sides):
            self.renewed[name] = self.optimizer.latents[name].detached()

    def tensors(self) -> Tensors:
        """Write everything down as named tensors, copies of what they show."""
        kept = self.optimizer.tensors() | latent_tensors("best", self.best.latents)
        kept |= latent_tensors("renewed", self.renewed)
        kept |= {"best.total": self.best.total, "best.step": self.best.step, "steps": self.steps}
        kept |= {"running": self.running, "not_finite": self.not_finite}
        kept |= {"step": torch.tensor(self.step), "since_located": torch.tensor(self.since_located)}
        kept |= {"best_totals": torch.stack(self.best_totals, 1)} if self.best_totals else {}
        names = dict.fromkeys(name for row in self.curves for name in row)
        absent = torch.full_like(self.best.total, torch.nan)
        for name in names:
            kept[f"curve.{name}"] = torch.stack([row.get(name, absent) for row in self.curves], 1)
        for kind, placements in (("placed", self.placements), ("best.placed", self.best.placements)):
            for part, placement in placements.items():
                kept |= {f"{kind}.{part}.{f.name}": getattr(placement, f.name) for f in fields(Placement)}
        masks = {
            part: region
            for part, region in self.locations.regions.items()
            if not torch.equal(region.cover, region.inside)
        }
        kept |= {f"cover.{part}": region.cover for part, region in masks.items()}
        return {name: tensor.detach().clone().contiguous() for name, tensor in kept.items()}

    def load(self, problem: Problem, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `tensors` gave in a run of the same problem, objective and schedule.

        Raises:
            KeyError: a tensor is missing.
            ValueError: a tensor has another shape.
        """
        device = self.best.total.device
        tensors = {name: tensor.to(device) for name, tensor in tensors.items()}
        self.optimizer.load(tensors)
        for name, own in latent_tensors("best", self.best.latents).items():
            copy_into(own, tensors[name])
        owned = {"best.total": self.best.total, "best.step": self.best.step, "steps": self.steps}
        for name, own in {**owned, "running": self.running, "not_finite": self.not_finite}.items():
            copy_into(own, tensors[name])
        self.step, self.since_located = int(tensors["step"]), int(tensors["since_located"])
        self.best_totals = list(tensors["best_totals"].unbind(1)) if "best_totals" in tensors else []
        curves = {name.removeprefix("curve."): t.unbind(1) for name, t in tensors.items() if name.startswith("curve.")}
        self.curves = [{name: curve[index] for name, curve in curves.items()} for index in range(len(self.best_totals))]
        for name, start in problem.starts.items():
            named = {kind: f"renewed.{name}.{kind}" for kind in start.tensors}
            if set(named.values()) <= tensors.keys():
                self.renewed[name] = replace(start, tensors={kind: tensors[full] for kind, full in named.items()})
        self.placements, self.best.placements = (
            {
                part: Placement(**{f.name: tensors[f"{kind}.{part}.{f.name}"] for f in fields(Placement)})
                for part in parts
            }
            for kind, parts in (("placed", problem.parts), ("best.placed", problem.parts))
        )
        regions = regions_at(self.placements, problem.canvas, problem.parts)
        for part, region in regions.items():
            regions[part] = replace(region, cover=tensors.get(f"cover.{part}", region.cover))
        self.locations = Locations(self.placements, regions, self.locations.masked)
