import dataclasses

import pytest
import torch

from insetgan.losses.body import BodyL1
from insetgan.losses.border import BorderEdge, BorderL1
from insetgan.losses.coarse import CoarseL1
from insetgan.losses.context import CANVAS
from insetgan.losses.part import PartL1
from insetgan.losses.ramp import Ramp
from insetgan.losses.regularisers import MeanLatent, OffsetNorm
from insetgan.parts.detector import Detection, FixedBoxes
from insetgan.refine.latents import Latents
from insetgan.refine.measures import measure
from insetgan.refine.objective import Objective
from insetgan.refine.schedule import Schedule, Stage
from insetgan.refine.solver import refine

SHORT = Schedule(steps=60, block=5, canvas_rate=0.02, inset_rate=0.05)
LONG = dataclasses.replace(SHORT, steps=600)


class Following:
    """Sees the part lower on the canvas the brighter its first pixel is; blind to samples above `blind`."""

    def __init__(self, scale=4.0, blind=float("inf")):
        self.scale, self.blind, self.looks = scale, blind, 0

    def detect(self, images):
        self.looks += 1
        level = images[:, :, 0, 0].mean(1)
        y = 6 + self.scale * level
        boxes = torch.stack([torch.full_like(y, 4), y, torch.full_like(y, 12), y + 8], 1)
        return {"face": Detection(boxes, (level < self.blind).float())}


def test_inset_alone_reaches_the_colour_of_the_canvas(problem, linear):
    # A one-colour canvas and a one-colour inset: the border vanishes exactly where the colours agree.
    flat = problem(canvas=linear(24, 16, flat=True), inset=linear(12, 12, seed=1, flat=True))
    schedule = dataclasses.replace(LONG, canvas_rate=0.0, block=1)
    result = refine(flat, Objective({"border": BorderL1(weight=1)}), schedule)
    target = result.start_canvas[:, :, 0, 0]
    assert torch.allclose(result.insets["face"][:, :, 5, 5], target, atol=4e-3)
    assert torch.equal(result.canvas, result.start_canvas)
    assert all(abs(row.band_after["face"]) <= 1 for row in measure(result))
    assert all(row.band_before["face"] > 5 for row in measure(result))


def test_regularisers_alone_lead_to_the_mean(problem):
    result = refine(problem(), Objective({"mean": MeanLatent(weight=1)}), LONG)
    for name, latents in result.latents.items():
        assert torch.allclose(latents.shared, latents.average.expand_as(latents.shared), atol=2e-3), name
        assert not latents.delta.any()


def test_joint_run_closes_the_seam_and_holds_the_canvas(problem, objective):
    result = refine(problem(seeds=range(4)), objective(edge=BorderEdge(weight=1)), LONG)
    loose = refine(problem(seeds=range(4)), objective(edge=BorderEdge(weight=1), body_l1=None), LONG)
    assert result.status == ("ok",) * 4
    for row, free in zip(measure(result), measure(loose), strict=True):
        assert row.band_after["face"] < 0.5 * row.band_before["face"]
        assert row.seam_after["face"] < row.seam_before["face"]
        assert row.body_change < free.body_change
    assert (result.curves["total"][-1] < 0.5 * result.curves["total"][0]).all()


def test_sample_is_the_same_alone_and_in_a_batch_of_16(problem, objective):
    seeds = list(range(16))
    batch = refine(problem(seeds=seeds, detector=Following()), objective(), SHORT)
    for seed in (0, 7, 15):
        alone = refine(problem(seeds=[seed], detector=Following()), objective(), SHORT)
        assert torch.equal(alone.boxes["face"][0], batch.boxes["face"][seed])
        assert (alone.refined[0] - batch.refined[seed]).abs().mean() * 127.5 < 0.01


def test_two_runs_agree_exactly(problem, objective):
    first, second = (refine(problem(), objective(), SHORT) for _ in range(2))
    assert torch.equal(first.refined, second.refined)
    assert torch.equal(first.curves["total"], second.curves["total"])


def test_best_state_is_kept_and_not_the_last(problem, objective):
    wild = Schedule(steps=40, block=5, canvas_rate=0.3, inset_rate=0.5, ramp_down=0, ramp_up=0)
    result = refine(problem(), objective(), wild)
    totals = result.curves["total"]
    assert totals.shape == (41, 3)
    assert torch.equal(result.best_step, totals.argmin(0))
    assert (totals.min(0).values < totals[-1]).any()


