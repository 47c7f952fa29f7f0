"""A Trainer whose refusals are mistakes of the user."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytorch_lightning as pl
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.accelerators import CPUAccelerator

from insetgan.errors import UserError


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


@contextmanager
def predicting(trainer: pl.Trainer, callbacks: Sequence[pl.Callback]) -> Iterator[None]:
    """Lend a Trainer callbacks for one of several predictions; all processes begin and end it together.

    Who decides by what lies on a disk which batches are open must have looked before any process adds to it.
    """
    before = list(trainer.callbacks)  # type: ignore[attr-defined]
    trainer.strategy.barrier()
    trainer.callbacks = [*before, *callbacks]  # type: ignore[attr-defined]
    try:
        yield
    finally:
        trainer.callbacks = before  # type: ignore[attr-defined]
    trainer.strategy.barrier()
