"""`python evaluate.py`: how far the pictures of several methods are from real ones."""

from collections.abc import Sequence

from omegaconf import DictConfig

from insetgan.cli.app import entry
from insetgan.cli.evaluate_config import EvaluateConfig
from insetgan.cli.sweep import in_sweep


def run(config: DictConfig) -> float | None:
    """Make what is missing, measure, and write the tables.

    Returns:
        What a sweeper works on, the first figure of the table; None in all processes but the first.
    """
    from insetgan.cli.evaluate_run import evaluate  # imports PyTorch, which --help does without

    config.name += _number_in_sweep()
    return evaluate(config)


def _number_in_sweep() -> str:
    """What tells the tables of the runs of `-m` apart, "-0", "-1" and on; empty where there is no sweep."""
    from hydra.core.hydra_config import HydraConfig

    return f"-{HydraConfig.get().job.num}" if in_sweep() else ""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point; the arguments are those of the process unless given."""
    entry(run, "evaluate", EvaluateConfig, arguments)