def test_kept_pictures_are_those_of_the_kept_codes(problem, objective):
    task = problem()
    result = refine(task, objective(), SHORT)
    canvas = task.canvas.synthesis(result.latents[CANVAS].ws, noise_mode="const")
    assert torch.equal(canvas, result.canvas)
    x0, y0, x1, y1 = result.boxes["face"][0].tolist()
    outside = torch.ones(24, 16, dtype=torch.bool)
    outside[y0:y1, x0:x1] = False
    assert torch.equal(result.refined[0][:, outside], result.canvas[0][:, outside])


def test_no_steps_give_the_naive_paste(problem, objective):
    result = refine(problem(), objective(), dataclasses.replace(SHORT, steps=0))
    assert torch.equal(result.refined, result.paste) and torch.equal(result.canvas, result.start_canvas)
    assert result.curves["total"].shape == (1, 3)


def test_ramp_is_part_of_what_is_followed_but_not_of_what_is_judged(problem, objective):
    late = BorderL1(weight=2, ramp=Ramp(begin=0.9, end=1.0))
    seen = []
    refine(problem(), objective(border_l1=late), SHORT, on_step=seen.append)
    first = seen[0]
    weights = {"coarse_l1": 1, "border_l1": 2, "body_l1": 2, "offsets": 0.01}
    assert torch.allclose(first.total, sum(first.values[name] * weight for name, weight in weights.items()))


def test_frozen_sides_are_not_drawn_again(problem, objective):
    task = problem()
    refine(task, objective(), Schedule(steps=40, block=20, first="inset"))
    # inset: start, 20 steps, once frozen after them, result; canvas: start, 20 steps, after the last, result.
    assert task.parts["face"].generator.calls == 1 + 20 + 1 + 1
    assert task.canvas.calls == 1 + 20 + 1 + 1


def test_box_follows_the_canvas_until_it_may_not(problem, objective):
    boxes = []
    task = problem(detector=Following(scale=8.0), hysteresis=0.0)
    schedule = Schedule(steps=60, block=5, first="canvas", canvas_rate=0.1, detect_every=1, detect_until=0.5)
    push = objective(body_l1=None, mean=MeanLatent(weight=5))
    refine(task, push, schedule, on_step=lambda step: boxes.append(step.context.regions["face"].boxes.clone()))
    assert any(not torch.equal(boxes[0], later) for later in boxes[1:30])
    assert all(torch.equal(boxes[30], later) for later in boxes[31:])


def test_hysteresis_keeps_boxes_from_flipping(problem, objective):
    class Trembling(Following):
        def detect(self, images):
            found = super().detect(images)["face"]
            return {"face": Detection(found.boxes + 0.3 * (-1) ** self.looks, found.scores)}

    result = refine(problem(detector=Trembling(scale=0.0)), objective(), SHORT)
    assert torch.equal(result.boxes["face"], result.start_boxes["face"])


def test_a_part_that_is_not_there_leaves_the_canvas_alone(problem, objective):
    class Blind(Following):
        def detect(self, images):
            found = super().detect(images)["face"]
            return {"face": Detection(found.boxes, torch.tensor([1.0, 0.0, 1.0])[: len(images)])}

    result = refine(problem(detector=Blind()), objective(), SHORT)
    assert result.status == ("ok", "no_part_found", "ok")
    assert torch.equal(result.refined[1], result.start_canvas[1])
    assert torch.equal(result.paste[1], result.start_canvas[1])
    rows = measure(result)
    assert rows[1].box is None and rows[1].seam_after is None and rows[1].body_change is None
    assert rows[0].seam_after is not None


def test_a_part_lost_on_the_way_keeps_its_box(problem, objective):
    class Losing(Following):
        def detect(self, images):
            found = super().detect(images)["face"]
            return {"face": Detection(found.boxes, torch.full((len(images),), float(self.looks == 1)))}

    result = refine(problem(detector=Losing()), objective(), SHORT)
    assert result.status == ("part_lost",) * 3
    assert torch.equal(result.boxes["face"], result.start_boxes["face"])
    assert (result.curves["total"][-1] < result.curves["total"][0]).all()


