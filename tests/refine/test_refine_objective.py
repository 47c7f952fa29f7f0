import math

import pytest
import torch

from insetgan.refine.objective import Objective
from insetgan.refine.terms.body import BodyL1
from insetgan.refine.terms.border import BorderL1
from insetgan.refine.terms.coarse import CoarseL1
from insetgan.refine.terms.ramp import Ramp
from insetgan.runtime.errors import UserError

OBJECTIVE = Objective(
    {
        "coarse": CoarseL1(weight=2, sides=("inset",)),
        "border": BorderL1(weight=10, ramp=Ramp(0.0, 0.5)),
        "body": BodyL1(weight=3),
        "off": CoarseL1(weight=0),
    }
)
VALUES = {"coarse": torch.tensor([1.0, 2.0]), "border": torch.tensor([0.5, 0.0]), "body": torch.tensor([1.0, 1.0])}


def test_total_is_the_sum_of_the_weighted_terms():
    assert OBJECTIVE.total(VALUES).tolist() == [2 + 5 + 3, 4 + 0 + 3]


def test_ramps_follow_the_progress():
    assert OBJECTIVE.total(VALUES, 0.25).tolist() == [2 + 2.5 + 3, 7]
    assert torch.equal(OBJECTIVE.total(VALUES, 0.5), OBJECTIVE.total(VALUES))


def test_terms_are_found_by_the_side_they_steer():
    assert OBJECTIVE.names() == ("coarse", "border", "body")
    assert OBJECTIVE.names(["canvas"]) == ("border", "body")
    assert OBJECTIVE.names(["inset"]) == ("coarse", "border")


def test_terms_act_in_their_stages():
    staged = Objective({"first": BorderL1(weight=1, stages=(0,)), "both": BorderL1(weight=1, sides=("canvas",))})
    assert staged.names(stage=0) == ("first", "both")
    assert staged.names(stage=1) == ("both",)
    assert staged.names(["inset"], stage=1) == ()
    assert staged.names() == ("first", "both")


def test_ramps_are_full_at_the_latest_of_them():
    assert [OBJECTIVE.full(progress) for progress in (0.0, 0.49, 0.5, 1.0)] == [False, False, True, True]
    assert Objective({"late": BorderL1(weight=1), "off": CoarseL1(weight=0, ramp=Ramp(0.9, 1.0))}).full(0.0)


@pytest.mark.parametrize("terms", [{}, {"border": BorderL1(weight=0)}])
def test_an_objective_of_nothing_is_refused(terms):
    with pytest.raises(UserError, match="nothing to minimise"):
        Objective(terms)


@pytest.mark.parametrize("weight", [-1, math.nan, math.inf])
def test_weights_that_mean_nothing_are_named(weight):
    with pytest.raises(UserError, match=r"^weight="):
        BorderL1(weight=weight)
