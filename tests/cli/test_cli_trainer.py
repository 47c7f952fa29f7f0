"""What `auto` becomes on this machine, and how a run of several processes is counted."""

import os

import pytest
import torch
from omegaconf import OmegaConf

from insetgan.cli.trainer import MOST_PROCESSES, build_trainer, settle

AUTO = {"accelerator": "auto", "devices": "auto", "precision": "auto"}


@pytest.mark.parametrize("fast", [True, False])
def test_auto_is_bf16_where_the_processor_is_fast_in_it(monkeypatch, fast):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: fast, raising=False)
    config = OmegaConf.create(AUTO | {"accelerator": "cpu"})
    settle(config)
    assert config.precision == ("bf16-mixed" if fast else "32-true")


@pytest.mark.parametrize(("processors", "processes"), [(1, 1), (2, 2), (64, MOST_PROCESSES)])
def test_auto_is_a_process_for_each_processor(monkeypatch, processors, processes):
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    config = OmegaConf.create(AUTO | {"accelerator": "cpu"})
    settle(config)
    assert config.devices == processes


def test_what_is_chosen_stays_and_a_gpu_has_lightnings_auto():
    chosen = {"accelerator": "cpu", "devices": 1, "precision": "32-true"}
    config = OmegaConf.create(chosen)
    settle(config)
    assert config == chosen
    config = OmegaConf.create(AUTO | {"accelerator": "gpu", "precision": "bf16-mixed"})
    settle(config)
    assert config.devices == "auto"


def test_settled_settings_make_a_trainer():
    config = OmegaConf.create(AUTO | {"accelerator": "cpu", "devices": 1})
    settle(config)
    assert build_trainer(config).num_devices == 1
