import dataclasses
from functools import partial

import pytest
import torch

from insetgan.detection.detector import Detection
from insetgan.refine.latents import CANVAS
from insetgan.refine.measures import measure
from insetgan.refine.objective import Objective
from insetgan.refine.schedule import Schedule, Stage
from insetgan.refine.solver import refine
from insetgan.refine.terms.border import BorderEdge, BorderL1
from insetgan.refine.terms.ramp import Ramp
from insetgan.refine.terms.regularisers import MeanLatent

plain = partial(Schedule, stages=(Stage(),), ramp_down=0.5, detect_until=0.6, tolerance=0.0)
"""A schedule of one stage, which never stops early."""

SHORT = plain(steps=60, block=5, canvas_rate=0.02, inset_rate=0.05)
LONG = dataclasses.replace(SHORT, steps=600)


def test_inset_alone_reaches_the_colour_of_the_canvas(problem, linear):
    # A one-colour canvas and a one-colour inset: the border vanishes exactly where the colours agree.
    flat = problem(canvas=linear(24, 16, flat=True), inset=linear(12, 12, seed=1, flat=True))
    schedule = dataclasses.replace(LONG, canvas_rate=0.0, block=1)
    result = refine(flat, Objective({"border": BorderL1(weight=1)}), schedule)
    target = result.start_canvas[:, :, 0, 0]
    assert torch.allclose(result.insets["face"][:, :, 5, 5], target, atol=4e-3)
    assert torch.equal(result.canvas, result.start_canvas)
    assert all(abs(row["band_after"]["face"]) <= 1 for row in measure(result))
    assert all(row["band_before"]["face"] > 5 for row in measure(result))


def test_regularisers_alone_lead_to_the_mean(problem):
    result = refine(problem(), Objective({"mean": MeanLatent(weight=1)}), LONG)
    for name, latents in result.latents.items():
        assert torch.allclose(
            latents.tensors["shared"], latents.generator.mapping.w_avg.expand_as(latents.tensors["shared"]), atol=2e-3
        ), name
        assert not latents.tensors["delta"].any()


def test_joint_run_closes_the_seam_and_holds_the_canvas(problem, objective):
    result = refine(problem(seeds=range(4)), objective(edge=BorderEdge(weight=1)), LONG)
    loose = refine(problem(seeds=range(4)), objective(edge=BorderEdge(weight=1), body_l1=None), LONG)
    assert result.status == ("ok",) * 4
    for row, free in zip(measure(result), measure(loose), strict=True):
        assert row["band_after"]["face"] < 0.5 * row["band_before"]["face"]
        assert row["seam_after"]["face"] < row["seam_before"]["face"]
        assert row["body_change"] < free["body_change"]
    assert (result.curves["total"][:, -1] < 0.5 * result.curves["total"][:, 0]).all()


def test_sample_is_the_same_alone_and_in_a_batch_of_16(problem, objective, following):
    seeds = list(range(16))
    batch = refine(problem(seeds=seeds, detector=following()), objective(), SHORT)
    for seed in (0, 7, 15):
        alone = refine(problem(seeds=[seed], detector=following()), objective(), SHORT)
        assert torch.equal(alone.boxes["face"][0], batch.boxes["face"][seed])
        assert (alone.refined[0] - batch.refined[seed]).abs().mean() * 127.5 < 0.01


def test_two_runs_agree_exactly(problem, objective):
    first, second = (refine(problem(), objective(), SHORT) for _ in range(2))
    assert torch.equal(first.refined, second.refined)
    assert torch.equal(first.curves["total"], second.curves["total"])


def test_best_state_is_kept_and_not_the_last(problem, objective):
    wild = plain(steps=40, block=5, canvas_rate=0.3, inset_rate=0.5, ramp_down=0, ramp_up=0)
    result = refine(problem(), objective(), wild)
    totals = result.curves["total"]
    assert totals.shape == (3, 41)
    assert torch.equal(result.best_step, totals.argmin(1))
    assert (totals.min(1).values < totals[:, -1]).any()


def test_kept_images_are_those_of_the_kept_codes(problem, objective):
    task = problem()
    result = refine(task, objective(), SHORT)
    canvas = task.canvas.render(result.latents[CANVAS].tensors)
    assert torch.equal(canvas, result.canvas)
    x0, y0, x1, y1 = result.boxes["face"][0].tolist()
    outside = torch.ones(24, 16, dtype=torch.bool)
    outside[y0:y1, x0:x1] = False
    assert torch.equal(result.refined[0][:, outside], result.canvas[0][:, outside])


def test_no_steps_give_the_naive_paste(problem, objective):
    result = refine(problem(), objective(), dataclasses.replace(SHORT, steps=0))
    assert torch.equal(result.refined, result.paste) and torch.equal(result.canvas, result.start_canvas)
    assert result.curves["total"].shape == (3, 1)


def test_ramp_is_part_of_what_is_followed_but_not_of_what_is_judged(problem, objective):
    late = BorderL1(weight=2, ramp=Ramp(begin=0.9, end=1.0))
    seen = []
    refine(problem(), objective(border_l1=late), SHORT, on_step=seen.append)
    first = seen[0]
    weights = {"coarse_l1": 1, "border_l1": 2, "body_l1": 2, "offsets": 0.01}
    assert torch.allclose(first.total, sum(first.values[name] * weight for name, weight in weights.items()))


def test_frozen_sides_are_not_drawn_again(problem, objective):
    task = problem()
    refine(task, objective(), plain(steps=40, block=20, first="inset"))
    # inset: start, 20 steps, once frozen after them, result; canvas: start, 20 steps, after the last, result.
    assert task.parts["face"].generator.calls == 1 + 20 + 1 + 1
    assert task.canvas.calls == 1 + 20 + 1 + 1


