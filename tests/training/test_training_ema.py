import pytest
import torch
from torch import nn

from insetgan.training.ema import ema_beta, update_ema


def test_half_a_change_arrives_in_a_half_life():
    beta = ema_beta(8, 10**9, half_life_kimg=4, ramp_up=None)
    assert beta ** (4000 / 8) == pytest.approx(0.5)


def test_ramp_up_shortens_the_half_life_and_starts_with_a_copy():
    assert ema_beta(8, 16_000, half_life_kimg=10, ramp_up=0.05) == pytest.approx(0.5 ** (8 / 800))
    assert ema_beta(8, 10**9, half_life_kimg=10, ramp_up=0.05) == pytest.approx(0.5 ** (8 / 10_000))
    assert ema_beta(8, 0, half_life_kimg=10, ramp_up=0.05) == 0


def test_parameters_are_interpolated_and_buffers_copied():
    average, current = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    nn.init.constant_(current.weight, 5.0)
    current.running_mean.fill_(7.0)
    update_ema(average, current, 0.75)
    torch.testing.assert_close(average.weight.data, torch.full((2,), 2.0))
    torch.testing.assert_close(average.running_mean, torch.full((2,), 7.0))
    update_ema(average, current, 0.0)
    torch.testing.assert_close(average.weight.data, current.weight.data)


def test_in_place_changes_are_seen_by_whoever_watches_versions():
    average, current = nn.Linear(2, 2), nn.Linear(2, 2)
    before = average.weight._version
    update_ema(average, current, 0.5)
    assert average.weight._version > before
