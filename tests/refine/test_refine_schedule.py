import pytest

from insetgan.errors import UserError
from insetgan.refine.schedule import Schedule


def test_sides_take_turns_in_blocks():
    schedule = Schedule(steps=8, block=3, first="canvas")
    assert [schedule.active(i)[0] for i in range(8)] == ["canvas"] * 3 + ["inset"] * 3 + ["canvas"] * 2


def test_rates_rise_hold_and_fall_to_zero():
    schedule = Schedule(steps=100, canvas_rate=1.0, inset_rate=2.0, ramp_up=0.1, ramp_down=0.25)
    rates = [schedule.rate(i, "canvas") for i in range(100)]
    assert rates[0] == pytest.approx(0.05) and rates[4] == pytest.approx(0.45)
    assert rates[10:74] == [1.0] * 64
    assert rates[87] == pytest.approx(0.5, abs=0.01)  # half way down the cosine
    assert rates[99] < 0.001 and sorted(rates[75:], reverse=True) == rates[75:]
    assert schedule.rate(50, "inset") == 2


def test_rates_can_be_constant():
    schedule = Schedule(steps=3, canvas_rate=0.1, ramp_up=0, ramp_down=0)
    assert [schedule.rate(i, "canvas") for i in range(3)] == [0.1] * 3


def test_boxes_stand_still_in_the_end():
    schedule = Schedule(steps=10, detect_until=0.6)
    assert [schedule.may_detect(i) for i in (0, 5, 6, 9)] == [True, True, False, False]


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": -1},
        {"block": 0},
        {"detect_every": 0},
        {"canvas_rate": -0.1},
        {"inset_rate": float("nan")},
        {"ramp_down": 1.5},
        {"first": "face"},
    ],
)
def test_values_that_make_no_run_are_named(wrong):
    (key,) = wrong
    with pytest.raises(UserError, match=f"schedule.{key}="):
        Schedule(**wrong)
