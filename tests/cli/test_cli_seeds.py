import pytest
from hypothesis import given
from hypothesis import strategies as st

from insetgan.cli.seeds import parse_seeds
from insetgan.runtime.errors import UserError


@pytest.mark.parametrize(
    ("given_", "expected"),
    [("0-3", [0, 1, 2, 3]), ("7", [7]), (7, [7]), ("1,5,8-9", [1, 5, 8, 9]), ([4, "6-7"], [4, 6, 7]), ("3-3", [3])],
)
def test_forms(given_, expected):
    assert parse_seeds(given_) == expected


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ("9-3", "3-9"),
        ("a", "'a'"),
        ("", "''"),
        ([], "at least one"),
        ("1,1", "twice"),
        ("0-2,1", "twice"),
        ("-4", "-4"),
    ],
)
def test_mistakes_say_what_is_wrong(given_, says):
    with pytest.raises(UserError, match=says):
        parse_seeds(given_)


def test_a_huge_range_is_refused_before_it_is_made():
    with pytest.raises(UserError, match="at most 1000000"):
        parse_seeds("0-4000000000")


@pytest.mark.parametrize("given_", ["0-999998,1000000-1000001", "0-599999,700000-1199999", ["0-999999", 1000000]])
def test_the_limit_holds_for_all_ranges_together(given_):
    with pytest.raises(UserError, match="at most 1000000 a run"):
        parse_seeds(given_)
    assert len(parse_seeds("0-599999,700000-1099999")) == 1_000_000


@pytest.mark.timeout(60)
def test_a_seed_named_twice_behind_many_does_not_take_hours():
    with pytest.raises(UserError, match="999998 is named twice"):
        parse_seeds("0-999998,999998")


def test_a_seed_of_thousands_of_digits_is_refused():
    with pytest.raises(UserError, match="neither a seed nor a range"):
        parse_seeds("9" * 5000)


def test_seed_must_suit_numpy():
    assert parse_seeds(2**32 - 1) == [2**32 - 1]
    with pytest.raises(UserError, match="larger"):
        parse_seeds(2**32)


@given(st.lists(st.integers(0, 10**6), min_size=1, unique=True))
def test_any_list_comes_back(seeds):
    assert parse_seeds(",".join(map(str, seeds))) == seeds


def test_seeds_may_come_again_where_samples_may_start_alike():
    assert parse_seeds([1, 1, "0-1"], unique=False) == [1, 1, 0, 1]
    with pytest.raises(UserError, match="1 is named twice"):
        parse_seeds([1, 1])
