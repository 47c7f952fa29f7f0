import dataclasses
from functools import partial

import torch

from insetgan.refine.ranking import best_rows, sample_names
from insetgan.refine.schedule import Schedule, Stage
from insetgan.refine.solver import refine

plain = partial(Schedule, stages=(Stage(),), ramp_down=0.5, detect_until=0.6, tolerance=0.0)
"""A schedule of one stage, which never stops early."""


def test_the_best_of_each_sample_come_first(problem, objective):
    result = refine(problem(seeds=range(6)), objective(), plain(steps=2))
    total = torch.tensor([3.0, 1.0, 2.0, 5.0, torch.inf, 4.0])
    result = dataclasses.replace(result, total=total)
    assert best_rows(result, 3, 2).tolist() == [1, 2, 5, 3]
    chosen = result.rows(best_rows(result, 3, 1))
    assert torch.equal(chosen.refined, result.refined[[1, 5]])
    assert torch.equal(chosen.latents["canvas"].tensors["shared"], result.latents["canvas"].tensors["shared"][[1, 5]])
    assert torch.equal(chosen.curves["total"], result.curves["total"][[1, 5]])
    assert torch.equal(chosen.placements["face"].boxes, result.boxes["face"][[1, 5]])


def test_what_never_began_comes_last(problem, objective):
    result = refine(problem(seeds=range(2)), objective(), plain(steps=2))
    started = torch.tensor([False, True])
    assert best_rows(dataclasses.replace(result, started=started), 2, 1).tolist() == [1]


def test_names():
    assert sample_names(7, 1) == ["7"]
    assert sample_names(7, 3) == ["7-1", "7-2", "7-3"]


def test_a_result_that_lacks_a_part_is_no_better_for_it(problem, objective):
    result = refine(problem(seeds=range(3), names=("face", "hand")), objective(), plain(steps=2))
    present = {**result.present, "hand": torch.tensor([False, True, True])}
    total = torch.tensor([0.1, 0.5, 0.2])
    status = ("part_missing", "ok", "not_finite")
    lacking = dataclasses.replace(result, present=present, total=total, status=status)
    assert best_rows(lacking, 3, 3).tolist() == [1, 2, 0]
