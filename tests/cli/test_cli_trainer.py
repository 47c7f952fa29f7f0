"""What `auto` becomes on this machine."""

import os

import pytest
import torch
from omegaconf import OmegaConf

from insetgan.cli import trainer
from insetgan.cli.trainer import MOST_PROCESSES, build_trainer, settle

AUTO = {"accelerator": "auto", "devices": "auto", "precision": "auto"}


@pytest.mark.parametrize("fast", [True, False])
def test_auto_is_bf16_where_the_processor_is_fast_in_it(monkeypatch, fast):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: fast, raising=False)
    config = OmegaConf.create(AUTO | {"accelerator": "cpu"})
    settle(config, 100)
    assert config.precision == ("bf16-mixed" if fast else "32-true")


@pytest.mark.parametrize("accelerator", ["cpu", "auto"])
@pytest.mark.parametrize(
    ("processors", "blocks", "processes"), [(1, 9, 1), (2, 9, 2), (64, 9, MOST_PROCESSES), (64, 3, 3), (64, 1, 1)]
)
def test_auto_is_a_process_for_each_processor_that_has_something_to_do(
    monkeypatch, processors, blocks, processes, accelerator
):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)), raising=False)
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    config = OmegaConf.create(AUTO | {"accelerator": accelerator})
    settle(config, blocks)
    assert config.devices == processes


@pytest.mark.parametrize("accelerator", ["cpu", "gpu"])
def test_auto_is_one_process_in_a_sweep(monkeypatch, accelerator):
    monkeypatch.setattr(trainer, "in_sweep", lambda: True)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)), raising=False)
    config = OmegaConf.create(AUTO | {"accelerator": accelerator, "precision": "32-true"})
    settle(config, 100)
    assert config.devices == 1


def test_what_is_chosen_stays_and_a_gpu_has_lightnings_auto():
    chosen = {"accelerator": "cpu", "devices": 1, "precision": "32-true"}
    config = OmegaConf.create(chosen)
    settle(config, 100)
    assert config == chosen
    config = OmegaConf.create(AUTO | {"accelerator": "gpu", "precision": "bf16-mixed"})
    settle(config, 100)
    assert config.devices == "auto"


def test_settled_settings_make_a_trainer():
    config = OmegaConf.create(AUTO | {"accelerator": "cpu", "devices": 1})
    settle(config, 100)
    assert build_trainer(config).num_devices == 1
