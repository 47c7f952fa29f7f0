"""Codes behind the images of generate.py, against hand-computed values."""

import math

import pytest
import torch

from insetgan.generation.folder import blocks_of
from insetgan.generation.plan import MixPlan, SeedPlan, WalkPlan, slerp
from insetgan.networks import Generator
from insetgan.ops.images import seeded_latents
from insetgan.refine.starts import start_latents


@pytest.fixture
def generator():
    made = Generator(height=16, width=8, z_dim=8, w_dim=8, mapping_layers=2, channel_base=64, channel_max=8)
    made.mapping.w_avg.copy_(torch.linspace(-1, 1, 8))
    return made.eval().requires_grad_(False)


def ws(plan, generator, first, last):
    return generator.ws(plan.latents(generator, first, last))


def test_codes_of_seeds_are_those_that_a_refinement_starts_from(generator):
    plan = SeedPlan([3, 8], [0.5, 1.0])
    assert plan.names == ["seed0003-trunc0.5", "seed0003-trunc1", "seed0008-trunc0.5", "seed0008-trunc1"]
    found = ws(plan, generator, 0, 4)
    for row, (seed, psi) in enumerate([(3, 0.5), (3, 1.0), (8, 0.5), (8, 1.0)]):
        torch.testing.assert_close(found[row], generator.ws(start_latents(generator, [seed], psi).tensors)[0])
    assert torch.equal(ws(plan, generator, 2, 3), ws(SeedPlan([8], [0.5]), generator, 0, 1))
    assert SeedPlan([3], [0.5]).names == ["seed0003"]


def test_a_mix_takes_the_layers_of_the_column_and_no_others(generator):
    plan = MixPlan([0, 1], [1, 5], [0, 2], 0.7)
    assert plan.names == ["mix-seed0000", "mix-seed0001", "mix-seed0005",
                          "mix-seed0000-seed0001", "mix-seed0000-seed0005", "mix-seed0001-seed0005"]  # fmt: skip
    zero, one, five = ws(SeedPlan([0, 1, 5], [0.7]), generator, 0, 3)
    found = ws(plan, generator, 3, 6)
    assert generator.num_ws == 6
    for row, (base, style) in enumerate([(zero, one), (zero, five), (one, five)]):
        for layer in range(6):
            torch.testing.assert_close(found[row, layer], (style if layer in (0, 2) else base)[layer])
    torch.testing.assert_close(ws(plan, generator, 0, 3), torch.stack([zero, one, five]))


def test_a_walk_stops_at_its_seeds_and_is_half_way_in_between(generator):
    stops = ws(SeedPlan([3, 8, 3], [0.7]), generator, 0, 3)
    for space in ("z", "w"):
        plan = WalkPlan([3, 8, 3], 4, 0.7, space)
        assert len(plan.names) == 9
        torch.testing.assert_close(ws(plan, generator, 0, 9)[::4], stops, atol=1e-5, rtol=1e-5)
        assert plan.place(6) == (8, 3, 0.5) and plan.place(8) == (8, 3, 1.0)
    half = ws(WalkPlan([3, 8], 2, 0.7, "w"), generator, 1, 2)
    torch.testing.assert_close(half[0], (stops[0] + stops[1]) / 2)


def test_slerp_by_hand():
    one, other = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 4.0]])
    third = slerp(one, other, torch.tensor([1 / 3]))
    length = 2 + 2 / 3
    expected = torch.tensor([[length * math.cos(math.pi / 6), length * math.sin(math.pi / 6)]])
    torch.testing.assert_close(third, expected)
    torch.testing.assert_close(slerp(one, other, torch.zeros(1)), one)
    torch.testing.assert_close(slerp(one, 3 * one, torch.tensor([0.5])), 2 * one)
    assert slerp(one, -one, torch.tensor([0.25])).isfinite().all()


def test_even_steps_on_the_sphere():
    one, other = seeded_latents([0], 64), seeded_latents([1], 64)
    path = slerp(one.expand(5, -1), other.expand(5, -1), torch.linspace(0, 1, 5))
    unit = path / path.norm(dim=1, keepdim=True)
    angles = (unit[:-1] * unit[1:]).sum(1).acos()
    torch.testing.assert_close(angles, angles[:1].expand(4), atol=1e-3, rtol=1e-3)


def test_blocks_of_a_shorter_list_are_found_again():
    short, long = (blocks_of(SeedPlan(range(count), [1.0]), 4) for count in (8, 20))
    assert [block.key for block in short] == [block.key for block in long[:2]]
    assert [(block.first, block.last) for block in blocks_of(SeedPlan(range(6), [1.0]), 4)] == [(0, 4), (4, 6)]
