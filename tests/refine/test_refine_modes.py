import dataclasses
from functools import partial

import pytest
import torch

from insetgan.detection.detector import Detection, FixedBoxes
from insetgan.refine.latents import CANVAS
from insetgan.refine.measures import measure
from insetgan.refine.objective import Objective
from insetgan.refine.schedule import Schedule, Stage
from insetgan.refine.solver import refine
from insetgan.refine.terms.body import BodyL1
from insetgan.refine.terms.border import BorderL1
from insetgan.refine.terms.coarse import CoarseL1
from insetgan.refine.terms.part import PartL1
from insetgan.refine.terms.ramp import Ramp
from insetgan.refine.terms.regularisers import OffsetNorm

plain = partial(Schedule, stages=(Stage(),), ramp_down=0.5, detect_until=0.6, tolerance=0.0)
"""A schedule of one stage, which never stops early."""

SHORT = plain(steps=60, block=5, canvas_rate=0.02, inset_rate=0.05)
LONG = dataclasses.replace(SHORT, steps=600)


def test_one_way_refinement_leaves_the_canvas_to_the_bit(problem, objective):
    task = problem()
    result = refine(task, objective(), dataclasses.replace(SHORT, sides=("inset",)))
    assert torch.equal(result.canvas, result.start_canvas)
    assert torch.equal(task.canvas.ws(result.latents[CANVAS].tensors), task.canvas.ws(task.starts[CANVAS].tensors))
    assert task.canvas.calls == 1, "drawn once and never again"
    assert all(
        row["body_change"] == 0 and row["band_after"]["face"] < row["band_before"]["face"] for row in measure(result)
    )


def test_settled_samples_stop_and_change_no_other(problem, objective):
    task = problem(seeds=range(4))
    task.starts["face"].tensors["shared"][1] = (
        refine(problem(seeds=range(4)), objective(), LONG).latents["face"].tensors["shared"][1]
    )
    schedule = plain(steps=400, block=5, ramp_down=0, sides=("inset",), patience=20, tolerance=0.02)
    result = refine(task, objective(), schedule)
    calls = task.parts["face"].generator.calls
    assert (result.steps < 400).all() and len(set(result.steps.tolist())) > 1
    assert calls == 1 + result.steps.max() + 1 + 1, "once all have stopped, the block ends: start, steps, last, result"
    for sample, steps in enumerate(result.steps.tolist()):
        curve = result.curves["total"][sample]
        assert curve[: steps + 1].isfinite().all() and not curve[steps + 1 :].isfinite().any()
        assert curve[result.best_step[sample]] == curve[: steps + 1].min() == result.total[sample]
        alone = refine(problem(seeds=[sample]), objective(), schedule) if sample != 1 else None
        assert alone is None or alone.steps.tolist() == [steps], "whoever else is in the batch"


def test_no_sample_stops_before_all_weights_are_full(problem, objective):
    schedule = plain(steps=100, block=5, patience=5, tolerance=1.0)
    rising = objective(border_l1=BorderL1(weight=2, ramp=Ramp(begin=0.0, end=0.6)))
    early = refine(problem(), objective(), schedule).steps
    late = refine(problem(), rising, schedule).steps
    assert early.max() < 20, "without a ramp all have settled at once"
    assert late.min() >= 60 and late.max() < 80


def test_tolerance_is_a_share_of_the_objective(problem, objective):
    schedule = plain(steps=200, block=5, ramp_down=0, sides=("inset",), patience=10, tolerance=0.05)
    found = refine(problem(), objective(), schedule)
    terms = {"coarse_l1": CoarseL1(weight=100), "border_l1": BorderL1(weight=200), "body_l1": None}
    louder = refine(problem(), objective(**terms, offsets=OffsetNorm(weight=1)), schedule)
    assert found.steps.max() < 200, "all have settled"
    assert torch.equal(louder.steps, found.steps)


def test_detect_every_counts_updates_of_the_canvas(problem, objective, following):
    detector = following()
    updates, looked = [0], []
    schedule = plain(steps=40, block=10, first="canvas", detect_every=4, detect_until=1.0)

    def on_step(step):
        looked.append((updates[0], detector.looks))
        updates[0] += "canvas" in step.sides

    refine(problem(detector=detector), objective(), schedule, on_step=on_step)
    # After 4 and 8 updates of a turn, and at its end. The ten updates of the insets in between count nothing.
    seen = [count for (count, looks), (_, before) in zip(looked[1:], looked, strict=False) if looks > before]
    assert seen == [4, 8, 10, 14, 18, 20]
    assert detector.looks == 1 + 6 + 1, "at the start, in the run, and for the status"


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
    assert (
        rows[1]["missing"] == ("right",) and rows[1]["seam_after"]["right"] is None and set(rows[1]["box"]) == {"left"}
    )
    assert rows[1]["seam_after"]["left"] is not None and rows[0]["seam_after"]["right"] is not None


