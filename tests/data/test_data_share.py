import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from insetgan.data.share import Share
from insetgan.networks.discriminator import minibatch_std


@given(group=st.integers(1, 4), mine=st.integers(1, 3), processes=st.integers(1, 3), rounds=st.integers(1, 3))
def test_parts_hold_every_sample_once_and_cutting_twice_is_cutting_once(group, mine, processes, rounds):
    total = group * mine * processes * rounds
    pieces = [piece for rank in range(processes) for piece in Share(total, processes, rank, group).cut(rounds)]
    assert sorted(place for piece in pieces for place in piece.places) == list(range(total))
    samples = torch.arange(total)
    for rank in range(processes):
        whole = Share(total, processes, rank, group)
        for piece in whole.cut(rounds):
            assert piece.of(whole, samples[whole.places]).tolist() == piece.places
            assert len(piece.places) == piece.count == total // processes // rounds


@pytest.mark.parametrize("parts", [1, 2, 3, 6])
def test_minibatch_std_of_the_parts_is_that_of_the_whole(parts):
    x = torch.randn(24, 3, 2, 2)
    whole = minibatch_std(x, 4)
    for part in range(parts):
        places = Share(24, parts, part, group=4).places
        torch.testing.assert_close(minibatch_std(x[places], 4), whole[places])


def test_fewer_keeps_the_parts_apart_and_at_least_one_sample():
    halves = [Share(8, 2, part, group=4).fewer(2) for part in range(2)]
    assert [half.places for half in halves] == [[0, 1], [2, 3]]
    assert [Share(2, 2, part).fewer(4).places for part in range(2)] == [[0], [1]]


@pytest.mark.parametrize("wrong", [(9, 2, 0, 1), (8, 2, 2, 1), (8, 2, 0, 3), (0, 1, 0, 1)])
def test_what_cannot_be_cut_is_refused(wrong):
    with pytest.raises(ValueError, match=f"batch of {wrong[0]} into {wrong[1]} equal parts"):
        Share(*wrong)
