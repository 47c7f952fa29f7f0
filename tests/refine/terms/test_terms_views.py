import pytest
import torch

from insetgan.refine.terms.body import BodyPerceptual
from insetgan.refine.terms.border import BorderPerceptual
from insetgan.refine.terms.coarse import CoarsePerceptual
from insetgan.refine.terms.part import PartPerceptual
from insetgan.refine.terms.ramp import Ramp


def test_one_feature_pass_an_image_serves_all_terms(view):
    shown = view()
    for term in (CoarsePerceptual, BorderPerceptual):
        term(weight=1).values(shown)
    assert shown.insets.drawn.perceptual.calls == 2  # canvas crop and inset


def test_a_new_canvas_leaves_what_the_insets_have_made(view):
    shown = view()
    pasted, small = shown.insets.pasted["face"], shown.insets.small
    outside, held = shown.locations.outside, shown.canvas.reference.features
    moved = shown.drawn(canvas=shown.canvas.image + 1)
    assert torch.allclose(moved.canvas.crops.images["face"], shown.canvas.crops.images["face"] + 1, atol=1e-5)
    assert moved.insets.pasted["face"] is pasted and moved.insets.small is small
    assert moved.locations.outside is outside and moved.canvas.reference.features is held


def test_new_insets_leave_what_the_canvas_has_made(view):
    shown = view()
    crop, small = shown.canvas.crops, shown.insets.small
    moved = shown.drawn(insets={"face": shown.insets.images["face"] + 1})
    assert moved.canvas.crops is crop and moved.insets.small is not small
    assert torch.allclose(moved.insets.pasted["face"], shown.insets.pasted["face"] + 1, atol=1e-5)


def test_a_new_layout_moves_everything_but_what_has_no_place(view):
    shown = view()
    small, held = shown.insets.small, shown.canvas.reference.features
    elsewhere = view(box=(0, 0, 8, 8)).locations
    moved = shown.moved(elsewhere)
    assert torch.equal(moved.canvas.windows["face"], shown.canvas.image[:, :, :8, :8])
    assert moved.locations.outside[:, :, :8, :8].max() == 0 and moved.locations.outside[:, :, 8:].min() == 1
    assert not torch.equal(moved.canvas.crops.images["face"], shown.canvas.crops.images["face"])
    assert moved.insets.small is small and moved.canvas.reference.features is held


def test_features_of_the_outside_follow_canvas_boxes_and_reference(view):
    shown = view()
    once = [shown.canvas.outside_features]
    once.append(shown.drawn(canvas=shown.canvas.image + 1).canvas.outside_features)
    once.append(shown.moved(view(box=(0, 0, 8, 8)).locations).canvas.outside_features)
    once.append(shown.drawn(canvas=shown.canvas.image + 1).holding(canvas=True, insets=False).canvas.outside_features)
    for first, one in enumerate(once):
        for other in once[:first]:
            assert not torch.equal(one[0], other[0])


def test_what_is_held_is_what_is_drawn_now(view):
    shown = view()
    held = shown.holding(canvas=True, insets=True)
    assert torch.equal(held.canvas.reference.image, shown.canvas.image)
    assert torch.equal(held.insets.reference.images["face"], shown.insets.images["face"])
    assert BodyPerceptual(weight=1).values(held).max() == 0 < BodyPerceptual(weight=1).values(shown).min()
    assert PartPerceptual(weight=1).values(held).max() == 0 < PartPerceptual(weight=1).values(shown).min()
    assert shown.holding(canvas=False, insets=False) is shown


def test_features_of_several_parts_come_from_one_pass_and_are_each_their_own(view):
    single = view()
    insets = {"face": single.insets.images["face"], "other": single.insets.images["face"].flip(3)}
    regions = dict.fromkeys(insets, single.locations.regions["face"])
    double = view(insets=insets, regions=regions)
    for part, image in insets.items():
        alone = view(insets={"face": image}).insets.small.features["face"]
        together = double.insets.small.features[part]
        assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(alone, together, strict=True))
    assert double.insets.drawn.perceptual.calls == 1


def test_perceptual_terms_say_that_they_need_a_network(view):
    with pytest.raises(ValueError, match="perceptual network"):
        CoarsePerceptual(weight=1).values(view(perceptual=None))


def test_ramp_rises_linearly_and_is_full_at_its_end():
    ramp = Ramp(begin=0.2, end=0.6)
    assert [ramp.at(p) for p in (0, 0.2, 0.6, 1)] == [0, 0, 1, 1]
    assert ramp.at(0.3) == pytest.approx(0.25)
    assert Ramp().at(0) == 1


def test_a_ramp_without_length_jumps():
    assert [Ramp(begin=0.75, end=0.75).at(p) for p in (0, 0.74, 0.75, 1)] == [0, 0, 1, 1]


@pytest.mark.parametrize(("begin", "end"), [(-0.1, 0.5), (0.6, 0.5), (0.5, 1.1)])
def test_ramps_that_never_fill_up_are_refused(begin, end):
    with pytest.raises(ValueError, match=r"^(begin|end)="):
        Ramp(begin=begin, end=end)