@pytest.mark.parametrize(
    ("space", "shared", "delta", "alike"),
    [("w", True, False, True), ("w+", False, True, False), ("w*", True, True, False)],
)
def test_latent_spaces(problem, objective, space, shared, delta, alike):
    task = problem()
    starts = {name: dataclasses.replace(codes, space=space) for name, codes in task.starts.items()}
    result = refine(dataclasses.replace(task, starts=starts), objective(), SHORT)
    for name, codes in result.latents.items():
        assert (not torch.equal(codes.tensors["shared"], starts[name].tensors["shared"])) == shared
        assert bool(codes.tensors["delta"].any()) == delta
        ws = codes.generator.ws(codes.tensors)
        assert torch.equal(ws[:, 0], ws[:, 1]) == alike
    assert all(row["band_after"]["face"] < row["band_before"]["face"] for row in measure(result))


def test_parts_of_one_generator_are_drawn_in_one_call_and_mirrored(problem, objective):
    task = problem(names=("left", "right"))
    parts = {"left": task.parts["left"], "right": dataclasses.replace(task.parts["right"], mirror=True)}
    task = dataclasses.replace(task, parts=parts)
    generator = parts["left"].generator
    result = refine(task, objective(), plain(steps=4, block=2))
    assert generator.calls == 1 + 2 + 1 + 1  # start, two steps, once when it is frozen, result
    right = generator.render(result.latents["right"].tensors)
    assert torch.allclose(result.insets["right"], right.flip(3), atol=1e-6)


def test_references_are_renewed_and_what_was_judged_before_is_forgotten(problem, objective):
    seen = {}
    schedule = dataclasses.replace(SHORT, renew_canvas=0.5, sides=("canvas",))
    free = objective(body_l1=BodyL1(weight=0.01))
    result = refine(
        problem(), free, schedule, on_step=lambda step: seen.update({step.index: step.view.canvas.reference.image})
    )
    assert torch.equal(seen[29], result.start_canvas) and not torch.equal(seen[30], result.start_canvas)
    assert (result.best_step >= 30).all()


def test_stages_have_their_own_terms(problem, objective):
    stages = (Stage(until=0.5, sides=("inset",)), Stage(until=1.0))
    staged = objective(border_l1=BorderL1(weight=2, stages=(1,)), coarse_l1=CoarseL1(weight=1, stages=(0,)))
    seen = []
    result = refine(problem(), staged, dataclasses.replace(SHORT, stages=stages), on_step=seen.append)
    assert "border_l1" not in seen[0].values and "coarse_l1" in seen[0].values
    assert "border_l1" in seen[30].values and "coarse_l1" not in seen[30].values
    assert {step.sides for step in seen[:30]} == {("inset",)}
    assert (result.best_step >= 30).all()
    assert result.curves["border_l1"][:, :30].isnan().all() and result.curves["border_l1"][:, 30:].isfinite().all()


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
    refine(masked, objective(), plain(steps=1), on_step=seen.append)
    outside = seen[0].view.locations.outside[:, 0]
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
    assert all(row["missing"] == ("right",) for row in measure(result))


def test_boxes_do_not_move_because_somebody_else_has_stopped(problem, objective, breaking, following):
    def looks(broken):
        detector = following()
        task = problem(inset=breaking(12, 12, seed=1), detector=detector)
        if broken:
            task.starts["face"].tensors["shared"][1] = 0.999
        refine(task, objective(), plain(steps=40, block=40, first="canvas", detect_every=8, detect_until=1.0))
        return detector.looks

    assert looks(True) == looks(False)


def test_a_stage_without_terms_keeps_the_curves_in_step(problem, objective):
    stages = (Stage(until=0.5, sides=("inset",)), Stage(until=1.0))
    late = Objective({"border": BorderL1(weight=1, stages=(1,))})
    result = refine(problem(), late, dataclasses.replace(SHORT, stages=stages))
    assert result.curves["total"].shape == (3, 61)
    assert not result.curves["total"][:, :30].isfinite().any() and result.curves["total"][:, 30:].isfinite().all()


def test_terms_that_nothing_moves_are_borne(problem):
    task = problem()
    starts = {name: dataclasses.replace(codes, space="w") for name, codes in task.starts.items()}
    result = refine(dataclasses.replace(task, starts=starts), Objective({"offsets": OffsetNorm(weight=1)}), SHORT)
    assert torch.equal(result.canvas, result.start_canvas)


def test_blending_does_not_flatter_the_figures(problem, objective):
    pasted = refine(problem(), objective(), SHORT)
    blended = refine(dataclasses.replace(problem(), blend="feather"), objective(), SHORT)
    assert not torch.equal(pasted.refined, blended.refined)
    assert [row["seam_after"] for row in measure(pasted)] == [row["seam_after"] for row in measure(blended)]
