import math

import pytest
import torch

from insetgan.ops.regions import Region
from insetgan.refine.terms.body import BodyL1, BodyPerceptual
from insetgan.refine.terms.border import BorderEdge, BorderL1, BorderPerceptual
from insetgan.refine.terms.coarse import CoarseL1, CoarsePerceptual
from insetgan.refine.terms.difference import masked_l1, soft_l1
from insetgan.refine.terms.part import PartL1, PartPerceptual
from insetgan.refine.terms.regularisers import MeanLatent, OffsetNorm, smooth_root
from insetgan.runtime.errors import UserError

PAIRS = [CoarseL1, CoarsePerceptual, BorderL1, BorderEdge, BorderPerceptual]
BODIES = [BodyL1, BodyPerceptual]
KEPT = [PartL1, PartPerceptual]
ALL = [*PAIRS, *BODIES, *KEPT, MeanLatent, OffsetNorm]


@pytest.mark.parametrize("term", PAIRS)
def test_an_inset_that_continues_the_canvas_costs_nothing(view, term):
    shown = view()
    shown = shown.drawn(insets={"face": shown.canvas.image[:, :, 4:12, 2:10]})
    assert torch.allclose(term(weight=1).values(shown), torch.zeros(2), atol=1e-6)


@pytest.mark.parametrize("term", BODIES)
def test_a_canvas_that_changed_only_in_the_box_costs_nothing(view, term):
    shown = view()
    canvas = shown.canvas.reference.image.clone()
    canvas[:, :, 4:12, 2:10] = 0.7
    assert torch.allclose(term(weight=1).values(shown.drawn(canvas)), torch.zeros(2), atol=1e-6)
    canvas[:, :, 0, 0] += 0.5
    assert (term(weight=1).values(shown.drawn(canvas)) > 0).all()


@pytest.mark.parametrize("term", KEPT)
def test_an_inset_that_changed_only_in_its_border_costs_nothing(view, term):
    inner = torch.zeros(1, 1, 8, 8)
    inner[:, :, 6:, 6:] = 1  # so far from the upper half that no feature of the pyramid sees both
    shown = view(interiors={"face": inner})
    inset = shown.insets.reference.images["face"]

    def values(changed):
        return term(weight=1).values(shown.drawn(insets={"face": changed}))

    assert torch.allclose(values(inset), torch.zeros(2), atol=1e-6)
    changed = inset.clone()
    changed[:, :, 7, 7] += 0.5
    assert (values(changed) > 1e-3).all()
    changed = inset.clone()
    changed[:, :, :4] += 0.5
    assert torch.allclose(values(changed), torch.zeros(2), atol=1e-6)
    everywhere = view(interiors={"face": torch.ones(1, 1, 8, 8)}).drawn(insets={"face": changed})
    assert (term(weight=1).values(everywhere) > 1e-3).all(), "it is the interior that hides the border"


def test_a_part_that_is_not_there_counts_nothing(view):
    there = torch.tensor([True, False])
    region = Region.at(torch.tensor([(2, 4, 10, 12)] * 2), (16, 12), (8, 8), there)
    shown = view(regions={"face": region})
    for term in (*PAIRS, *KEPT):
        first, second = term(weight=1).values(shown).tolist()
        assert first > 0 and second == 0, term
    assert shown.locations.outside[1].min() == 1


def test_codes_at_the_mean_without_offsets_cost_nothing(view, codes):
    average = torch.randn(6)
    still = codes(average.expand(2, 6), torch.zeros(2, 4, 6), average)
    shown = view(latents={"canvas": still, "face": still})
    assert MeanLatent(weight=1).values(shown).tolist() == [0, 0]
    assert OffsetNorm(weight=1).values(shown).tolist() == [0, 0]


def test_coarse_l1_by_hand(view):
    shown = view(canvas=torch.full((2, 3, 16, 12), 0.25), insets={"face": torch.full((2, 3, 8, 8), -0.5)})
    assert torch.allclose(CoarseL1(weight=9).values(shown), torch.tensor([0.75, 0.75]))


def test_coarse_terms_of_a_small_size_do_not_see_detail(view):
    board = (torch.arange(64)[:, None] + torch.arange(64)) % 2 * 2.0 - 1  # alternates within every block of 2 x 2
    flat = Region.at(torch.tensor([[2, 4, 10, 12]] * 2), (16, 12), (64, 64))
    shown = view(canvas=torch.zeros(2, 3, 16, 12), insets={"face": board.expand(2, 3, 64, 64)}, regions={"face": flat})
    assert CoarseL1(weight=1).values(shown).tolist() == [1, 1]
    assert CoarseL1(weight=1, size=16).values(shown).tolist() == [0, 0]
    assert CoarsePerceptual(weight=1, size=16).values(shown).tolist() == [0, 0]


@pytest.mark.parametrize("size", [0, 24, 128])
def test_coarse_sizes_that_do_not_divide_are_refused(size):
    with pytest.raises(UserError, match=f"size={size}"):
        CoarseL1(weight=1, size=size)


def test_border_l1_sees_the_band_of_the_composite(view):
    canvas = torch.zeros(2, 3, 16, 12)
    inset = torch.zeros(2, 3, 8, 8)
    inset[:, :, 0, 0] = 0.28  # one of the 28 outermost pixels; the band is 1 pixel thick on a box of 8
    inset[:, :, 4, 4] = 1
    shown = view(canvas=canvas, insets={"face": inset})
    assert torch.allclose(BorderL1(weight=1).values(shown), torch.full((2,), 0.01), atol=1e-6)
    assert torch.allclose(BorderEdge(weight=1).values(shown), torch.full((2,), 0.01), atol=1e-6)


