"""What a refinement comes to: the best state of every sample, drawn and judged once more."""

from collections.abc import Mapping

import torch
from torch import Tensor

from insetgan.detection.locate import locate_parts
from insetgan.refine.composition import compose, draw_all
from insetgan.refine.latents import CANVAS
from insetgan.refine.locate import locations_at
from insetgan.refine.objective import Objective
from insetgan.refine.problem import (
    NO_MASK,
    NO_PART_FOUND,
    NOT_FINITE,
    OK,
    PART_LOST,
    PART_MISSING,
    Problem,
    Result,
)
from insetgan.refine.schedule import Schedule
from insetgan.refine.state import TOTAL, Initial, SolverState


@torch.no_grad()
def conclude(problem: Problem, objective: Objective, schedule: Schedule, initial: Initial, run: SolverState) -> Result:
    """Draw the best state of every sample, and look for the parts a last time."""
    best = run.best
    moved = run.optimizer.names(schedule.sides)
    images = {**initial.images, **draw_all(problem.canvas, problem.parts, best.latents, moved)}
    canvas, insets = images[CANVAS], {name: images[name] for name in problem.parts}
    masks = "mask" in (problem.blend, problem.region)
    locations = locations_at(problem, best.placements, canvas, insets, masks=masks)
    before = {**initial.images, **problem.references}
    start_insets = {name: before[name] for name in problem.parts}
    return Result(
        status=_status(problem, initial, run, canvas, locations.masked),
        started=initial.started,
        present={name: region.present for name, region in locations.regions.items()},
        placements=best.placements,
        steps=run.steps,
        best_step=best.step,
        total=best.total,
        boxes=locations.boxes,
        start_boxes=initial.locations.boxes,
        latents=best.latents,
        start_latents={name: latents.detached() for name, latents in problem.starts.items()},
        curves=_curves((*objective.names(schedule.sides), TOTAL), initial, run),
        start_canvas=before[CANVAS],
        paste=compose(before[CANVAS], start_insets, initial.locations.regions),
        canvas=canvas,
        fitted=compose(canvas, insets, locations.regions),
        refined=compose(canvas, insets, locations.regions, problem.blend),
        insets=insets,
        start_insets=start_insets,
        interiors=initial.interiors,
        covers={name: region.cover for name, region in locations.regions.items()} if masks else {},
    )


def _curves(names: tuple[str, ...], initial: Initial, run: SolverState) -> Mapping[str, Tensor]:
    """The named curves, each [n, steps]; also of a batch in which nothing ran, so that all batches leave the same terms."""
    absent = torch.full_like(run.best.total, torch.nan)
    number = torch.arange(max(1, len(run.curves)), device=absent.device)
    ran = initial.started[:, None] & (number <= run.steps[:, None])
    curves = {name: torch.stack([row.get(name, absent) for row in run.curves or [{}]], 1) for name in names}
    return {name: torch.where(ran, curve, torch.nan).cpu() for name, curve in curves.items()}


def _status(problem: Problem, initial: Initial, run: SolverState, canvas: Tensor, masked: Tensor) -> tuple[str, ...]:
    """How each sample ended; see `problem.STATUSES`."""
    placements = run.best.placements
    last = locate_parts(canvas, problem.parts.values(), placements)
    seen = torch.stack([last[name].seen | ~placement.placed for name, placement in placements.items()]).all(0)
    started = initial.started
    holds = {
        NO_PART_FOUND: ~started,
        PART_MISSING: started & ~initial.whole,
        PART_LOST: started & ~seen,
        NO_MASK: started & ~(masked & initial.locations.masked),
        NOT_FINITE: run.not_finite,
    }
    status = [OK] * len(started)
    for name, where in holds.items():
        for row in where.nonzero()[:, 0].tolist():
            status[row] = name
    return tuple(status)
