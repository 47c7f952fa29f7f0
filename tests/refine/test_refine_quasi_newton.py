import pytest
import torch

from insetgan.refine.quasi_newton import QuasiNewton
from insetgan.refine.schedule import Schedule, Stage
from insetgan.refine.solver import refine
from insetgan.runtime.settings import SettingError

SCALES = torch.tensor([1.0, 30.0, 0.05, 4.0])


def bowl(leaf):
    """A bowl of very different curvatures round (1, -2, 3, 0.5), each sample deeper than the one before."""
    centre = torch.tensor([1.0, -2.0, 3.0, 0.5])
    return (1 + torch.arange(len(leaf))) * ((leaf - centre).square() * SCALES).sum(1)


def descend(newton, leaf, steps, loss_of=bowl, follow=None, unit=1.0):
    losses = []
    for _ in range(steps):
        leaf.requires_grad_()
        loss = loss_of(leaf)
        (gradient,) = torch.autograd.grad(loss.sum(), leaf)
        leaf.requires_grad_(False)
        losses.append(loss.detach())
        newton.step(
            loss.detach(), [gradient], [unit], torch.ones(len(leaf), dtype=torch.bool) if follow is None else follow
        )
    return torch.stack(losses)


def test_a_bowl_is_left_at_its_lowest_point():
    leaf = torch.zeros(3, 4)
    losses = descend(QuasiNewton([leaf]), leaf, 30)
    assert bool((losses.amin(0) < 1e-4).all()) and float(losses[0].amin()) > 100


def test_the_first_step_goes_down_the_slope_by_a_third_of_the_longest():
    leaf = torch.zeros(2, 4)
    descend(QuasiNewton([leaf]), leaf, 1, unit=0.6)
    assert torch.allclose(leaf.square().mean(1).sqrt(), torch.full((2,), 0.2))
    assert bool((leaf[0] * torch.tensor([1.0, -2.0, 3.0, 0.5]) > 0).all())


def test_no_step_is_longer_than_its_unit():
    leaf, before = torch.zeros(2, 4), torch.zeros(2, 4)
    newton = QuasiNewton([leaf])
    for _ in range(20):
        before.copy_(leaf)
        best = newton.tensors()["point"].clone()
        descend(newton, leaf, 1, unit=0.1)
        start = newton.tensors()["point"]
        assert bool(((leaf - start).square().mean(1).sqrt() <= 0.1001).all()), best


def test_a_step_that_makes_it_worse_is_tried_again_shorter():
    leaf = torch.zeros(1, 4)
    newton = QuasiNewton([leaf])
    descend(newton, leaf, 1, unit=300.0)  # far beyond the lowest point
    first = leaf.clone()
    descend(newton, leaf, 1, unit=300.0)
    assert not newton.tensors()["point"].any(), "it is where it began"
    assert float(leaf.norm()) < float(first.norm())


def test_samples_do_not_influence_each_other_and_some_may_stand():
    together, alone = torch.zeros(3, 4), torch.zeros(1, 4)
    descend(QuasiNewton([together]), together, 12, follow=torch.tensor([True, False, True]))
    descend(QuasiNewton([alone]), alone, 12)
    assert torch.allclose(together[:1], alone, atol=1e-5)
    assert not together[1].any()


def test_it_goes_on_from_what_it_remembers():
    whole, broken = torch.zeros(2, 4), torch.zeros(2, 4)
    descend(QuasiNewton([whole], 3), whole, 9)
    first = QuasiNewton([broken], 3)
    descend(first, broken, 5)
    again = QuasiNewton([broken], 3)
    again.load({name: tensor.clone() for name, tensor in first.tensors().items()})
    descend(again, broken, 4)
    assert torch.equal(whole, broken)
    with pytest.raises(ValueError, match="shape"):
        again.load({**first.tensors(), "steps": torch.zeros(1)})


def test_a_refinement_by_it_beats_adam_and_resumes_exactly(problem, objective):
    options = {"steps": 25, "together": True, "stages": (Stage(),), "tolerance": 0.0}
    newton = Schedule(optimizer="lbfgs", canvas_rate=0.05, inset_rate=0.1, **options)
    given, terms, states = problem(), objective(), []
    whole = refine(given, terms, newton, on_step=lambda step: states.append(step.state()))
    adam = refine(given, terms, Schedule(**options))
    assert bool((whole.total < adam.total).all())
    again = refine(given, terms, newton, state=states[11])
    assert torch.equal(again.refined, whole.refined)
    alone = refine(problem((1,)), terms, newton)
    assert torch.allclose(alone.total, whole.total[1:2], rtol=1e-3)


@pytest.mark.parametrize(
    "changes", [{"together": False}, {"stages": (Stage(until=0.5), Stage())}, {"renew_canvas": 0.5}]
)
def test_a_function_that_changes_is_refused(changes):
    with pytest.raises(SettingError, match="optimizer"):
        Schedule(**{"optimizer": "lbfgs", "together": True, "stages": (Stage(),), **changes})