def test_box_follows_the_canvas_until_it_may_not(problem, objective, following):
    boxes = []
    task = problem(detector=following(scale=8.0), hysteresis=0.0)
    schedule = plain(steps=60, block=5, first="canvas", canvas_rate=0.1, detect_every=1, detect_until=0.5)
    push = objective(body_l1=None, mean=MeanLatent(weight=5))
    refine(task, push, schedule, on_step=lambda step: boxes.append(step.view.locations.regions["face"].boxes.clone()))
    assert any(not torch.equal(boxes[0], later) for later in boxes[1:30])
    assert all(torch.equal(boxes[30], later) for later in boxes[31:])


def test_hysteresis_keeps_boxes_from_flipping(problem, objective, following):
    class Trembling(following):
        def detect(self, images):
            found = super().detect(images)["face"]
            return {"face": Detection(found.boxes + 0.3 * (-1) ** self.looks, found.scores)}

    result = refine(problem(detector=Trembling(scale=0.0)), objective(), SHORT)
    assert torch.equal(result.boxes["face"], result.start_boxes["face"])


def test_a_part_that_is_not_there_leaves_the_canvas_alone(problem, objective, following):
    class Blind(following):
        def detect(self, images):
            found = super().detect(images)["face"]
            return {"face": Detection(found.boxes, torch.tensor([1.0, 0.0, 1.0])[: len(images)])}

    result = refine(problem(detector=Blind()), objective(), SHORT)
    assert result.status == ("ok", "no_part_found", "ok")
    assert torch.equal(result.refined[1], result.start_canvas[1])
    assert torch.equal(result.paste[1], result.start_canvas[1])
    rows = measure(result)
    assert rows[1]["box"] is None and rows[1]["seam_after"] is None and rows[1]["body_change"] is None
    assert rows[0]["seam_after"] is not None


def test_a_part_lost_on_the_way_keeps_its_box(problem, objective, following):
    class Losing(following):
        def detect(self, images):
            found = super().detect(images)["face"]
            return {"face": Detection(found.boxes, torch.full((len(images),), float(self.looks == 1)))}

    result = refine(problem(detector=Losing()), objective(), SHORT)
    assert result.status == ("part_lost",) * 3
    assert torch.equal(result.boxes["face"], result.start_boxes["face"])
    assert (result.curves["total"][:, -1] < result.curves["total"][:, 0]).all()


def test_numbers_that_run_away_stop_one_sample_and_no_other(problem, objective, breaking, linear):
    healthy = refine(problem(), objective(), SHORT)
    task = problem(inset=breaking(12, 12, seed=1))
    task.starts["face"].tensors["shared"][1] = 0.999  # one push and the second sample draws NaN
    result = refine(task, objective(), SHORT)
    assert result.status == ("ok", "not_finite", "ok")
    assert result.refined.isfinite().all()
    for sample in (0, 2):
        assert (result.refined[sample] - healthy.refined[sample]).abs().max() < 1e-4


def test_a_start_that_is_not_finite_is_a_status(problem, objective, breaking):
    task = problem(canvas=breaking(24, 16))
    task.starts[CANVAS].tensors["shared"][0] = 5
    result = refine(task, objective(), SHORT)
    assert result.status[0] == "not_finite" and result.status[1:] == ("ok", "ok")
    assert result.refined[1:].isfinite().all()
    assert measure(result)[0]["seam_after"] is None


def test_gradients_that_run_away_stop_one_sample(problem, linear, objective):
    class Cusp(linear):
        def synthesis(self, ws, *, noise_mode):
            images = super().synthesis(ws, noise_mode=noise_mode)
            return images + ws[:, :1, :1, None].abs().sqrt() * 0.01  # an infinite slope at zero

    task = problem(inset=Cusp(12, 12, seed=1))
    task.starts["face"].tensors["shared"][2, 0] = 0
    result = refine(task, objective(), SHORT)
    assert result.status == ("ok", "ok", "not_finite")
    assert result.refined.isfinite().all()


def test_two_parts_are_refined_together(problem, objective):
    result = refine(problem(names=("left", "right")), objective(), LONG)
    assert set(result.boxes) == {"left", "right"} and set(result.latents) == {CANVAS, "left", "right"}
    for row in measure(result):
        assert row["band_after"]["right"] < row["band_before"]["right"]


def test_runs_inside_inference_mode(problem, objective):
    task = problem()
    outside = refine(task, objective(), SHORT)
    with torch.inference_mode():  # codes that a predict loop has made
        starts = {name: x.detached() for name, x in task.starts.items()}
        inside = refine(dataclasses.replace(task, starts=starts), objective(), SHORT)
    assert torch.equal(outside.refined, inside.refined)


def test_starts_are_left_untouched(problem, objective):
    task = problem()
    before = task.starts[CANVAS].tensors["shared"].clone()
    result = refine(task, objective(), SHORT)
    assert torch.equal(task.starts[CANVAS].tensors["shared"], before)
    assert not torch.equal(result.latents[CANVAS].tensors["shared"], before)
    assert torch.equal(result.start_latents[CANVAS].tensors["shared"], before)


def test_pieces_that_do_not_fit_are_refused(problem):
    task = problem()
    with pytest.raises(ValueError, match="no start latents for 'face'"):
        dataclasses.replace(task, starts={CANVAS: task.starts[CANVAS]})
    with pytest.raises(ValueError, match="shape"):
        dataclasses.replace(task, starts={**task.starts, "face": problem(seeds=[0]).starts["face"]})
    with pytest.raises(ValueError, match="at least one inset"):
        dataclasses.replace(task, parts={})
