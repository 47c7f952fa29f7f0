"""Loggers from configuration: metrics.csv always, Weights & Biases or TensorBoard if asked for."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig

from insetgan.cli.build import instantiate
from insetgan.cli.sweep import in_sweep
from insetgan.runtime.errors import UserError
from insetgan.runtime.lightning import pl

_PACKAGES = {"WandbLogger": "wandb", "TensorBoardLogger": "tensorboard"}
"""The package that a logger of Lightning needs, which is also the name of our extra."""


def refuse_missing_packages(nodes: Any) -> None:
    """Check before the work that the loggers of a configuration can be built.

    Raises:
        UserError: a package is not installed.
    """
    for name, node in nodes.items():
        target = node.get("_target_") if isinstance(node, Mapping) else None
        package = _PACKAGES.get(str(target).rpartition(".")[2])
        if package is not None and find_spec(package) is None:
            raise UserError(f"logger={name}: needs the package {package}: pip install 'insetgan[{package}]'")


def build_loggers(nodes: Any, out: Path, settings: dict[str, Any]) -> list[Any]:
    """Build the loggers of a configuration.

    Args:
        nodes: name -> node with a `_target_`.
        out: the result folder, in which they write.
        settings: of the whole run, which they show.

    Raises:
        UserError: a package is not installed, or Weights & Biases lacks an account.
    """
    refuse_missing_packages(nodes)
    loggers = []
    for name, node in nodes.items():
        if in_sweep() and "group" in node and node.group is None:  # the runs of a sweep belong together
            node.group = Path(HydraConfig.get().sweep.dir).name
        logger = instantiate(node, pl.loggers.Logger, save_dir=str(out))
        try:
            logger.log_hyperparams(settings)
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "wandb":
                raise
            reason = str(error).splitlines()[0]
            raise UserError(f"logger={name}: {reason}; WANDB_MODE=offline needs no account") from error
        loggers.append(logger)
    return loggers
