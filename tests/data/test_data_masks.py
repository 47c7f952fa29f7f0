import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from insetgan.data.masks import decode_mask, encode_mask


@settings(max_examples=60, deadline=None)
@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_run_lengths_round_trip(mask):
    assert np.array_equal(decode_mask(encode_mask(mask), *mask.shape), mask)


def test_run_lengths_by_hand():
    assert encode_mask(np.array([[0, 1, 1], [1, 0, 0]], bool)) == "1 3 2"
    assert encode_mask(np.array([[1, 0]], bool)) == "0 1 1"
    assert encode_mask(np.zeros((2, 2), bool)) == "4"


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5).filter(lambda runs: sum(runs) != 12))
def test_runs_that_do_not_fill_the_box_are_refused(runs):
    with pytest.raises(ValueError, match="12"):
        decode_mask(" ".join(map(str, runs)), 3, 4)


@pytest.mark.parametrize("runs", ["99999999999999999999", "9223372036854775807 9223372036854775807 14", "-1 13", ""])
def test_runs_beyond_any_box_are_refused_and_not_summed_around(runs):
    with pytest.raises(ValueError, match="12"):
        decode_mask(runs, 3, 4)
