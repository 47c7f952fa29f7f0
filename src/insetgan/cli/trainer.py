"""A quiet Trainer from configuration."""

import logging
import os
import warnings
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from insetgan.cli.sweep import in_sweep
from insetgan.cli.terminal import PatientConsole
from insetgan.runtime.lightning import pl
from insetgan.runtime.precision import precision_of
from insetgan.runtime.threads import limit_threads, processors
from insetgan.runtime.torchvision_guard import guard
from insetgan.runtime.trainer import quiet_trainer

MOST_PROCESSES = 8
"""That `devices=auto` starts on a CPU; each has weights of its own in memory."""


def settle(config: DictConfig, blocks: int) -> None:
    """Put what this machine is good at in the place of `auto`, so that all readers of the settings see the same.

    `precision` becomes bf16-mixed where the device is fast in it, else 32-true. On a CPU `devices` becomes a process for each
    processor, which is somewhat faster than one process with as many threads. On a GPU it is left to Lightning, which takes
    all. In a sweep it is 1, since further processes would begin the sweep's command anew.

    Args:
        config: a `ComputeConfig`, as a node of the configuration, which is changed.
        blocks: what the processes share; there are never more of them.
    """
    accelerator = str(config.get("accelerator", "auto"))
    if config.get("precision") == "auto":
        guard()

        config.precision = precision_of("auto", accelerator)["precision"]
    if config.get("devices") == "auto":
        if blocks == 1 or in_sweep():
            config.devices = 1
        elif _on_cpu(accelerator):
            config.devices = min(processors(), MOST_PROCESSES, blocks)


def _on_cpu(accelerator: str) -> bool:

    return accelerator == "cpu" or (accelerator == "auto" and not torch.accelerator.is_available())


def build_trainer(config: DictConfig, **extra: Any) -> "pl.Trainer":
    """Build a Trainer that leaves files, logs and the terminal to us.

    Args:
        config: a `ComputeConfig`, as a node of the configuration.
        extra: further arguments of `pytorch_lightning.Trainer`, such as callbacks.

    Raises:
        UserError: a value that the Trainer refuses.
    """
    guard()

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    for harmless in ("many workers", "LeafSpec", "infer the batch indices"):
        warnings.filterwarnings("ignore", message=f".*{harmless}.*")
    say_cluster(config.get("cluster", "none"))
    given: Any = OmegaConf.to_container(config, resolve=True)
    limit_threads(given.pop("num_threads", None))
    return quiet_trainer(**given, **extra)


def say_cluster(cluster: str) -> None:
    """Say that tasks of SLURM are not used, where there are several and `trainer.cluster` does not ask for them."""
    if cluster == "none" and (tasks := os.environ.get("SLURM_NTASKS", "1")) != "1":
        PatientConsole().print(
            f"SLURM_NTASKS={tasks} is not used; a command that srun starts shares its work with trainer.cluster=slurm"
        )
