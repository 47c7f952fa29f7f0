"""A quiet Trainer from configuration."""

import inspect
import logging
import warnings
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from insetgan.errors import UserError

if TYPE_CHECKING:
    import pytorch_lightning as pl


def build_trainer(config: DictConfig, **extra: Any) -> "pl.Trainer":
    """Build a Trainer that leaves files, logs and the terminal to us.

    Args:
        config: arguments of `pytorch_lightning.Trainer`.
        extra: further arguments, such as callbacks.

    Raises:
        UserError: an argument that the Trainer does not have, or a value that it refuses.
    """
    from insetgan.torchvision_guard import guard

    guard()
    import pytorch_lightning as pl

    from insetgan.training.trainer import quiet_trainer

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    for harmless in ("many workers", "LeafSpec", "infer the batch indices"):
        warnings.filterwarnings("ignore", message=f".*{harmless}.*")
    given: Any = OmegaConf.to_container(config, resolve=True)
    unknown = set(given) - set(inspect.signature(pl.Trainer).parameters)
    if unknown:
        raise UserError(f"trainer.{min(unknown)}: pytorch_lightning.Trainer has no such argument")
    return quiet_trainer(**given, **extra)
