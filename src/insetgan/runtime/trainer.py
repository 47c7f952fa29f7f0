"""A Trainer whose refusals are mistakes of the user."""

import os
from collections.abc import Sequence
from typing import Any

from lightning_fabric.utilities.exceptions import MisconfigurationException
from torch.utils.data import DataLoader

from insetgan.runtime.errors import UserError
from insetgan.runtime.lightning import CPUAccelerator, pl


def quiet_trainer(**arguments: Any) -> pl.Trainer:
    """Build a Trainer that leaves files, logs and the terminal to us, unless the arguments say otherwise.

    Raises:
        UserError: a value that the Trainer refuses, or more processes than this machine has processors.
    """
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    try:
        trainer = pl.Trainer(**{**quiet, **arguments})
    except (MisconfigurationException, ValueError, TypeError, ModuleNotFoundError) as error:
        raise UserError(f"trainer: {error}") from error
    most = os.cpu_count() or 1
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
        blocks: one or more. Who decides by what lies on a disk which are open has looked before any process adds to it.
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
