"""Random variables as quantiles."""

import math

import pytest
import torch

from insetgan.training.augment.table import CENTRED, CHOICE, NORMAL, PLACE, SPREAD, Table, Variable

VARIABLES = (
    Variable("normal", 1, NORMAL, 0.2, count=2),
    Variable("choice", 1, CHOICE, 4),
    Variable("never", 0, CENTRED, 1),
    Variable("centred", 0.5, CENTRED, 3),
    Variable("place", 1, PLACE, 1),
    Variable("spread", 1, SPREAD, 0.1),
    Variable("either", 1, CENTRED, 1, either=True),
)


@pytest.fixture
def table():
    return Table(VARIABLES)


def drawn_at(table, number, p=1.0, gate=0.0, dtype=torch.float64):
    uniforms = torch.full((1, table.columns), number, dtype=dtype)
    uniforms[:, : table.gates] = gate
    return table(uniforms, torch.tensor(p))


def test_columns_are_a_gate_a_variable_and_a_column_a_value(table):
    assert (table.gates, table.columns) == (6, 13)
    taken = [table.columns_of(v.name) for v in VARIABLES if v.name != "never"]
    gates, values = [gate for gate, _ in taken], [column for _, columns in taken for column in columns]
    assert sorted(gates + values) == list(range(13))
    assert len(table.columns_of("normal")[1]) == 2


@pytest.mark.parametrize(
    ("name", "number", "value"),
    [
        ("centred", 0.25, -1.5),
        ("place", 0.25, 0.25),
        ("choice", 0.74, 2),
        ("choice", 0.76, 3),
        ("normal", 0.5, 0),
        ("normal", 0.8413447460685429, 0.2),  # one standard deviation up
        ("normal", 0.0227501319481792, -0.4),  # two down
        ("spread", 0.6826894921370859, 0.1),  # two thirds are within one
        ("spread", 1e-9, 0),
    ],
)
def test_quantiles(table, name, number, value):
    assert drawn_at(table, number).values[name][0].tolist() == pytest.approx(
        [value] * (1 + (name == "normal")), abs=1e-7
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("number", [0.0, 1.0])
def test_the_ends_stay_finite(table, number, dtype):
    drawn = drawn_at(table, number, dtype=dtype)
    assert all(values.isfinite().all() and (values.abs() < 6).all() for values in drawn.values.values())
    assert drawn.values["choice"] in (0, 3)


def test_normal_values_have_their_standard_deviation(table):
    uniforms = torch.rand(20_000, table.columns, generator=torch.Generator().manual_seed(0))
    drawn = table(uniforms, torch.tensor(1e6))  # everything is done
    assert drawn.values["normal"].std(0).tolist() == pytest.approx([0.2, 0.2], rel=0.03)
    assert drawn.values["spread"].square().mean().sqrt() == pytest.approx(0.1, rel=0.03)


def test_a_gate_opens_below_p_times_the_multiplier(table):
    for gate, opens in ((0.199, True), (0.201, False)):
        drawn = drawn_at(table, 0.9, p=0.4, gate=gate)
        assert bool(drawn.done["centred"]) is opens
        assert (drawn.values["centred"] != 0).item() is opens
    assert drawn_at(table, 0.9, p=0.4, gate=0.39).done["place"]


def test_one_of_two_happens_with_the_probability_of_one(table):
    p = 0.36
    chance = 1 - math.sqrt(1 - p)
    assert 1 - (1 - chance) ** 2 == pytest.approx(p)
    assert drawn_at(table, 0.9, p=p, gate=chance - 1e-6).done["either"]
    assert not drawn_at(table, 0.9, p=p, gate=chance + 1e-6).done["either"]


def test_nothing_is_done_at_p_zero_nor_left_out_at_one(table):
    assert not any(drawn_at(table, 0.9, p=0.0, gate=0.0).done.values())
    done = drawn_at(table, 0.9, p=1.0, gate=1 - 2**-24).done
    assert [name for name in done if not done[name]] == ["centred"]  # the one of half the probability


def test_nothing_to_keep_in_a_checkpoint(table):
    assert not table.state_dict()
