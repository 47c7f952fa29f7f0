import pytest
import torch

from insetgan.ops.regions import Region
from insetgan.refine.terms.border import BorderPerceptual
from insetgan.refine.terms.coarse import CoarsePerceptual
from insetgan.refine.terms.ramp import Ramp


def test_one_feature_pass_a_picture_serves_all_terms(scene):
    context = scene()
    for term in (CoarsePerceptual, BorderPerceptual):
        term(weight=1).values(context)
    assert context.perceptual.calls == 2  # canvas crop and inset


def test_only_what_depends_on_a_change_is_made_again(scene):
    context = scene()
    crop, shrunk, pasted, outside = (
        context.crop("face"),
        context.shrunk("face"),
        context.pasted("face"),
        context.outside(),
    )
    reference = context.reference_features()
    context.update(canvas=context.canvas + 1)
    assert context.crop("face") is not crop
    assert context.shrunk("face") is shrunk and context.pasted("face") is pasted and context.outside() is outside
    context.update(insets={"face": context.insets["face"] + 1})
    assert context.shrunk("face") is not shrunk and context.pasted("face") is not pasted
    context.update(regions={"face": Region.at(torch.tensor([[0, 0, 8, 8]] * 2), (16, 12), (8, 8))})
    assert context.outside() is not outside
    assert context.reference_features() is reference


def test_perceptual_terms_say_that_they_need_a_network(scene):
    with pytest.raises(ValueError, match="perceptual network"):
        CoarsePerceptual(weight=1).values(scene(perceptual=None))


def test_ramp_rises_linearly_and_is_full_at_its_end():
    ramp = Ramp(begin=0.2, end=0.6)
    assert [ramp.at(p) for p in (0, 0.2, 0.6, 1)] == [0, 0, 1, 1]
    assert ramp.at(0.3) == pytest.approx(0.25)
    assert Ramp().at(0) == 1


def test_a_ramp_without_length_jumps():
    assert [Ramp(begin=0.75, end=0.75).at(p) for p in (0, 0.74, 0.75, 1)] == [0, 0, 1, 1]


@pytest.mark.parametrize(("begin", "end"), [(-0.1, 0.5), (0.6, 0.5), (0.5, 1.1)])
def test_ramps_that_never_fill_up_are_refused(begin, end):
    with pytest.raises(ValueError, match="ramp"):
        Ramp(begin=begin, end=end)