def test_numbers_that_run_away_stop_one_sample_and_no_other(problem, objective, breaking, linear):
    healthy = refine(problem(), objective(), SHORT)
    task = problem(inset=breaking(12, 12, seed=1))
    task.starts["face"].shared[1] = 0.999  # one push and the second sample draws NaN
    result = refine(task, objective(), SHORT)
    assert result.status == ("ok", "not_finite", "ok")
    assert result.refined.isfinite().all()
    for sample in (0, 2):
        assert (result.refined[sample] - healthy.refined[sample]).abs().max() < 1e-4


def test_a_start_that_is_not_finite_is_a_status(problem, objective, breaking):
    task = problem(canvas=breaking(24, 16))
    task.starts[CANVAS].shared[0] = 5
    result = refine(task, objective(), SHORT)
    assert result.status[0] == "not_finite" and result.status[1:] == ("ok", "ok")
    assert result.refined[1:].isfinite().all()
    assert measure(result)[0].seam_after is None


def test_gradients_that_run_away_stop_one_sample(problem, linear, objective):
    class Cusp(linear):
        def synthesis(self, ws, *, noise_mode):
            images = super().synthesis(ws, noise_mode=noise_mode)
            return images + ws[:, :1, :1, None].abs().sqrt() * 0.01  # an infinite slope at zero

    task = problem(inset=Cusp(12, 12, seed=1))
    task.starts["face"].shared[2, 0] = 0
    result = refine(task, objective(), SHORT)
    assert result.status == ("ok", "ok", "not_finite")
    assert result.refined.isfinite().all()


def test_two_parts_are_refined_together(problem, objective):
    result = refine(problem(names=("left", "right")), objective(), LONG)
    assert set(result.boxes) == {"left", "right"} and set(result.latents) == {CANVAS, "left", "right"}
    for row in measure(result):
        assert row.band_after["right"] < row.band_before["right"]


def test_runs_inside_inference_mode(problem, objective):
    task = problem()
    outside = refine(task, objective(), SHORT)
    with torch.inference_mode():  # codes that a predict loop has made
        starts = {name: Latents(x.shared.clone(), x.delta.clone(), x.average) for name, x in task.starts.items()}
        inside = refine(dataclasses.replace(task, starts=starts), objective(), SHORT)
    assert torch.equal(outside.refined, inside.refined)


def test_starts_are_left_untouched(problem, objective):
    task = problem()
    before = task.starts[CANVAS].shared.clone()
    result = refine(task, objective(), SHORT)
    assert torch.equal(task.starts[CANVAS].shared, before)
    assert not torch.equal(result.latents[CANVAS].shared, before)
    assert torch.equal(result.start_latents[CANVAS].shared, before)


def test_pieces_that_do_not_fit_are_refused(problem):
    task = problem()
    with pytest.raises(ValueError, match="no start latents for 'face'"):
        dataclasses.replace(task, starts={CANVAS: task.starts[CANVAS]})
    with pytest.raises(ValueError, match="shape"):
        dataclasses.replace(task, starts={**task.starts, "face": problem(seeds=[0]).starts["face"]})
    with pytest.raises(ValueError, match="at least one inset"):
        dataclasses.replace(task, parts={})


def test_one_way_refinement_leaves_the_canvas_to_the_bit(problem, objective):
    task = problem()
    result = refine(task, objective(), dataclasses.replace(SHORT, sides=("inset",)))
    assert torch.equal(result.canvas, result.start_canvas)
    assert torch.equal(result.latents[CANVAS].ws, task.starts[CANVAS].ws)
    assert task.canvas.calls == 1, "drawn once and never again"
    assert all(row.body_change == 0 and row.band_after["face"] < row.band_before["face"] for row in measure(result))


def test_settled_samples_stop_and_are_drawn_no_more(problem, objective):
    batches = []
    task = problem(seeds=range(4))
    inset = task.parts["face"].generator
    drawn = inset.synthesis
    inset.synthesis = lambda ws, **options: (batches.append(len(ws)), drawn(ws, **options))[1]
    task.starts["face"].shared[1] = refine(problem(seeds=range(4)), objective(), LONG).latents["face"].shared[1]
    schedule = Schedule(steps=400, block=5, ramp_down=0, sides=("inset",), patience=20, tolerance=0.02)
    result = refine(task, objective(), schedule)
    assert (result.steps < 400).all() and len(set(result.steps.tolist())) > 1
    assert sorted(set(batches[1:-1]), reverse=True) == list(dict.fromkeys(batches[1:-1])), "the batch only shrinks"
    assert batches[1] == 4 and batches[-2] < 4 and batches[-1] == 4
    for sample, steps in enumerate(result.steps.tolist()):
        curve = result.curves["total"][:, sample]
        assert curve[: steps + 1].isfinite().all() and not curve[steps + 1 :].isfinite().any()
        assert curve[result.best_step[sample]] == curve[: steps + 1].min() == result.total[sample]
        alone = refine(problem(seeds=[sample]), objective(), schedule) if sample != 1 else None
        assert alone is None or alone.steps.tolist() == [steps], "whoever else is in the batch"


