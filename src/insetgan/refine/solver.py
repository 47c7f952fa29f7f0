"""The joint optimisation of section 3.3 of the paper."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from insetgan.refine.composition import draw_all
from insetgan.refine.conclusion import conclude
from insetgan.refine.latents import CANVAS
from insetgan.refine.locate import locate
from insetgan.refine.objective import Objective
from insetgan.refine.one_pass import OnePass
from insetgan.refine.problem import Problem, Result, Step
from insetgan.refine.schedule import Schedule, Turn
from insetgan.refine.sides import Side
from insetgan.refine.state import Initial, SolverState
from insetgan.refine.views import View


def refine(
    problem: Problem,
    objective: Objective,
    schedule: Schedule,
    *,
    state: Mapping[str, Tensor] | None = None,
    one_pass: OnePass | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> Result:
    """Optimise the latents w_A of the canvas and w_B of the insets until the insets fit.

    The samples of the batch are independent: losses are summed over them, never averaged, and every operation works
    sample by sample, so a sample comes out the same in any batch but for rounding. A sample that has settled, or whose
    numbers run away, keeps its best state and changes no other.

    Args:
        problem: generators, parts and start latents.
        objective: what to minimise.
        schedule: in which order and how fast.
        state: what `Step.state` gave in an interrupted run of the same problem, objective and schedule. The run goes on
            from there and arrives at the very numbers of an unbroken one.
        one_pass: predicts the latents from which the steps go on; the result is compared with the start latents all the
            same, and the references are theirs. None goes on from the start latents themselves.
        on_step: called after every update.

    Returns:
        The best state of every sample, by the objective at full weights.

    Raises:
        KeyError: the state lacks a tensor.
        ValueError: a tensor of the state has another shape.
    """
    # A caller may stand in inference mode (a Trainer's predict loop does), where nothing could be differentiated.
    with torch.inference_mode(False), torch.enable_grad():
        initial = Initial.of(problem)  # I_A, I_B, the boxes and the references of the start latents
        run = SolverState(problem, initial, schedule.sides if schedule.newton else ())
        view = _begin(problem, objective, schedule, initial, run, state, one_pass)
        turn = schedule.turn(run.step - 1) if run.step else None
        standing: dict[str, Tensor] | None = None

        for step in range(run.step, schedule.steps):
            if not run.running.any():
                break
            # Whose turn is it? What only the side that stands still decides is worked out once in its turn.
            if schedule.turn(step) != turn or schedule.renewed(step):
                view, standing = _hand_over(problem, schedule, run, view, turn, step), None
            turn = schedule.turn(step)
            terms = objective.roles(turn.sides, schedule.sides, turn.stage)
            if standing is None:
                with torch.no_grad():
                    standing = objective.values(view, terms.standing)

            # I_A = G_A(w_A) or I_B = G_B(w_B); and B, since the box depends on w_A.
            view = _draw(problem, run, view, turn.sides)
            if "canvas" in turn.sides and run.since_located >= schedule.detect_every:
                view = _locate(problem, schedule, run, view, step)

            # L = L_coarse + L_border + L_reg + L_body + L_face at full weights says which state is the best.
            loss_terms = objective.values(view, terms.steering)
            values = {**standing, **_detached({**objective.values(view, terms.following), **loss_terms})}
            total = run.record(values, objective.total(values) if values else run.best.total * torch.nan, step)
            progress = _progress(schedule, step, one_pass)
            run.settle(schedule, objective.full(progress), step)
            run.steps += run.running

            # Adam follows the gradient of the terms that steer this side, at the weights of this step.
            if loss_terms and run.running.any():
                loss = objective.total(loss_terms, progress)
                run.descend(turn.sides, loss, {side: schedule.rate(step, side) for side in turn.sides})
            run.step = step + 1
            if on_step is not None:
                on_step(Step(step, schedule.steps, turn.sides, total, values, view, run.tensors))

        if run.running.any():  # the state after the last update
            _judge_the_last(problem, objective, schedule, run, view)
        return conclude(problem, objective, schedule, initial, run)


def _first_view(problem: Problem, initial: Initial, run: SolverState) -> View:
    """The view of the start latents, or of those that an interrupted run goes on from."""
    held, now = {**initial.images, **problem.references}, initial.images
    with torch.no_grad():
        held |= draw_all(problem.canvas, problem.parts, run.renewed, run.renewed)
        if run.step:
            now = draw_all(problem.canvas, problem.parts, run.optimizer.latents, problem.generators)
    return View.of(
        now[CANVAS],
        {part: now[part] for part in problem.parts},
        run.locations,
        run.optimizer.latents,
        reference=held[CANVAS],
        inset_references={part: held[part] for part in problem.parts},
        interiors=initial.interiors,
        perceptual=problem.perceptual,
    )


def _begin(
    problem: Problem,
    objective: Objective,
    schedule: Schedule,
    initial: Initial,
    run: SolverState,
    state: Mapping[str, Tensor] | None,
    one_pass: OnePass | None,
) -> View:
    """The view with which the steps begin: of the start latents, of a run that was interrupted, or of what a composer says."""
    if state is not None:
        run.load(problem, state)
    elif one_pass is not None:
        view = one_pass.run(problem, objective, schedule.sides, initial)
        run.optimizer.take_over(view.latents)
        return replace(view, latents=run.optimizer.latents)
    return _first_view(problem, initial, run)


def _progress(schedule: Schedule, step: int, one_pass: OnePass | None) -> float:
    """Fraction of the run that is done, for the ramps.

    All of it behind a composer, whose passes have done what ramps are for, and for L-BFGS, which needs one function.
    """
    return schedule.progress(step) if one_pass is None and not schedule.newton else 1.0


@torch.no_grad()
def _hand_over(
    problem: Problem, schedule: Schedule, run: SolverState, view: View, before: Turn | None, step: int
) -> View:
    """End a turn before step number `step`: the side that has moved is drawn as it now stands."""
    if before is not None:
        view = _draw(problem, run, view, before.sides)
        if "canvas" in before.sides:
            view = _locate(problem, schedule, run, view, step)
    renewed = schedule.renewed(step)
    run.renew(renewed)
    if renewed or before is None or schedule.stage(step) != before.stage:
        run.best.forget(run.running)
    return view.holding(canvas="canvas" in renewed, insets="inset" in renewed)


def _draw(problem: Problem, run: SolverState, view: View, sides: Iterable[Side]) -> View:
    images = draw_all(problem.canvas, problem.parts, run.optimizer.latents, run.optimizer.names(sides))
    canvas = images.pop(CANVAS, None)
    return view.drawn(canvas, images or None)


def _locate(problem: Problem, schedule: Schedule, run: SolverState, view: View, step: int) -> View:
    """Find the parts on the canvas as it is now, and move the boxes, unless they stand still by now."""
    run.since_located = 0
    if not schedule.may_detect(step):
        return view
    locations = locate(problem, view.canvas.image, view.insets.images, run.placements)
    run.placements = locations.placements
    if problem.region == "mask" or not locations.same_boxes(view.locations):
        run.locations = locations
        return view.moved(locations)
    return view


@torch.no_grad()
def _judge_the_last(problem: Problem, objective: Objective, schedule: Schedule, run: SolverState, view: View) -> None:
    """Judge the state after the last update."""
    turn = schedule.turn(schedule.steps - 1) if schedule.steps else Turn((), 0)
    view = _draw(problem, run, view, turn.sides)
    terms = objective.roles(turn.sides, schedule.sides, turn.stage)
    values = objective.values(view, (*terms.standing, *terms.following, *terms.steering))
    run.record(values, objective.total(values) if values else run.best.total * torch.nan, schedule.steps)


def _detached(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in values.items()}
