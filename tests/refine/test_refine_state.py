"""A refinement that is broken off and goes on arrives at the very numbers of an unbroken one."""

import dataclasses
from contextlib import suppress
from functools import partial

import pytest
import torch
from safetensors.torch import load, save

from insetgan.detection.detector import Detection
from insetgan.refine.objective import Objective
from insetgan.refine.problem import Result
from insetgan.refine.schedule import Schedule, Stage
from insetgan.refine.solver import refine
from insetgan.refine.terms.border import BorderL1
from insetgan.refine.terms.part import PartL1

plain = partial(Schedule, stages=(Stage(),), ramp_down=0.5, tolerance=0.0)
STEPS = 24


class Off(Exception):
    pass


def broken_off(build, objective, schedule, at):
    """Run until `at` steps are done, or all samples have stopped; gives the state then, through a file and back."""
    kept = {}

    def on_step(step):
        if step.index < at:
            kept.update(load(save(step.state())))
        if step.index == at - 1:
            raise Off

    with suppress(Off):
        refine(build(), objective, schedule, on_step=on_step)
    return kept


def assert_same(first, second):
    for field in dataclasses.fields(Result):
        ours, theirs = getattr(first, field.name), getattr(second, field.name)
        if isinstance(ours, torch.Tensor):
            assert torch.equal(ours, theirs), field.name
        elif isinstance(ours, dict):
            for key, value in ours.items():
                for one, other in pairs(value, theirs[key]):
                    assert torch.equal(one.nan_to_num(-7), other.nan_to_num(-7)), (field.name, key)
        else:
            assert ours == theirs, field.name


def pairs(one, other):
    if isinstance(one, torch.Tensor):
        return [(one, other)]
    names = [field.name for field in dataclasses.fields(one)]
    return [
        (getattr(one, name), getattr(other, name)) for name in names if isinstance(getattr(one, name), torch.Tensor)
    ]


@pytest.fixture
def moving(problem, following):
    return lambda: problem(detector=following(scale=8.0), hysteresis=0.0)


@pytest.mark.parametrize("at", [1, 3, 4, 5, 11, 12, 13, 23, 24])
@pytest.mark.parametrize(
    "schedule",
    [
        plain(steps=STEPS, block=4, canvas_rate=0.1, detect_every=3, detect_until=0.8),
        plain(steps=STEPS, block=4, renew_canvas=0.25, renew_inset=0.5, detect_every=1),
        plain(steps=STEPS, together=True, detect_every=3),
        plain(steps=STEPS, sides=("inset",)),
        Schedule(steps=STEPS, block=3, patience=2, tolerance=0.05),
    ],
    ids=["turns", "renewed", "together", "inset", "stops"],
)
def test_it_goes_on_from_every_step(moving, objective, schedule, at):
    terms = objective(part=PartL1(weight=1), border_inset=BorderL1(weight=1, sides=("inset",)))
    state = broken_off(moving, terms, schedule, at)
    seen = []
    whole = refine(moving(), terms, schedule)
    stopped = schedule.tolerance > 0 and (whole.steps < STEPS).all()
    resumed = refine(moving(), terms, schedule, state=state, on_step=lambda step: seen.append(step.index))
    done = whole.curves["total"].shape[1] - (not stopped)  # the state after the last step is judged as well
    assert seen == list(range(int(state["step"]), done)), "no step is done again"
    assert_same(whole, resumed)


def test_it_goes_on_from_one_break_to_the_next(moving, objective):
    schedule = plain(steps=STEPS, block=4, detect_every=3)
    state = None
    for at in (2, 9, 10, 17):
        kept = {}

        def on_step(step, at=at, kept=kept):
            if step.index == at - 1:
                kept.update(step.state())

        refine(moving(), objective(), schedule, state=state, on_step=on_step)
        state = kept
    assert_same(refine(moving(), objective(), schedule), refine(moving(), objective(), schedule, state=state))


def test_masks_and_a_part_that_is_not_there_go_on(problem, objective):
    class Bright:
        def segment(self, images):
            return {"face": (images.mean(1, keepdim=True) > 0).float()}

    class Half:
        def detect(self, images):
            boxes = torch.tensor([[4.0, 4, 12, 12]]).expand(len(images), 4)
            return {"face": Detection(boxes, (torch.arange(len(images)) != 1).float())}

    def build():
        return dataclasses.replace(problem(detector=Half()), segmenter=Bright(), region="mask", blend="mask")

    schedule = plain(steps=STEPS, block=4, detect_every=2)
    for at in (2, 6, 13):
        state = broken_off(build, objective(), schedule, at)
        assert_same(refine(build(), objective(), schedule), refine(build(), objective(), schedule, state=state))


def test_numbers_that_ran_away_stay_so(problem, objective, breaking):
    def build():
        task = problem(inset=breaking(12, 12, seed=1))
        task.starts["face"].tensors["shared"][1] = 0.999
        return task

    state = broken_off(build, objective(), plain(steps=STEPS, block=4), 12)
    resumed = refine(build(), objective(), plain(steps=STEPS, block=4), state=state)
    assert resumed.status == ("ok", "not_finite", "ok")
    assert_same(refine(build(), objective(), plain(steps=STEPS, block=4)), resumed)


def test_a_state_is_a_copy(problem, objective):
    states = []
    schedule = plain(steps=8, block=4)
    refine(problem(), objective(), schedule, on_step=lambda step: states.append(step.state()))
    first = states[0]["latents.face.shared"].clone()
    assert not torch.equal(first, states[-1]["latents.face.shared"])
    before = {name: tensor.clone() for name, tensor in states[3].items()}
    refine(problem(), objective(), schedule, state=states[3])
    assert all(torch.equal(tensor.nan_to_num(), states[3][name].nan_to_num()) for name, tensor in before.items())


def test_the_state_of_another_problem_is_refused(problem, objective):
    schedule = plain(steps=8, block=4)
    state = broken_off(problem, objective(), schedule, 3)
    with pytest.raises(ValueError, match=r"shape \(3, .*where \(2, "):
        refine(problem(seeds=(0, 1)), objective(), schedule, state=state)
    with pytest.raises(KeyError, match=r"latents\.left"):
        refine(problem(names=("left", "right")), objective(), schedule, state=state)


def test_terms_that_follow_are_judged_as_things_are(problem, objective):
    """A border that steers the insets alone changes with the canvas too, and so does the judgement."""
    alone = Objective({"border": BorderL1(weight=1, sides=("inset",)), "other": BorderL1(weight=1, sides=("canvas",))})
    seen = []
    refine(problem(), alone, plain(steps=12, block=6, first="canvas", canvas_rate=0.1), on_step=seen.append)
    assert all(torch.equal(step.values["border"], step.values["other"]) for step in seen)
    assert not torch.equal(seen[1].values["border"], seen[5].values["border"])
