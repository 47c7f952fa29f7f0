"""All runs of a sweep are composed and checked before the first one starts, so that a wrong value costs no run before it.

Hydra's own sweeper knows its runs beforehand. One that searches, such as Optuna's, does not: there each run is checked when
its turn comes.
"""

import contextlib
import math
import os
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import wraps
from itertools import product
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.hydra import Hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from insetgan.cli.terminal import OnProgress, progress
from insetgan.runtime.errors import UserError

MOST_RUNS = 10_000
"""Of one sweep."""
_SHOWN_FROM = 40  # checks; one takes about 0.2 s

Check = Callable[[DictConfig], None]
"""Raises an error for a configuration with which a run would not start; it may change what it is given."""


def check_sweeps(
    checks: Sequence[Check], explain: Callable[[Exception], str], errors: tuple[type[Exception], ...]
) -> None:
    """Have Hydra check all runs of a sweep before it starts.

    Args:
        checks: the first is made for all runs, then the second, so that what is told quickly is told first.
        explain: says in one line what an error means.
        errors: those that are the user's mistakes; each is raised again as a `UserError` that names the run.
    """
    original = getattr(Hydra.multirun, "__wrapped__", Hydra.multirun)

    @wraps(original)
    def multirun(
        self: Hydra, config_name: str | None, task_function: Any, overrides: list[str], *args: Any, **options: Any
    ) -> Any:
        if os.environ.get("LOCAL_RANK", "0") == "0":  # a further process of a run, whose first one has checked
            runs = runs_of(self, config_name, overrides)
            with _progress(len(runs) * len(checks)) as on_progress:
                for done, (check, run) in enumerate(product(checks, runs)):
                    try:
                        with run.as_current(self) as config:
                            check(config)
                    except errors as error:
                        raise UserError(f"{run.title(len(runs))}{explain(error)}") from error
                    on_progress(done + 1, len(runs) * len(checks))
        return original(self, config_name, task_function, overrides, *args, **options)

    Hydra.multirun = multirun  # type: ignore[method-assign]


def _progress(steps: int) -> contextlib.AbstractContextManager[OnProgress]:
    """Shows how far the checks are, where they take more than a few seconds."""
    if steps < _SHOWN_FROM:
        return contextlib.nullcontext(lambda done, total: None)
    return progress("checking the settings of all runs", "checks")


@dataclass(frozen=True)
class SweepRun:
    """One run of a sweep.

    Attributes:
        sweep: the configuration of the sweep.
        number: of the run, from 0.
        overrides: all of the run.
        varied: those in which the runs differ.
    """

    sweep: DictConfig
    number: int
    overrides: Sequence[str]
    varied: Sequence[str]

    def title(self, count: int) -> str:
        """What messages about the run begin with."""
        varied = " ".join(override.lstrip("+") for override in self.varied)
        return f"run {self.number + 1} of {count} ({varied}): " if varied else ""

    @contextlib.contextmanager
    def as_current(self, hydra: Hydra) -> Iterator[DictConfig]:
        """Compose the run as Hydra does; inside, Hydra's own settings are those of the run."""
        config = hydra.config_loader.load_sweep_config(self.sweep, list(self.overrides))
        with open_dict(config):
            config.hydra.job.id = config.hydra.job.num = self.number
            config.hydra.runtime.output_dir = str(Path(config.hydra.sweep.dir, config.hydra.sweep.subdir).absolute())
        state = HydraConfig.instance()
        before, state.cfg = state.cfg, None
        try:
            state.set_config(config)
            task = deepcopy(config)
            with open_dict(task):
                del task["hydra"]
            yield task
        finally:
            state.cfg = before


def runs_of(hydra: Hydra, config_name: str | None, overrides: list[str]) -> list[SweepRun]:
    """The runs of a sweep, in their order; none for a sweeper that finds them on its way.

    Raises:
        UserError: more than `MOST_RUNS`, or none.
        HydraException: the overrides cannot be read, or are not for this sweeper.
    """
    sweep = hydra.compose_config(config_name, overrides, RunMode.MULTIRUN, with_log_configuration=False)
    if sweep.hydra.sweeper._target_ != f"{BasicSweeper.__module__}.{BasicSweeper.__name__}":
        return []
    preset: Any = OmegaConf.to_container(sweep.hydra.sweeper.params or OmegaConf.create({}), resolve=True)
    typed = [*(f"{key}={value}" for key, value in preset.items()), *sweep.hydra.overrides.task]
    parsed = OverridesParser.create(config_loader=hydra.config_loader).parse_overrides(typed)
    last = {override.get_key_element(): override for override in parsed}  # as the sweeper takes them
    lengths = {key: _values(override) for key, override in last.items()}
    for key, length in lengths.items():
        if length == 0:
            raise UserError(f"{last[key].input_line}: stands for no value, so that there is nothing to run")
    if (count := math.prod(lengths.values())) > MOST_RUNS:
        raise UserError(f"-m: stands for {count} runs, at most {MOST_RUNS} are made by one command")
    jobs = [job for batch in BasicSweeper.split_arguments(parsed, None) for job in batch]
    several = [length > 1 for length in lengths.values()]
    return [
        SweepRun(sweep, number, job, [given for given, varies in zip(job, several, strict=True) if varies])
        for number, job in enumerate(jobs)
    ]


def _values(override: Override) -> int:
    """How many values an override stands for; those without an end are refused by Hydra, which says so."""
    if not override.is_sweep_override() or not override.is_discrete_sweep():
        return 1
    return sum(1 for _ in override.sweep_string_iterator())
