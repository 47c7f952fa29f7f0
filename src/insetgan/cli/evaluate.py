"""`python evaluate.py`: how far the images of several methods are from real ones."""

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from insetgan.cli.evaluate_run import evaluate
from insetgan.cli.sweep import in_sweep


def run(config: DictConfig) -> float | None:
    """Make what is missing, measure, and write the tables.

    Returns:
        What a sweeper works on, the first figure of the table; None in all processes but the first.
    """
    config.name += f"-{HydraConfig.get().job.num}" if in_sweep() else ""  # the tables of each run of `-m`
    return evaluate(config)