def test_a_part_that_is_not_there_is_left_out(problem, objective):
    class Half(FixedBoxes):
        def detect(self, images):
            found = super().detect(images)
            there = torch.arange(len(images)) != 1
            return {**found, "right": Detection(found["right"].boxes, there.float())}

    boxes = {"left": (2, 4, 8, 10), "right": (8, 4, 14, 10)}
    result = refine(problem(names=("left", "right"), detector=Half(boxes)), objective(), SHORT)
    assert result.status == ("ok", "part_missing", "ok")
    assert torch.equal(result.refined[1, :, 4:10, 8:14], result.canvas[1, :, 4:10, 8:14])
    rows = measure(result)
    assert rows[1].missing == ("right",) and rows[1].seam_after["right"] is None and set(rows[1].box) == {"left"}
    assert rows[1].seam_after["left"] is not None and rows[0].seam_after["right"] is not None


@pytest.mark.parametrize(
    ("space", "shared", "delta", "alike"),
    [("w", True, False, True), ("w+", False, True, False), ("w*", True, True, False)],
)
def test_latent_spaces(problem, objective, space, shared, delta, alike):
    task = problem()
    starts = {name: dataclasses.replace(codes, space=space) for name, codes in task.starts.items()}
    result = refine(dataclasses.replace(task, starts=starts), objective(), SHORT)
    for name, codes in result.latents.items():
        assert (not torch.equal(codes.shared, starts[name].shared)) == shared
        assert bool(codes.delta.any()) == delta
        assert torch.equal(codes.ws[:, 0], codes.ws[:, 1]) == alike
    assert all(row.band_after["face"] < row.band_before["face"] for row in measure(result))


def test_parts_of_one_generator_are_drawn_in_one_call_and_mirrored(problem, objective):
    task = problem(names=("left", "right"))
    parts = {"left": task.parts["left"], "right": dataclasses.replace(task.parts["right"], mirror=True)}
    task = dataclasses.replace(task, parts=parts)
    generator = parts["left"].generator
    result = refine(task, objective(), Schedule(steps=4, block=2))
    assert generator.calls == 1 + 2 + 1 + 1  # start, two steps, once when it is frozen, result
    right = generator.synthesis(result.latents["right"].ws, noise_mode="const")
    assert torch.allclose(result.insets["right"], right.flip(3), atol=1e-6)


def test_references_are_renewed_and_what_was_judged_before_is_forgotten(problem, objective):
    seen = {}
    schedule = dataclasses.replace(SHORT, renew_canvas=0.5, sides=("canvas",))
    free = objective(body_l1=BodyL1(weight=0.01))
    result = refine(problem(), free, schedule, on_step=lambda step: seen.update({step.index: step.context.reference}))
    assert torch.equal(seen[29], result.start_canvas) and not torch.equal(seen[30], result.start_canvas)
    assert (result.best_step >= 30).all()


def test_stages_have_their_own_terms(problem, objective):
    stages = (Stage(until=0.5, sides=("inset",)), Stage(until=1.0))
    staged = objective(border_l1=BorderL1(weight=2, stages=(1,)), coarse_l1=CoarseL1(weight=1, stages=(0,)))
    seen = []
    result = refine(problem(), staged, dataclasses.replace(SHORT, stages=stages), on_step=seen.append)
    assert "border_l1" not in seen[0].values and "coarse_l1" in seen[0].values
    assert "border_l1" in seen[30].values and "coarse_l1" not in seen[30].values
    assert {step.active for step in seen[:30]} == {("inset",)}
    assert (result.best_step >= 30).all()
    assert result.curves["border_l1"][:30].isnan().all() and result.curves["border_l1"][30:].isfinite().all()


