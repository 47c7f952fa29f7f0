"""The optimisation of all latent codes (the paper's section on joint optimisation): alternate, re-detect, keep the best."""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from insetgan.detection.survey import survey
from insetgan.refine.composition import compose, draw_all
from insetgan.refine.context import CANVAS, Context
from insetgan.refine.latents import Latents
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
    Step,
)
from insetgan.refine.scene import interiors, look, scene_at
from insetgan.refine.schedule import Schedule
from insetgan.refine.search import Best, Search, finite_rows
from insetgan.refine.terms.term import Side


def refine(
    problem: Problem,
    objective: Objective,
    schedule: Schedule,
    *,
    on_step: Callable[[Step], None] | None = None,
) -> Result:
    """Optimise the codes of canvas and insets until the insets fit.

    The samples of the batch are independent: losses are summed over them, never averaged, and every operation works
    sample by sample, so a sample comes out the same in any batch but for rounding. A sample that has settled, or whose
    numbers run away, stops at its best state, disturbs no other, and is computed no further.

    Args:
        problem: generators, parts and start codes.
        objective: what to minimise.
        schedule: in which order and how fast.
        on_step: called after every update.

    Returns:
        The best state of every sample, by the objective at full weights.
    """
    # A caller may stand in inference mode (a Trainer's predict loop does), where nothing could be differentiated.
    with torch.inference_mode(False), torch.enable_grad():
        run = _Run(problem, objective, schedule)
        for index in range(schedule.steps):
            if not run.open:
                break
            step = run.step(index)
            if on_step is not None:
                on_step(step)
        run.finish()
        return run.result()


