"""Checkpoints: written whole or not at all, found again, refused with one line when they do not fit."""

import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from insetgan.runtime.errors import UserError
from insetgan.runtime.files import write_whole
from insetgan.runtime.lightning import TorchCheckpointIO, pl
from insetgan.runtime.tensors import read_checkpoint_file
from insetgan.training.options import RunOptions


class _WholeCheckpoints(TorchCheckpointIO):
    """Writes checkpoints beside their place and renames them.

    Lightning's own way is through the folder for temporary files, which may be too small, and then the error names the
    wrong folder (pytorch-lightning#21253).
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint."""
        write_whole(Path(path), lambda beside: _save(checkpoint, beside))


def _save(checkpoint: dict[str, Any], path: Path) -> None:
    with path.open("wb") as file:
        try:
            torch.save(checkpoint, file)
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):  # a full disk, which torch reports as a wrong position
                raise error.__context__ from None
            raise


def save_checkpoint(trainer: pl.Trainer, path: Path) -> None:
    """Write everything a run needs to go on; to be called in every process of the run.

    Raises:
        OSError: it cannot be written; names the path.
    """
    trainer.strategy.checkpoint_io = _WholeCheckpoints()
    trainer.save_checkpoint(path)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint as tensors and plain values, on the CPU.

    Raises:
        UserError: no such file, or not a whole checkpoint.
    """
    if not path.is_file():
        raise UserError(f"checkpoint {path}: no such file")
    try:
        with warnings.catch_warnings(action="ignore"):
            content: dict[str, Any] = read_checkpoint_file(path)
            whole = int(content["state_dict"]["cur_nimg"]) >= 0 and _is_unchanged(path)
    except Exception as error:  # whatever torch.load trips over in a foreign file, it is no checkpoint
        raise _foreign(path) from error
    if not whole:
        raise _foreign(path)
    return content


def _is_unchanged(path: Path) -> bool:
    """Whether all tensors have the checksums that were written with them, which torch.load does not look at."""
    with zipfile.ZipFile(path) as file:
        return file.testzip() is None


def images_seen(path: Path) -> int:
    """Number of images that the run of a checkpoint had seen; the tensors are not read."""
    content = read_checkpoint_file(path, mapped=True)
    return int(content["state_dict"]["cur_nimg"])


def _foreign(path: Path) -> UserError:
    return UserError(f"checkpoint {path}: cut short, damaged, or not written by this project's train.py")


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
    content = read_checkpoint(path)
    if "pytorch-lightning_version" not in content:
        raise _foreign(path)
    saved, mine = content["state_dict"], module.state_dict()
    wrong = [name for name in mine if name not in saved or saved[name].shape != mine[name].shape]
    wrong += [name for name in saved if name not in mine]
    wrong += [name for name in mine if name not in wrong and saved[name].dtype != mine[name].dtype]
    if wrong:
        raise UserError(
            f"checkpoint {path}: holds other networks than the settings ask for ({len(wrong)} tensors differ, first "
            f"{wrong[0]}); give another out=, resume=none to start anew, or init={path} init_strict=false for what fits"
        )
    if _trained(content.get("optimizer_states", ())) != _trained(_optimizer_states(module)):
        raise UserError(
            f"checkpoint {path}: was trained with other tensors than the settings ask for (recipe.freeze_d); give the same, "
            f"or another out= and init={path} init_strict=false"
        )
    return path


def _optimizer_states(module: pl.LightningModule) -> list[Any]:
    optimizers: Any = module.configure_optimizers()
    return [each.state_dict() for each in (optimizers if isinstance(optimizers, (list, tuple)) else [optimizers])]


def _trained(states: Sequence[Any]) -> list[int]:
    """How many tensors each optimiser moves."""
    return [sum(len(group["params"]) for group in state["param_groups"]) for state in states]
