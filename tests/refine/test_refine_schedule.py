import re
from functools import partial
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore

from insetgan.cli.refine_config import RefineConfig
from insetgan.cli.refine_parts import build_schedule
from insetgan.cli.rules import register_rules
from insetgan.cli.schema import schema_of
from insetgan.refine.schedule import Schedule, Stage
from insetgan.runtime.errors import UserError

CONF = Path(__file__).resolve().parents[2] / "conf"
plain = partial(Schedule, stages=(Stage(),), ramp_down=0.5, detect_until=0.6, tolerance=0.0)
"""A schedule of one stage, which never stops early."""


def test_sides_take_turns_in_blocks():
    schedule = plain(steps=8, block=3, first="canvas")
    assert [schedule.active(i)[0] for i in range(8)] == ["canvas"] * 3 + ["inset"] * 3 + ["canvas"] * 2


def test_rates_rise_hold_and_fall_to_zero():
    schedule = plain(steps=100, canvas_rate=1.0, inset_rate=2.0, ramp_up=0.1, ramp_down=0.25)
    rates = [schedule.rate(i, "canvas") for i in range(100)]
    assert rates[0] == pytest.approx(0.05) and rates[4] == pytest.approx(0.45)
    assert rates[10:74] == [1.0] * 64
    assert rates[87] == pytest.approx(0.5, abs=0.01)  # half way down the cosine
    assert rates[99] < 0.001 and sorted(rates[75:], reverse=True) == rates[75:]
    assert schedule.rate(50, "inset") == 2


def test_rates_can_be_constant():
    schedule = plain(steps=3, canvas_rate=0.1, ramp_up=0, ramp_down=0)
    assert [schedule.rate(i, "canvas") for i in range(3)] == [0.1] * 3


def test_boxes_stand_still_in_the_end():
    schedule = plain(steps=10, detect_until=0.6)
    assert [schedule.may_detect(i) for i in (0, 5, 6, 9)] == [True, True, False, False]


def test_one_side_alone_is_always_on():
    schedule = plain(steps=8, block=3, sides=("inset",), first="canvas")
    assert {schedule.active(i) for i in range(8)} == {("inset",)}


def test_both_sides_may_move_together():
    assert {plain(steps=8, together=True).active(i) for i in range(8)} == {("canvas", "inset")}


def test_stages_have_their_sides_rates_and_looks():
    stages = (Stage(until=0.25, sides=("inset",), rate=0.5, detect=False), Stage(until=1.0))
    schedule = plain(
        steps=40, block=5, stages=stages, inset_rate=1.0, canvas_rate=2.0, ramp_up=0, ramp_down=0, detect_until=1
    )
    assert [schedule.stage(i) for i in (0, 9, 10, 39, 40)] == [0, 0, 1, 1, 1]
    assert {schedule.active(i) for i in range(10)} == {("inset",)}
    assert [schedule.active(i) for i in (10, 14, 15, 20)] == [("inset",), ("inset",), ("canvas",), ("inset",)]
    assert [schedule.rate(i, "inset") for i in (0, 9, 10)] == [0.5, 0.5, 1.0]
    assert [schedule.may_detect(i) for i in (9, 10)] == [False, True]
    alone = plain(steps=40, stages=stages, sides=("canvas",))
    assert alone.active(0) == ()


def test_every_stage_has_its_own_ramps():
    schedule = plain(steps=40, stages=(Stage(until=0.5), Stage(until=1.0)), inset_rate=1.0, ramp_up=0.1, ramp_down=0.25)
    rates = [schedule.rate(i, "inset") for i in range(40)]
    assert rates[:20] == pytest.approx(rates[20:])
    assert rates[0] == pytest.approx(0.25) and rates[10] == 1 and rates[19] < 0.05


def test_references_are_renewed_at_their_fraction():
    schedule = plain(steps=400, renew_canvas=0.1875, renew_inset=0.3)
    assert {i: schedule.renewed(i) for i in range(400) if schedule.renewed(i)} == {75: ("canvas",), 120: ("inset",)}


def test_samples_may_stop_at_the_end_of_blocks_of_the_last_stage():
    stages = (Stage(until=0.5), Stage(until=1.0))
    schedule = plain(steps=40, block=5, stages=stages, patience=8, tolerance=0.1)
    assert [i for i in range(40) if schedule.may_stop(i)] == [29, 34, 39]
    assert not any(plain(steps=40, patience=1).may_stop(i) for i in range(40))


@pytest.mark.parametrize(
    "ends",
    [[], [0.5], [0.5, 0.5, 1.0], [0.0, 1.0], [0.7, 0.5, 1.0]],
)
def test_stages_must_rise_to_the_end(ends):
    with pytest.raises(UserError, match=r"^(stages|until)"):
        plain(stages=tuple(Stage(until=end) for end in ends))


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
        {"sides": ()},
        {"sides": ("face",)},
        {"patience": 0},
        {"tolerance": 2},
        {"renew_canvas": 1.0},
    ],
)
def test_values_that_make_no_run_are_named(wrong):
    (key,) = wrong
    with pytest.raises(UserError, match=f"^{key}(\\.0)?="):
        plain(**wrong)


def test_a_schedule_in_python_is_the_one_of_refine_py():
    ConfigStore.instance().store(name="refine_schema", node=schema_of(RefineConfig))
    register_rules()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("refine", ["schedule.block=7"])
    assert build_schedule(config) == Schedule(block=7)
    assert build_schedule(config).stages == Schedule().stages
    text = (CONF / "schedule/alternate.yaml").read_text()
    assert not re.search(r"^\w+: ", text, re.M), "values stand on the class alone"
