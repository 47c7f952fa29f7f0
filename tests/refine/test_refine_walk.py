import dataclasses
from functools import partial
from itertools import pairwise

import torch

from insetgan.refine.composition import draw_all
from insetgan.refine.latents import CANVAS
from insetgan.refine.schedule import Schedule, Stage
from insetgan.refine.solver import refine
from insetgan.refine.walk import between, footing_of, image_names, set_out, steadiness

plain = partial(Schedule, stages=(Stage(),), ramp_down=0.5, detect_until=0.6, tolerance=0.0)
"""A schedule of one stage, which never stops early."""


def test_stops_are_met_and_steps_are_even(problem):
    codes = problem(seeds=(3, 8, 5)).starts[CANVAS]
    assert len(image_names((3, 8, 5), 4)) == 9
    images = [between(codes, number, 4) for number in range(9)]
    for stop in range(3):
        assert torch.allclose(images[4 * stop].tensors["shared"][0], codes.tensors["shared"][stop], atol=1e-6)
    steps = torch.stack([(b.tensors["shared"] - a.tensors["shared"]).norm() for a, b in pairwise(images[:5])])
    assert torch.allclose(steps, steps[:1].expand(4), rtol=1e-3)


def test_images_are_named_by_the_seeds_between_which_they_stand():
    assert image_names([3, 8], 1) == ["3", "8"]
    assert image_names([3, 8, 5], 2) == ["3", "3-to-8-1", "8", "8-to-5-1", "5"]
    many = image_names([3, 8], 12)
    assert many[:2] + many[-2:] == ["3", "3-to-8-01", "3-to-8-11", "8"]
    assert many == [many[0], *sorted(many[1:-1]), many[-1]], "files in the order of the walk"


def test_an_image_goes_on_from_the_last_and_holds_on_to_its_own(problem, objective):
    task = problem(seeds=(3, 8))
    first = {name: between(codes, 0, 10) for name, codes in task.starts.items()}
    second = {name: between(codes, 1, 10) for name, codes in task.starts.items()}
    result = refine(dataclasses.replace(task, starts=first), objective(), plain(steps=60, block=5))
    footing = footing_of(result.latents, result.placements, first)
    drawn = draw_all(task.canvas, task.parts, second, second)
    following = set_out(dataclasses.replace(task, starts=second), drawn, footing)
    for name, codes in following.starts.items():
        moved = second[name].tensors["shared"] + result.latents[name].tensors["shared"] - first[name].tensors["shared"]
        assert torch.allclose(codes.tensors["shared"], moved, atol=1e-6)
    again = refine(following, objective(), plain(steps=0))
    assert torch.equal(again.start_canvas, drawn[CANVAS]), "what it is compared with is the interpolated image"
    afresh = refine(dataclasses.replace(task, starts=second), objective(), plain(steps=0))
    assert again.total < 0.7 * afresh.total, "it starts from what fits nearly"
    assert set_out(task, drawn, None) is task


def test_steadiness_by_hand():
    images = [torch.full((2, 2, 3), value, dtype=torch.uint8) for value in (0, 10, 40)]
    assert steadiness(images) == 20
