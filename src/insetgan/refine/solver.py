"""Joint optimisation of all latent codes (the paper's "Joint optimisation"): alternate, re-detect, keep the best."""

from collections.abc import Callable

import torch
from torch import Tensor

from insetgan.losses.context import CANVAS, Context
from insetgan.losses.term import Side
from insetgan.ops.regions import Region
from insetgan.parts.survey import survey
from insetgan.refine.composition import compose, draw, regions_at
from insetgan.refine.objective import Objective
from insetgan.refine.problem import NO_PART_FOUND, NOT_FINITE, OK, PART_LOST, Problem, Result, Step
from insetgan.refine.schedule import Schedule
from insetgan.refine.search import Best, Search, finite_rows


def refine(
    problem: Problem,
    objective: Objective,
    schedule: Schedule,
    *,
    on_step: Callable[[Step], None] | None = None,
) -> Result:
    """Optimise the codes of canvas and insets until the insets fit.

    The samples of the batch are independent: losses are summed over them, never averaged, and every operation works
    sample by sample, so a sample comes out the same in any batch but for rounding. A sample whose numbers run away
    stops at its best state and disturbs no other.

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
            step = run.step(index)
            if on_step is not None:
                on_step(step)
        run.finish()
        return run.result()


class _Run:
    """One refinement: pictures, boxes, codes, and which samples are still running."""

    def __init__(self, problem: Problem, objective: Objective, schedule: Schedule) -> None:
        self.problem, self.objective, self.schedule = problem, objective, schedule
        self.search = Search(problem.starts)
        with torch.no_grad():
            pictures = {
                name: draw(generator, self.search.codes[name]) for name, generator in problem.generators.items()
            }
            canvas = pictures.pop(CANVAS)
            self.placements = survey(canvas, problem.parts.values())
        self.start_canvas, self.start_insets = canvas, pictures
        self.start_boxes = self._boxes()
        finite = finite_rows([canvas, *pictures.values()])
        self.placed = torch.stack([placement.placed for placement in self.placements.values()]).all(0) & finite
        self.running = self.placed.clone()
        self.not_finite = ~finite
        self.best = Best(self.search.codes, self.start_boxes)
        self.context = Context(
            canvas=canvas,
            insets=pictures,
            regions=self._regions(self._boxes()),
            codes=self.search.codes,
            reference=canvas,
            perceptual=problem.perceptual,
        )
        self.active: tuple[Side, ...] = ()
        self.since_look = 0
        self.values: dict[str, Tensor] = {}
        self.curves: list[dict[str, Tensor]] = []

    def step(self, index: int) -> Step:
        """Update the sides whose turn it is, once."""
        active = self.schedule.active(index)
        if active != self.active:
            self._switch(active, index)
        self._draw(active)
        if "canvas" in active and self.since_look >= self.schedule.detect_every:
            self._look(index)
        values = self.objective.values(self.context, self.objective.names(active))
        total = self._judge(values, index)
        if values:
            self._descend(self.objective.total(values, self.schedule.progress(index)), active, index)
        if bool(self.not_finite.any()):
            self.search.restore(self.not_finite, self.best.codes)
        return Step(index, self.schedule.steps, active, total, self.curves[-1], self.context)

    def finish(self) -> None:
        """Judge the state after the last update."""
        with torch.no_grad():
            self._draw(self.active)
            self._judge(self.objective.values(self.context, self.objective.names()), self.schedule.steps)

    @torch.no_grad()
    def result(self) -> Result:
        """Draw the best state of every sample, and look for the parts a last time."""
        generators = self.problem.generators
        pictures = {name: draw(generator, self.best.codes[name]) for name, generator in generators.items()}
        canvas = pictures.pop(CANVAS)
        last = survey(canvas, self.problem.parts.values(), self.placements)
        seen = torch.stack([placement.seen for placement in last.values()]).all(0)
        shown = self.placed[:, None, None, None]
        paste = compose(self.start_canvas, self.start_insets, self._regions(self.start_boxes))
        refined = compose(canvas, pictures, self._regions(self.best.boxes))
        return Result(
            status=self._status(seen),
            started=self.placed,
            steps=self.schedule.steps,
            best_step=self.best.step,
            boxes=self.best.boxes,
            start_boxes=self.start_boxes,
            latents=self.best.codes,
            start_latents={name: latents.detached() for name, latents in self.problem.starts.items()},
            curves={name: torch.stack([row[name] for row in self.curves]).cpu() for name in self.curves[0]},
            start_canvas=self.start_canvas,
            paste=torch.where(shown, paste, self.start_canvas),
            canvas=canvas,
            refined=torch.where(shown, refined, canvas),
            insets=pictures,
        )

    def _switch(self, active: tuple[Side, ...], index: int) -> None:
        """Freeze what was moving; what the frozen sides alone decide is worked out once for the whole block."""
        with torch.no_grad():
            self._draw(self.active)
            if "canvas" in self.active:
                self._look(index)
            steered = set(self.objective.names(active))
            idle = [name for name in self.objective.names() if name not in steered]
            self.values.update(self.objective.values(self.context, idle))
        self.active = active

    def _draw(self, sides: tuple[Side, ...]) -> None:
        generators, codes = self.problem.generators, self.search.codes
        pictures = {name: draw(generators[name], codes[name]) for name in self.search.names(sides)}
        canvas = pictures.pop(CANVAS, None)
        self.context.update(canvas=canvas, insets=pictures or None)

    def _look(self, index: int) -> None:
        """Find the parts on the canvas as it is now, and move the boxes, unless they stand still by now."""
        self.since_look = 0
        if not self.schedule.may_detect(index):
            return
        before = self._boxes()
        self.placements = survey(self.context.canvas, self.problem.parts.values(), self.placements)
        if any(not torch.equal(before[name], boxes) for name, boxes in self._boxes().items()):
            self.context.update(regions=self._regions(self._boxes()))

    def _judge(self, values: dict[str, Tensor], index: int) -> Tensor:
        """Record the state, keep it where it is the best so far, and stop samples that have run away."""
        self.values.update({name: value.detach() for name, value in values.items()})
        total = self.objective.total(self.values)
        failed = self.running & ~total.isfinite()
        self._stop(failed)
        self.best.offer(total, self.search.codes, self._boxes(), index, self.running)
        shown = torch.where(self.running, total, torch.inf)
        self.curves.append({**self.values, "total": shown})
        return shown

    def _descend(self, loss: Tensor, active: tuple[Side, ...], index: int) -> None:
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
            self.not_finite = self.not_finite | failed
            self.running = self.running & ~failed

    def _status(self, seen: Tensor) -> tuple[str, ...]:
        status = []
        for found, visible, broken in zip(self.placed.tolist(), seen.tolist(), self.not_finite.tolist(), strict=True):
            status.append(NOT_FINITE if broken else NO_PART_FOUND if not found else OK if visible else PART_LOST)
        return tuple(status)

    def _boxes(self) -> dict[str, Tensor]:
        return {name: placement.boxes for name, placement in self.placements.items()}

    def _regions(self, boxes: dict[str, Tensor]) -> dict[str, Region]:
        insets = {name: part.generator for name, part in self.problem.parts.items()}
        return regions_at(boxes, self.problem.canvas, insets)
