"""A quiet Trainer from configuration."""

import logging
import warnings
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from insetgan.errors import UserError

if TYPE_CHECKING:
    import pytorch_lightning as pl


ALLOWED = ("accelerator", "devices", "num_nodes", "precision", "strategy", "deterministic", "benchmark")
"""Arguments of the Trainer that say where and how to compute; the others are decided by what is done."""

PRECISIONS = ("32-true", "bf16-mixed")


def build_trainer(config: DictConfig, **extra: Any) -> "pl.Trainer":
    """Build a Trainer that leaves files, logs and the terminal to us.

    Args:
        config: arguments of `pytorch_lightning.Trainer`.
        extra: further arguments, such as callbacks.

    Raises:
        UserError: an argument that is not `ALLOWED`, or a value that the Trainer refuses.
    """
    from insetgan.torchvision_guard import guard

    guard()
    from insetgan.training.trainer import quiet_trainer

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    for harmless in ("many workers", "LeafSpec", "infer the batch indices"):
        warnings.filterwarnings("ignore", message=f".*{harmless}.*")
    given: Any = OmegaConf.to_container(config, resolve=True)
    unknown = sorted(set(given) - set(ALLOWED))
    if unknown:
        raise UserError(f"trainer.{unknown[0]}: no such setting (allowed: {', '.join(ALLOWED)})")
    if (precision := given.get("precision")) not in PRECISIONS:
        raise UserError(f"trainer.precision={precision}: must be one of {', '.join(PRECISIONS)}")
    return quiet_trainer(**given, **extra)
