import sys

import pytest
import torch

from insetgan.metrics.discriminative import discriminative_scores
from insetgan.runtime.errors import UserError


def column(*values):
    return torch.tensor(values, dtype=torch.float32).view(-1, 1)


def test_sets_that_a_line_parts_score_nothing():
    assert discriminative_scores(column(4, 5, 6), column(-4, -5, -6)) == (0, 0)


def test_scores_by_hand():
    # The line lies between -1 and 1, real above: one real one of four and one fake one of four are on the wrong side.
    # Pairs (real, fake): (2, -2), (2, -3), (3, -2), (-4, 4); the fake one looks more real in the last.
    paired, unpaired = discriminative_scores(column(2, 2, 3, -4), column(-2, -3, -2, 4))
    assert unpaired == pytest.approx(2 / 8)
    assert paired == pytest.approx(1 / 4)


def test_pairs_are_those_of_the_same_place():
    real, fake = column(2, 2, 3, -4), column(4, -3, -2, -2)
    # (2, 4): yes; (2, -3), (3, -2): no; (-4, -2): yes.
    assert discriminative_scores(real, fake)[0] == pytest.approx(2 / 4)


def test_sets_of_one_kind_cannot_be_told_apart():
    points = torch.randn(400, 2)
    paired, unpaired = discriminative_scores(points[:200], points[200:])
    assert paired == pytest.approx(0.5, abs=0.1)
    assert unpaired == pytest.approx(0.5, abs=0.1)
    assert discriminative_scores(points, points)[1] == pytest.approx(0.5)


def test_as_many_are_taken_of_each():
    real, fake = column(2, 2, 3, -4), column(-2, -3, -2, 4, 9, 9, 9, 9)
    assert discriminative_scores(real, fake) == discriminative_scores(real, fake[:4])


def test_without_scikit_learn_one_line_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.svm", None)
    with pytest.raises(UserError, match=r"pip install -e '\.\[metrics\]'"):
        discriminative_scores(column(1), column(2))
