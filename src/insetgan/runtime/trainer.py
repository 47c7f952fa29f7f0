"""A Trainer whose refusals are mistakes of the user."""

from collections.abc import Sequence
from typing import Any

from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.lsf import LSFEnvironment
from lightning_fabric.plugins.environments.mpi import MPIEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.utilities.exceptions import MisconfigurationException
from lightning_fabric.utilities.rank_zero import rank_zero_only
from torch.utils.data import DataLoader

from insetgan.runtime.errors import UserError
from insetgan.runtime.lightning import CPUAccelerator, pl
from insetgan.runtime.threads import processors

CLUSTERS = {
    "none": LightningEnvironment,
    "slurm": SLURMEnvironment,
    "torchelastic": TorchElasticEnvironment,
    "lsf": LSFEnvironment,
    "mpi": MPIEnvironment,
}
"""What may have started the processes of a run. Lightning would guess it from the environment: SLURM_NTASKS=4 in a shell that
was not started by srun ends in an error."""


def settle_rank(cluster: str) -> int:
    """The number of this process among those of the run; 0 speaks for it.

    Lightning's own guess, made when it was imported, looks at variables of every cluster: SLURM_PROCID=1 in a shell would
    leave a run without a process that keeps anything. It is replaced.

    Args:
        cluster: a key of `CLUSTERS`.

    Raises:
        UserError: the variables of the cluster are not set, or its package is missing.
    """
    try:
        environment = CLUSTERS[cluster]()
        alone = cluster == "none"
        rank: int = environment.local_rank() or environment.node_rank() if alone else environment.global_rank()
    except (KeyError, ValueError, RuntimeError, ModuleNotFoundError) as error:
        said = f"{error.args[0]} is not set" if isinstance(error, KeyError) else str(error).splitlines()[0]
        raise UserError(f"trainer.cluster={cluster}: has not started this process ({said})") from error
    rank_zero_only.rank = rank  # type: ignore[attr-defined]
    return rank


def quiet_trainer(*, cluster: str = "none", **arguments: Any) -> pl.Trainer:
    """Build a Trainer that leaves files, logs and the terminal to us, unless the arguments say otherwise.

    Args:
        cluster: a key of `CLUSTERS`; "none" looks at no variable of a cluster.
        arguments: of `pytorch_lightning.Trainer`.

    Raises:
        UserError: a value that the Trainer refuses, or more processes than this machine has processors.
    """
    settle_rank(cluster)
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    try:
        plugins = [*arguments.pop("plugins", ()), CLUSTERS[cluster]()]
        trainer = pl.Trainer(**{**quiet, **arguments, "plugins": plugins})
    except (MisconfigurationException, ValueError, TypeError, ModuleNotFoundError, RuntimeError, KeyError) as error:
        raise UserError(f"trainer: {error}") from error
    most = processors()
    if isinstance(trainer.accelerator, CPUAccelerator) and trainer.num_devices > most:
        raise UserError(
            f"trainer.devices={trainer.num_devices}: must be {most} or less, the processors of this machine"
        )
    return trainer


def predict_blocks(
    trainer: pl.Trainer, module: pl.LightningModule, blocks: Sequence[list[int]], callbacks: Sequence[pl.Callback]
) -> None:
    """Predict blocks of seeds, shared by all processes, which begin and end it together.

    Args:
        trainer: carries it out; has these callbacks for this prediction only.
        module: predicts a block; gives None for an empty one.
        blocks: one or more. The caller must list unfinished blocks before any process writes results.
        callbacks: write what was predicted.
    """
    before = list(trainer.callbacks)  # type: ignore[attr-defined]
    # Lightning's sampler gives every process one block at least.
    whole = [*blocks, *([] for _ in range(trainer.world_size - len(blocks)))]
    trainer.strategy.barrier()
    trainer.callbacks = [*before, *callbacks]  # type: ignore[attr-defined]
    try:
        loader: Any = DataLoader(whole, batch_size=None)  # type: ignore[arg-type]
        trainer.predict(module, loader, return_predictions=False)
    finally:
        trainer.callbacks = before  # type: ignore[attr-defined]
    trainer.strategy.barrier()
