"""Generators that are no StyleGANs under optimisation: z alone, z with features, and a map of latents."""

import dataclasses
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from families import MapDecoder, ZNet

from insetgan.detection.detector import FixedBoxes
from insetgan.detection.part import Part
from insetgan.detection.placement import SquarePlacement
from insetgan.networks.generator import Generator
from insetgan.ops.images import seeded_latents
from insetgan.refine.latents import CANVAS, Latents
from insetgan.refine.problem import Problem
from insetgan.refine.schedule import Schedule, Stage
from insetgan.refine.solver import refine
from insetgan.refine.starts import GivenStart, start_latents
from insetgan.refine.terms.regularisers import MeanLatent, OffsetNorm
from insetgan.refine.walk import between
from insetgan.runtime.errors import UserError

plain = partial(Schedule, stages=(Stage(),), block=5, canvas_rate=0.05, inset_rate=0.05, tolerance=0.0, patience=1000)


def styles():
    shape = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 128, "channel_max": 8}
    return Generator(height=16, width=16, **shape)


def frozen(network):
    return network.eval().requires_grad_(False)


@pytest.fixture(params=["z", "z+features", "map", "styles"])
def task(request):
    """A canvas of one family and an inset of another."""
    torch.manual_seed(0)
    pairs = {
        "z": (MapDecoder(32, 24), ZNet(16)),
        "z+features": (MapDecoder(32, 24), ZNet(16)),
        "map": (ZNet(32), MapDecoder(16, 16)),
        "styles": (ZNet(32), styles()),
    }
    canvas, inset = map(frozen, pairs[request.param])
    part = Part("face", inset, FixedBoxes({"face": (6, 6, 18, 18)}), SquarePlacement(margin=0.0))
    starts = {CANVAS: start_latents(canvas, [0, 1], 0.7), "face": start_latents(inset, [5, 6], 0.7)}
    if request.param == "z+features":
        starts["face"] = dataclasses.replace(starts["face"], space="z+features")
    return Problem(canvas, {"face": part}, starts)


def test_an_inset_of_another_family_is_fitted(task, objective):
    result = refine(task, objective(), plain(steps=60))
    assert result.status == ("ok", "ok")
    before, after = result.curves["border_l1"][:, 0], result.curves["border_l1"].min(1).values
    assert (after < 0.6 * before).all()
    for name, latents in result.latents.items():
        assert not any(tensor.requires_grad for tensor in latents.tensors.values())
        moved = {
            kind for kind, tensor in latents.tensors.items() if not torch.equal(tensor, task.starts[name].tensors[kind])
        }
        assert moved == set(latents.generator.spaces[latents.space])
    torch.testing.assert_close(result.canvas, task.canvas.render(result.latents[CANVAS].tensors))


def test_an_interrupted_run_arrives_at_the_numbers_of_an_unbroken_one(task, objective):
    goal, schedule, states = (
        objective(mean=MeanLatent(weight=0.1)),
        plain(steps=12, renew_canvas=0.3, renew_inset=0.3),
        [],
    )
    whole = refine(task, goal, schedule, on_step=lambda step: states.append(step.state()))
    again = refine(task, goal, schedule, state=states[6])
    for name, latents in whole.latents.items():
        for kind, tensor in latents.tensors.items():
            assert torch.equal(again.latents[name].tensors[kind], tensor), (name, kind)
    assert torch.equal(again.refined, whole.refined)


def test_a_sample_is_the_same_alone(task, objective):
    both = refine(task, objective(), plain(steps=10))
    starts = {name: latents.rows(torch.tensor([1])) for name, latents in task.starts.items()}
    alone = refine(dataclasses.replace(task, starts=starts), objective(), plain(steps=10))
    torch.testing.assert_close(alone.refined[0], both.refined[1], atol=1e-4, rtol=0)


def test_the_distance_to_the_prior_alone_leads_to_the_mean(task, objective):
    nothing = {name: None for name in ("coarse_l1", "border_l1", "body_l1", "offsets")}
    starts = {name: dataclasses.replace(latents, space="") for name, latents in task.starts.items()}
    task = dataclasses.replace(task, starts=starts)
    result = refine(
        task, objective(**nothing, mean=MeanLatent(weight=1.0)), plain(steps=400, canvas_rate=0.02, inset_rate=0.02)
    )
    for name, latents in result.latents.items():
        kind = latents.generator.spaces[latents.space][0]
        mean = latents.generator.mean[kind]
        assert (latents.tensors[kind] - mean).abs().max() < 0.1 < (task.starts[name].tensors[kind] - mean).abs().max()


def test_terms_by_hand():
    latents = {"z": torch.tensor([[3.0, 4.0]]), "features": torch.full((1, 8, 8, 8), 2.0)}
    generator = ZNet(16, z_dim=2)
    found = Latents(latents, generator, "z+features")
    assert found.distance.tolist() == [[12.5]] and found.offsets.tolist() == [[4.0]]
    view = SimpleNamespace(parts=["face"], latents={"face": found})
    values = [term(weight=1, softness=0.5, sides=["inset"]).values(view).tolist() for term in (MeanLatent, OffsetNorm)]
    assert values == [[pytest.approx((12.5 + 0.25) ** 0.5 - 0.5)], [pytest.approx((4 + 0.25) ** 0.5 - 0.5)]]


def test_a_start_is_z_of_the_seed_times_psi():
    generator = frozen(MapDecoder(32, 24))
    z = seeded_latents([3], generator.z_dim)
    found = start_latents(generator, [3], 0.5)
    assert found.space == "map"
    torch.testing.assert_close(found.tensors["map"].flatten(1), 0.5 * z)
    assert not start_latents(generator, [3], 0.0).tensors["map"].any()


def test_a_walk_goes_straight_in_all_latents():
    codes = Latents(
        {"z": torch.tensor([[0.0, 2.0], [4.0, 0.0]]), "features": torch.zeros(2, 8, 8, 8)}, ZNet(16, z_dim=2)
    )
    assert between(codes, 1, 4).tensors["z"].tolist() == [[1.0, 1.5]]


def test_what_a_family_does_not_have_is_refused():
    generator = ZNet(16)
    with pytest.raises(UserError, match=r"trunc=.*the generator has 1 layer; give one value"):
        start_latents(generator, [0], [0.5, 0.7])
    given = GivenStart({0: {"shared": torch.zeros(8), "delta": torch.zeros(6, 8)}}, "a.safetensors")
    with pytest.raises(
        UserError, match="holds latents delta 6 x 8, shared 8, but the generator takes features 8 x 8 x 8, z 8"
    ):
        given.latents(generator, [0])
    part = Part("face", generator, FixedBoxes({"face": (2, 2, 9, 9)}), SquarePlacement())
    wrong = start_latents(ZNet(16, z_dim=4), [0], 1.0)
    with pytest.raises(ValueError, match="start latents of 'face' have the shapes"):
        Problem(ZNet(32), {"face": part}, {CANVAS: start_latents(ZNet(32), [0], 1.0), "face": wrong})