class Spots:
    """Says that a part is the middle of its box, and nothing in the samples of `empty`."""

    def __init__(self, *empty):
        self.empty = empty

    def segment(self, images):
        mask = torch.zeros(len(images), 1, *images.shape[2:])
        mask[:, :, 6:10, 6:10] = 1
        for sample in self.empty:
            mask[sample] = 0
        return {"face": mask}


def test_masks_bound_what_is_held_and_what_is_shown(problem, objective):
    masked = dataclasses.replace(problem(), segmenter=Spots(), region="mask", blend="mask")
    result = refine(masked, objective(part=PartL1(weight=1)), SHORT)
    assert result.status == ("ok",) * 3
    ring = torch.zeros(24, 16, dtype=torch.bool)
    ring[4:12, 4:12] = True
    ring[6:10, 6:10] = False
    assert torch.equal(result.refined[..., ring], result.canvas[..., ring])
    interior = result.interiors["face"][0, 0]
    assert interior[5:7, 5:7].min() > 0.99 and interior[0].max() == 0 and interior[:, 0].max() == 0
    seen = []
    refine(masked, objective(), Schedule(steps=1), on_step=seen.append)
    outside = seen[0].context.outside()[:, 0]
    assert (outside[:, ring] == 1).all() and (outside[:, 6:10, 6:10] == 0).all(), "what no mask covers is held as well"


def test_an_empty_mask_is_a_status_and_the_box_takes_its_place(problem, objective):
    masked = dataclasses.replace(problem(), segmenter=Spots(1), region="mask")
    result = refine(masked, objective(), SHORT)
    assert result.status == ("ok", "no_mask", "ok")
    boxed = refine(problem(), objective(), SHORT)
    assert torch.allclose(result.refined[1], boxed.refined[1], atol=1e-4)


def test_masks_without_a_segmenter_are_refused(problem):
    with pytest.raises(ValueError, match="segmenter"):
        dataclasses.replace(problem(), blend="mask")


def test_a_part_that_shows_up_late_stays_out(problem, objective):
    class Late(FixedBoxes):
        looks = 0

        def detect(self, images):
            self.looks += 1
            found = super().detect(images)
            return {
                **found,
                "right": Detection(found["right"].boxes, torch.full((len(images),), float(self.looks > 1))),
            }

    boxes = {"left": (2, 4, 8, 10), "right": (8, 4, 14, 10)}
    result = refine(problem(names=("left", "right"), detector=Late(boxes)), objective(), SHORT)
    assert result.status == ("part_missing",) * 3
    assert not result.present["right"].any()
    assert all(row.missing == ("right",) for row in measure(result))


def test_boxes_do_not_move_because_somebody_else_has_stopped(problem, objective, breaking):
    def looks(broken):
        detector = Following()
        task = problem(inset=breaking(12, 12, seed=1), detector=detector)
        if broken:
            task.starts["face"].shared[1] = 0.999
        refine(task, objective(), Schedule(steps=40, block=40, first="canvas", detect_every=8, detect_until=1.0))
        return detector.looks

    assert looks(True) == looks(False)


def test_a_stage_without_terms_keeps_the_curves_in_step(problem, objective):
    stages = (Stage(until=0.5, sides=("inset",)), Stage(until=1.0))
    late = Objective({"border": BorderL1(weight=1, stages=(1,))})
    result = refine(problem(), late, dataclasses.replace(SHORT, stages=stages))
    assert result.curves["total"].shape == (61, 3)
    assert not result.curves["total"][:30].isfinite().any() and result.curves["total"][30:].isfinite().all()


def test_terms_that_nothing_moves_are_borne(problem):
    task = problem()
    starts = {name: dataclasses.replace(codes, space="w") for name, codes in task.starts.items()}
    result = refine(dataclasses.replace(task, starts=starts), Objective({"offsets": OffsetNorm(weight=1)}), SHORT)
    assert torch.equal(result.canvas, result.start_canvas)


def test_blending_does_not_flatter_the_figures(problem, objective):
    pasted = refine(problem(), objective(), SHORT)
    blended = refine(dataclasses.replace(problem(), blend="feather"), objective(), SHORT)
    assert not torch.equal(pasted.refined, blended.refined)
    assert [row.seam_after for row in measure(pasted)] == [row.seam_after for row in measure(blended)]
