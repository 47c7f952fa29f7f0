"""What carries out the compositions of the page: refine.py itself, with the page in the place of the terminal."""

from collections.abc import Callable, Sequence
from pathlib import Path

from hydra import compose
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig

from insetgan.cli import refine
from insetgan.cli.arguments import as_typed, refuse_new_names
from insetgan.cli.explain import explain
from insetgan.cli.idle import refuse_idle
from insetgan.cli.presets import refuse_conflict
from insetgan.cli.refine_blocks import Watch
from insetgan.cli.refine_config import RefineConfig
from insetgan.cli.refine_idle import idle
from insetgan.cli.schema import conform, schema_of
from insetgan.cli.task import MISTAKES
from insetgan.refine.problem import Step
from insetgan.runtime.errors import UserError
from insetgan.runtime.provenance import made_by
from insetgan.studio.preview import Halted


class PageRefiner:
    """Carries out compositions one after the other; to be called from one thread only, as Hydra keeps its state in one place.

    Args:
        always: words of the command line that every composition has, such as `canvas.weights=mine.safetensors`.
    """

    mistakes = (UserError, OSError)

    def __init__(self, always: Sequence[str] = ()) -> None:
        self.always = tuple(always)
        ConfigStore.instance().store(name="refine_schema", node=schema_of(RefineConfig))

    def __call__(
        self, overrides: list[str], root: Path, on_step: Callable[[Step], None], say: Callable[[str], None]
    ) -> Path:
        """Refine as `refine.py OVERRIDES` does, into `root`.

        Raises:
            UserError: what the command would refuse.
            Halted: from `on_step`.
        """
        words = as_typed([*self.always, *overrides, f"out={root}"], RefineConfig)
        try:
            # Not the command of the page, whose password would stand in files that are taken away.
            with made_by("refine.py", *self.always, *overrides):
                refine.run(self._composed(words), Watch(on_step, say))
        except Halted:
            raise
        except MISTAKES as error:
            raise UserError(explain(error, RefineConfig, "refine")) from error
        return root

    def _composed(self, words: list[str]) -> DictConfig:
        """The settings that the command would have."""
        config = compose("refine", words)
        refuse_conflict(words)
        refuse_new_names(config, RefineConfig, words, lambda others: compose("refine", others))
        conform(config, RefineConfig)
        refuse_idle(idle(config), words)
        return config
