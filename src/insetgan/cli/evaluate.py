"""`python evaluate.py`: how far the images of several methods are from real ones."""

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from insetgan.cli.evaluate_run import check_evaluation, evaluate
from insetgan.cli.sweep import in_sweep


def run(config: DictConfig) -> float | None:
    """Make what is missing, measure, and write the tables.

    Returns:
        What a sweeper works on, the first figure of the table; None in all processes but the first.
    """
    _name(config)
    return evaluate(config)


def check_run(config: DictConfig) -> None:
    """Raise what would stop a run before its work.

    Raises:
        UserError: a setting, or a file that it names, cannot be used.
    """
    _name(config)
    check_evaluation(config)


def _name(config: DictConfig) -> None:
    config.name += f"-{HydraConfig.get().job.num}" if in_sweep() else ""  # the tables of each run of `-m`
