import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insetgan.data.archive import PEOPLE, Archive
from insetgan.data.parts_json import decode_runs


def test_runs_by_hand():
    assert decode_runs("1 3 2", 2, 3).tolist() == [[False, True, True], [True, False, False]]
    assert decode_runs("0 1 1", 1, 2).tolist() == [[True, False]]
    assert not decode_runs("4", 2, 2).any()


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5).filter(lambda runs: sum(runs) != 12))
def test_runs_that_do_not_fill_the_box_are_refused(runs):
    with pytest.raises(ValueError, match="12"):
        decode_runs(" ".join(map(str, runs)), 3, 4)


@pytest.mark.parametrize("runs", ["99999999999999999999", "9223372036854775807 9223372036854775807 14", "-1 13", ""])
def test_runs_beyond_any_box_are_refused_and_not_summed_around(runs):
    with pytest.raises(ValueError, match="12"):
        decode_runs(runs, 3, 4)


def test_the_archive_of_the_package_has_the_old_form_and_reads():
    people = Archive(PEOPLE)
    x0, y0, x1, y1 = people.boxes(0)["face"]
    mask = people.mask(0, "face")
    rows, columns = np.nonzero(mask)
    assert people.parts[0] == "face" and len(people) > 4000
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (x0, y0, x1, y1)