def test_border_edge_is_the_outermost_row_of_a_thicker_band(view):
    inset = torch.zeros(1, 3, 32, 32)
    inset[:, :, 0] = 1
    region = Region.at(torch.tensor([[0, 0, 32, 32]]), (40, 40), (32, 32))
    shown = view(
        count=1,
        canvas=torch.zeros(1, 3, 40, 40),
        insets={"face": inset},
        regions={"face": region},
    )
    assert BorderEdge(weight=1).values(shown).item() == pytest.approx(32 / 124)
    assert BorderL1(weight=1).values(shown).item() == pytest.approx(32 / (32 * 32 - 24 * 24))


def test_body_l1_by_hand(view):
    shown = view(reference=torch.zeros(2, 3, 16, 12), canvas=torch.full((2, 3, 16, 12), 0.2))
    assert torch.allclose(BodyL1(weight=1).values(shown), torch.tensor([0.2, 0.2]))


def test_regularisers_by_hand(view, codes):
    average = torch.zeros(6)
    canvas = codes(torch.full((2, 6), 3.0), torch.zeros(2, 4, 6), average)
    face = codes(torch.full((2, 6), -1.0), torch.cat([torch.full((2, 1, 6), 2.0), torch.zeros(2, 3, 6)], 1), average)
    shown = view(latents={"canvas": canvas, "face": face})
    assert torch.allclose(MeanLatent(weight=1, sides=("canvas",)).values(shown), torch.full((2,), 3.0), atol=0.02)
    assert torch.allclose(MeanLatent(weight=1, sides=("inset",)).values(shown), torch.full((2,), 1.0), atol=0.02)
    assert torch.allclose(MeanLatent(weight=1).values(shown), torch.full((2,), 4.0), atol=0.03)
    assert OffsetNorm(weight=1, sides=("canvas",)).values(shown).tolist() == [0, 0]
    assert torch.allclose(OffsetNorm(weight=1, sides=["inset"]).values(shown), torch.full((2,), 0.5), atol=0.02)


def test_smooth_root_has_a_gradient_at_zero_and_is_the_norm_far_from_it():
    zero = torch.zeros(1, 4, requires_grad=True)
    smooth_root(zero.square().mean(-1), 0.01).sum().backward()
    assert zero.grad.tolist() == [[0, 0, 0, 0]]
    assert smooth_root(torch.tensor(12.5), 0.01).item() == pytest.approx(math.sqrt(12.5), abs=0.011)
    with pytest.raises(UserError, match="softness=0"):
        OffsetNorm(weight=1, softness=0)


def test_several_parts_add_up(view):
    single = view()
    double = view(
        insets={"face": single.insets.images["face"], "other": single.insets.images["face"]},
        regions={"face": single.locations.regions["face"], "other": single.locations.regions["face"]},
    )
    assert torch.allclose(CoarseL1(weight=1).values(double), 2 * CoarseL1(weight=1).values(single))


@pytest.mark.parametrize("term", ALL)
def test_samples_do_not_influence_each_other(view, term):
    both = term(weight=1).values(view())
    assert both.shape == (2,)
    shown = view()
    changed = shown.canvas.image.clone()
    changed[1] = torch.nan
    assert torch.equal(term(weight=1).values(shown.drawn(changed))[0], both[0])


@pytest.mark.parametrize("term", ALL)
def test_gradients_are_right(view, codes, term):
    shown = view(count=1, dtype=torch.float64)
    average = shown.latents["canvas"].generator.mapping.w_avg
    inputs = [
        shown.canvas.image,
        shown.insets.images["face"],
        *(shown.latents[name].tensors[kind] for name in ("canvas", "face") for kind in ("shared", "delta")),
    ]

    def value(canvas, inset, *latents):
        moved = {"canvas": codes(*latents[:2], average), "face": codes(*latents[2:], average)}
        return term(weight=1).values(
            view(count=1, dtype=torch.float64, canvas=canvas, insets={"face": inset}, latents=moved)
        )

    assert torch.autograd.gradcheck(
        value, [x.clone().requires_grad_() for x in inputs], eps=1e-7, atol=1e-5, fast_mode=True
    )


@pytest.mark.parametrize("sides", [(), ("face",), ("canvas", "both")])
def test_unknown_sides_are_refused(sides):
    with pytest.raises(ValueError, match="sides"):
        CoarseL1(weight=1, sides=sides)


def test_soft_l1_by_hand():
    distances = torch.tensor([0.0, 0.01, -0.02, 0.1, -1.0])
    assert torch.equal(soft_l1(distances, torch.zeros(5)), distances.abs())
    expected = torch.tensor([0, 0.01**2 / 0.04, 0.01, 0.09, 0.99])
    assert torch.allclose(soft_l1(distances, torch.zeros(5), 0.02), expected)


@pytest.mark.parametrize("term", [CoarseL1, BorderL1, BorderEdge, BodyL1])
def test_softness_rounds_every_l1_term_off(view, term):
    shown = view(
        canvas=torch.zeros(2, 3, 16, 12),
        insets={"face": torch.full((2, 3, 8, 8), 0.01)},
        reference=torch.full((2, 3, 16, 12), 0.01),
    )
    assert torch.allclose(term(weight=1).values(shown), torch.tensor(0.01))
    assert torch.allclose(term(weight=1, softness=0.02).values(shown), torch.tensor(0.0025), atol=1e-6)
    with pytest.raises(UserError, match=r"softness=-0\.1"):
        term(weight=1, softness=-0.1)


def test_masked_l1_of_an_empty_mask_is_zero():
    ours, theirs = torch.ones(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    assert masked_l1(ours, theirs, torch.zeros(1, 1, 4, 4, dtype=torch.bool)).item() == 0
