"""Holes: what is known and what is not."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from insetgan.completion.holes import KINDS, MARGINS, OFFSET, Holes, body_hole, face_hole, free_hole, surroundings_hole
from insetgan.runtime.errors import UserError

FACE = (48.0, 12.0, 78.0, 44.0)  # in 256 x 128
sizes = st.tuples(st.integers(2, 80), st.integers(2, 80))


def box_of(mask):
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


@given(sizes, st.integers(0, 2**32 - 1), st.data())
@settings(max_examples=200, deadline=None)
def test_something_is_known_and_something_is_not_whatever_the_face(size, seed, data):
    height, width = size
    x0, y0 = data.draw(st.floats(0, width - 1)), data.draw(st.floats(0, height - 1))
    x1, y1 = data.draw(st.floats(x0 + 0.5, width)), data.draw(st.floats(y0 + 0.5, height))
    for kind in KINDS:
        known = Holes({kind: 1}).known(height, width, torch.tensor([[x0, y0, x1, y1]]), [seed])
        assert known.shape == (1, 1, height, width)
        assert set(known.unique().tolist()) == {0.0, 1.0}


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_the_face_hole_is_a_square_near_the_face(seed):
    hole = ~face_hole(256, 128, FACE, np.random.default_rng(seed))
    x0, y0, x1, y1 = box_of(hole)
    assert hole.sum() == (x1 - x0) * (y1 - y0)
    side = x1 - x0
    assert side == y1 - y0
    assert 32 * (1 + 2 * MARGINS[0]) - 1 <= side <= 32 * (1 + 2 * MARGINS[1]) + 1
    assert abs((x0 + x1) / 2 - 63) <= OFFSET * side + 1
    assert abs((y0 + y1) / 2 - 28) <= OFFSET * side + 1


def test_offsets_spread_to_both_sides():
    centres = [box_of(~face_hole(256, 128, FACE, np.random.default_rng(seed)))[0] for seed in range(100)]
    assert max(centres) - min(centres) >= 8


def test_surroundings_are_what_the_face_hole_leaves():
    for seed in range(5):
        known = surroundings_hole(256, 128, FACE, np.random.default_rng(seed))
        assert np.array_equal(known, ~face_hole(256, 128, FACE, np.random.default_rng(seed)))


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_the_body_hole_is_a_rectangle_below_the_face(seed):
    hole = ~body_hole(256, 128, FACE, np.random.default_rng(seed))
    x0, y0, x1, y1 = box_of(hole)
    assert hole.sum() == (x1 - x0) * (y1 - y0)
    assert 44 - 0.1 * 32 - 1 <= y0 <= 44 + 0.3 * 32 + 1
    assert y1 >= 256 - 32 - 1
    assert x0 <= 63 - 31
    assert x1 >= 63 + 31


def test_free_holes_cover_little_and_much():
    shares = [free_hole(64, 64, None, np.random.default_rng(seed)).mean() for seed in range(200)]
    assert min(shares) < 0.1
    assert max(shares) > 0.9
    assert 0.2 < np.mean(shares) < 0.8


def test_a_seed_gives_its_hole_in_any_company():
    faces = torch.tensor([FACE, FACE, (50, 10, 70, 30)])
    holes = Holes()
    whole = holes.known(64, 128, faces, [5, 6, 7])
    assert torch.equal(whole[1:2], holes.known(64, 128, faces[1:2], [6]))
    assert torch.equal(whole, holes.known(64, 128, faces, [5, 6, 7]))
    assert not torch.equal(whole[0], whole[1])


def test_kinds_are_drawn_as_often_as_their_weights_say():
    faces = torch.tensor([FACE]).expand(400, 4)
    known = Holes({"face": 3, "surroundings": 1}).known(256, 128, faces, range(400))
    mostly = (known.mean((1, 2, 3)) > 0.5).float().mean()
    assert 0.68 < float(mostly) < 0.82
    assert not (Holes({"face": 1, "free": 0}).known(256, 128, faces[:50], range(50)).mean((1, 2, 3)) < 0.9).any()


def test_without_a_face_holes_are_free():
    unseen = torch.zeros(1, 4)
    assert torch.equal(Holes({"face": 1}).known(32, 16, unseen, [3]), Holes({"free": 1}).known(32, 16, unseen, [3]))


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"nose": 1}, "holes.nose: no such kind"),
        ({"face": -1}, "holes.face=-1: must be"),
        ({"face": 0}, "one kind must have a weight above 0"),
        ({"face": "much"}, "holes.face=much: must be"),
        ({"face": float("nan")}, "holes.face=nan: must be"),
    ],
)
def test_impossible_holes_are_refused(weights, said):
    with pytest.raises(UserError, match=said):
        Holes(weights)
