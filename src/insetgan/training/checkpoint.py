"""Checkpoints: written whole or not at all, found again, refused with one line when they do not fit."""

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from insetgan.errors import UserError
from insetgan.training.options import RunOptions


def write_beside(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file beside `path`, then put it in place in one move."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(beside)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def save_checkpoint(trainer: pl.Trainer, path: Path) -> None:
    """Write everything a run needs to go on; to be called in every process of the run."""
    if not trainer.is_global_zero:
        trainer.save_checkpoint(path)
        return
    write_beside(path, trainer.save_checkpoint)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint as tensors and plain values, on the CPU.

    Raises:
        UserError: no such file, or not a whole checkpoint.
    """
    if not path.is_file():
        raise UserError(f"checkpoint {path}: no such file")
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        content["state_dict"]["cur_nimg"]
    except (RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"checkpoint {path}: not a whole checkpoint of this project ({reason})") from error
    return content


def find_resume(options: RunOptions, module: pl.LightningModule) -> Path | None:
    """The checkpoint to go on from, or None to start anew.

    Raises:
        UserError: the checkpoint asked for is missing, broken, or of networks of another shape.
    """
    if options.resume == "none" or options.fast_dev_run:
        return None
    path = options.last if options.resume == "auto" else Path(options.resume)
    if options.resume == "auto" and not path.is_file():
        return None
    saved, mine = read_checkpoint(path)["state_dict"], module.state_dict()
    wrong = [name for name in mine if name not in saved or saved[name].shape != mine[name].shape]
    wrong += [name for name in saved if name not in mine]
    if wrong:
        raise UserError(
            f"checkpoint {path}: holds other networks than the settings ask for ({len(wrong)} tensors differ, first "
            f"{wrong[0]}); give another out=, resume=none to start anew, or init={path} to take over what fits"
        )
    return path