class _Run:
    """One refinement: pictures, boxes and codes of the samples in `rows`, which are still running."""

    def __init__(self, problem: Problem, objective: Objective, schedule: Schedule) -> None:
        self.problem, self.objective, self.schedule = problem, objective, schedule
        with torch.no_grad():
            self.start = self._pictures(problem.starts, problem.generators)
        insets = {name: self.start[name] for name in problem.parts}
        self.start_scene = look(problem, self.start[CANVAS], insets)
        self.interiors = interiors(problem, self.start_scene)
        present = torch.stack([placement.placed for placement in self.start_scene.placements.values()])
        self.whole, finite = present.all(0), finite_rows(self.start.values())
        self.placed = present.any(0) & finite
        self.not_finite, self.masked = ~finite, self.start_scene.masked.clone()
        self.best = Best(problem.starts, self.start_scene.placements)
        self.steps = torch.zeros_like(self.best.step)
        self.trail: list[Tensor] = []  # of best objectives, step by step
        self.curves: list[dict[str, Tensor]] = []
        self.active: tuple[Side, ...] | None = None
        self.stage, self.since_look = 0, 0
        self._enter(self.placed.nonzero()[:, 0])

    @property
    def open(self) -> bool:
        """Whether any sample is still running."""
        return bool(self.running.any())

    def step(self, index: int) -> Step:
        """Update the sides whose turn it is, once."""
        self._turn(index)
        active = self.active or ()
        self._draw(active)
        if "canvas" in active and self.since_look >= self.schedule.detect_every:
            self._look(index)
        values = self.objective.values(self.context, self.objective.names(active, self.stage))
        total = self._judge(values, index)
        self._stop_settled(index)
        self.steps[self.rows] += self.running
        if values and self.open:
            self._descend(self.objective.total(values, self.schedule.progress(index)), active, index)
        return Step(index, self.schedule.steps, active, self.rows, total, dict(self.values), self.context)

    def finish(self) -> None:
        """Judge the state after the last update."""
        if not self.open:
            return
        with torch.no_grad():
            self._draw(self.active or ())
            names = self.objective.names(self.schedule.sides, self.stage)
            self._judge(self.objective.values(self.context, names), self.schedule.steps)

    @torch.no_grad()
    def result(self) -> Result:
        """Draw the best state of every sample, and look for the parts a last time."""
        problem, codes = self.problem, self.best.codes
        pictures = self.start | self._pictures(codes, self.search.names(self.schedule.sides))
        canvas, insets = pictures[CANVAS], {name: pictures[name] for name in problem.parts}
        scene = scene_at(problem, self.best.placements, canvas, insets, masks="mask" in (problem.blend, problem.region))
        before = self.start | dict(problem.references)
        start_insets = {name: before[name] for name in problem.parts}
        return Result(
            status=self._status(canvas, scene.masked),
            started=self.placed,
            present={name: region.present for name, region in scene.regions.items()},
            placements=self.best.placements,
            steps=self.steps,
            best_step=self.best.step,
            total=self.best.total,
            boxes=scene.boxes,
            start_boxes=self.start_scene.boxes,
            latents=codes,
            start_latents={name: latents.detached() for name, latents in problem.starts.items()},
            curves=self._curves(),
            start_canvas=before[CANVAS],
            paste=compose(before[CANVAS], start_insets, self.start_scene.regions),
            canvas=canvas,
            fitted=compose(canvas, insets, scene.regions),
            refined=compose(canvas, insets, scene.regions, problem.blend),
            insets=insets,
            start_insets=start_insets,
            interiors=self.interiors,
        )

    def _enter(self, rows: Tensor) -> None:
        """Begin with these samples of the batch."""
        problem, start = self.problem, {name: images[rows] for name, images in self.start.items()}
        self.rows, self.scene = rows, self.start_scene.rows(rows)
        self.running = torch.ones_like(rows, dtype=torch.bool)
        self.search = Search({name: latents.rows(rows) for name, latents in problem.starts.items()})
        held = start | {name: images[rows] for name, images in problem.references.items()}
        self.context = Context(
            canvas=start.pop(CANVAS),
            insets=start,
            regions=self.scene.regions,
            codes=self.search.codes,
            reference=held.pop(CANVAS),
            inset_references=held,
            interiors={name: interior[rows] for name, interior in self.interiors.items()},
            perceptual=problem.perceptual,
        )
        self.values: dict[str, Tensor] = {}

    def _turn(self, index: int) -> None:
        """Go on with the side whose turn it is; what the other alone decides is worked out once for the whole block."""
        active, stage, renewed = self.schedule.active(index), self.schedule.stage(index), self.schedule.renewed(index)
        stopped = not bool(self.running.all())
        if (active, stage) == (self.active, self.stage) and not renewed and not stopped:
            return
        with torch.no_grad():
            self._draw(self.active or ())
            turned = (active, stage) != (self.active, self.stage) or bool(renewed)
            if turned and "canvas" in (self.active or ()):  # and not because somebody else in the batch has stopped
                self._look(index)
            if stopped:
                self._drop_stopped()
            if "canvas" in renewed:
                self.context.update(reference=self.context.canvas)
            if "inset" in renewed:
                self.context.update(inset_references=self.context.insets)
            if renewed or stage != self.stage:
                self.best.forget(self.rows)
            steered = set(self.objective.names(active, stage))
            # All terms of the modes' sides count in the judgement; those of a side that stands still for good are constant.
            idle = [name for name in self.objective.names(self.schedule.sides, stage) if name not in steered]
            self.values = dict(self.objective.values(self.context, idle))
        self.active, self.stage = active, stage

    def _drop_stopped(self) -> None:
        """Compute the samples that have stopped no further."""
        kept = self.running.nonzero()[:, 0]
        self.rows, self.running = self.rows[kept], self.running[kept]
        self.search, self.scene = self.search.keep(kept), self.scene.rows(kept)
        self.context = self.context.rows(kept, codes=self.search.codes, regions=self.scene.regions)

    def _draw(self, sides: tuple[Side, ...]) -> None:
        pictures = self._pictures(self.search.codes, self.search.names(sides))
        canvas = pictures.pop(CANVAS, None)
        self.context.update(canvas=canvas, insets=pictures or None)

    def _pictures(self, codes: Mapping[str, Latents], names: Iterable[str]) -> dict[str, Tensor]:
        return draw_all(self.problem.canvas, self.problem.parts, codes, names)

    def _look(self, index: int) -> None:
        """Find the parts on the canvas as it is now, and move the boxes, unless they stand still by now."""
        self.since_look = 0
        if not self.schedule.may_detect(index):
            return
        insets = {name: images.detach() for name, images in self.context.insets.items()}
        scene = look(self.problem, self.context.canvas.detach(), insets, self.scene)
        if self.problem.region == "mask" or not scene.same_boxes(self.scene):
            self.context.update(regions=scene.regions)
        self.scene = scene

    def _judge(self, values: dict[str, Tensor], index: int) -> Tensor:
        """Record the state, keep it where it is the best so far, and stop samples that have run away."""
        self.values.update({name: value.detach() for name, value in values.items()})
        # A stage without terms judges nothing.
        total = self.objective.total(self.values) if self.values else self.best.total[self.rows] * 0 + torch.nan
        if not self.values:
            self.curves.append({"total": self._spread(total)})
            self.trail.append(self.best.total.clone())
            return torch.full_like(total, torch.inf)
        self._stop(self.running & ~total.isfinite())
        self.best.offer(self.rows, total, self.search.codes, self.scene.placements, index, self.running)
        shown = torch.where(self.running, total, torch.inf)
        self.curves.append({name: self._spread(value) for name, value in {**self.values, "total": shown}.items()})
        self.trail.append(self.best.total.clone())
        return shown

    def _descend(self, loss: Tensor, active: tuple[Side, ...], index: int) -> None:
        if not loss.requires_grad:  # such as of offsets where they do not move
            return
        leaves = self.search.leaves(active)
        summed = torch.where(self.running, loss, 0.0).sum()
        found = torch.autograd.grad(summed, leaves, allow_unused=True)
        gradients = {
            leaf: torch.zeros_like(leaf) if gradient is None else gradient
            for leaf, gradient in zip(leaves, found, strict=True)
        }
        self._stop(self.running & ~finite_rows(gradients.values()))
        for side in active:
            self.search.update(side, gradients, self.schedule.rate(index, side), self.running)
        self.since_look += "canvas" in active

    def _stop(self, failed: Tensor) -> None:
        if bool(failed.any()):
            self.not_finite[self.rows[failed]] = True
            self.running = self.running & ~failed

    def _stop_settled(self, index: int) -> None:
        """Stop the samples whose objective has fallen too little for too long."""
        schedule = self.schedule
        long_enough = schedule.may_stop(index) and len(self.trail) > schedule.patience
        if long_enough and self.objective.full(schedule.progress(index)):
            before, now = self.trail[-1 - schedule.patience][self.rows], self.best.total[self.rows]
            self.running = self.running & ~(before - now <= schedule.tolerance * now)

    def _spread(self, value: Tensor) -> Tensor:
        return value.new_full((len(self.steps),), torch.nan).index_copy(0, self.rows, value)

    def _curves(self) -> dict[str, Tensor]:
        """Also of a batch in which nothing ran, so that all batches leave the same terms."""
        absent = self.best.total.new_full((len(self.steps),), torch.nan)
        names = (*self.objective.names(self.schedule.sides), "total")
        return {name: torch.stack([row.get(name, absent) for row in self.curves or [{}]]).cpu() for name in names}

    def _status(self, canvas: Tensor, masked: Tensor) -> tuple[str, ...]:
        """See `problem.STATUSES`."""
        last = survey(canvas, self.problem.parts.values(), self.best.placements)
        absent = {name: ~placement.placed for name, placement in self.best.placements.items()}
        seen = torch.stack([placement.seen | absent[name] for name, placement in last.items()]).all(0)
        masked = masked & self.masked
        holds = {
            NO_PART_FOUND: ~self.placed,
            PART_MISSING: self.placed & ~self.whole,
            PART_LOST: self.placed & ~seen,
            NO_MASK: self.placed & ~masked,
            NOT_FINITE: self.not_finite,
        }
        status = [OK] * len(self.steps)
        for name, where in holds.items():
            for row in where.nonzero()[:, 0].tolist():
                status[row] = name
        return tuple(status)
