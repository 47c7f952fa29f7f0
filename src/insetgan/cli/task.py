"""The work of one run, as Hydra calls it: in this process, or where a launcher sends it."""

import importlib
import os
import signal
from collections.abc import Sequence
from typing import Any, NoReturn

from hydra import compose
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import InterpolationResolutionError, OmegaConfBaseException

from insetgan.cli.app import settings_class
from insetgan.cli.arguments import refuse_new_names, refuse_nothing
from insetgan.cli.broken_references import broken_reference
from insetgan.cli.explain import explain
from insetgan.cli.presets import refuse_conflict
from insetgan.cli.ready import get_ready
from insetgan.cli.schema import conform
from insetgan.cli.sweep import in_sweep
from insetgan.runtime.errors import RunFailed, Stopped, UserError
from insetgan.runtime.memory import keep_freed_memory
from insetgan.runtime.plugins import load
from insetgan.runtime.printing import say_error
from insetgan.runtime.requeue import REQUEUED, requeue
from insetgan.runtime.signals import handle_stop_signals, ignore_stop_signals, raise_stopped
from insetgan.runtime.threads import let_waiting_threads_sleep
from insetgan.weights.known import accept_licences

MISTAKES = (UserError, OSError, OmegaConfBaseException, HydraException)
"""What the work, or a look at its settings, raises for a mistake of the user."""


class Task:
    """Called by Hydra with the configuration of each run.

    Launchers pickle it: it arrives as the name of the command and its arguments, and the process in which it arrives gets
    ready as the first one did.

    Args:
        name: the command.
        arguments: of the command line.
        cls: declares the settings.

    Attributes:
        working: whether a run has begun in this process, after which not every error is a mistake of the user.
        sent: whether a launcher sent it here.
        config: the configuration that was checked last.
    """

    def __init__(self, name: str, arguments: Sequence[str], cls: type) -> None:
        self.name, self.arguments, self.cls = name, tuple(arguments), cls
        self.working = self.sent = False
        self.config: Any = None

    def __reduce__(self) -> Any:
        """The command and its arguments; the rest is made anew."""
        return _arrive, (self.name, self.arguments)

    def __call__(self, config: DictConfig) -> float | None:
        """Do the work of a run.

        Returns:
            A number, which a sweeper of Hydra minimises or maximises, or None.

        Raises:
            RunFailed: in a sweep, for a mistake of the user; the other runs go on.
            SystemExit: without a sweep code 2 for a mistake; where a launcher sent the work, 0 when it was stopped and is
                run again by Slurm, and 128 and the signal's number when it was stopped and is not.
        """
        self.working = True
        try:
            self.check(config)
            go_on(config)
            return self.run(config)
        except MISTAKES as error:
            # Caught here and not around Hydra, which would first print a line of its own about the failed job.
            line = self.explain(error)
            if not in_sweep():
                fail(line)
            say_error(f"error: {line}")
            raise RunFailed(line) from None
        except (KeyboardInterrupt, Stopped) as error:
            if self.sent:
                raise SystemExit(leave(error)) from None
            raise

    def check(self, config: DictConfig) -> None:
        """Get ready to work, and check the settings.

        Raises:
            UserError: a setting is wrong.
        """
        self.config = config
        keep_freed_memory()
        handle_stop_signals(raise_stopped)
        if HydraConfig.get().job.chdir:
            raise UserError("hydra.job.chdir=true: paths start at the folder of the command; leave it false")
        overrides = list(HydraConfig.get().overrides.task)
        refuse_conflict(overrides)
        refuse_nothing(config, overrides)
        refuse_new_names(config, self.cls, overrides, lambda others: compose(self.name, others))
        conform(config, self.cls)
        accept_licences(bool(config.get("accept_licence")))
        load()

    def run(self, config: DictConfig) -> float | None:
        """The work itself, imported only now: mistakes in the settings are answered before torch is loaded."""
        result: float | None = importlib.import_module(f"insetgan.cli.{self.name}").run(config)
        return result

    def explain(self, error: Exception) -> str:
        """Say in one line what an error means, with the key of a reference that leads nowhere."""
        lost = (
            isinstance(error, InterpolationResolutionError)
            and self.config is not None
            and "UserError" not in str(error)
        )
        return (broken_reference(self.config, error) if lost else "") + explain(error, self.cls, self.name)


def leave(end: KeyboardInterrupt | Stopped) -> int:
    """Say that the work was stopped, and have Slurm run it again where it is Slurm that stopped it.

    Returns:
        The exit code: 0 where Slurm runs the job again, else 128 and the signal's number.
    """
    ignore_stop_signals()  # Slurm may send another while this process ends
    number = end.number if isinstance(end, Stopped) else signal.SIGINT
    word = "interrupted" if number == signal.SIGINT else f"stopped by {number.name}"
    if not (isinstance(end, Stopped) and end.said):
        say_error(f"{word}; what is finished is kept, and the same command goes on from there")
    again = requeue(number)
    if again:
        say_error(again)
    return 0 if again.startswith(REQUEUED) else 128 + number


def go_on(config: DictConfig) -> None:
    """Where Slurm runs a job again, take what would begin anew for what goes on: that was meant for the first time."""
    if int(os.environ.get("SLURM_RESTART_COUNT") or 0) < 1:
        return
    for key, anew, on in (("overwrite", True, False), ("resume", "none", "auto")):
        if config.get(key) == anew:
            config[key] = on
            say_error(f"{key}={str(anew).lower()}: was for the first time; Slurm runs this job again, and it goes on")


def _arrive(name: str, arguments: Sequence[str]) -> Task:
    """Get this process ready for a task that a launcher sent."""
    let_waiting_threads_sleep()
    os.environ["HYDRA_FULL_ERROR"] = "1"
    task = Task(name, arguments, settings_class(name))
    get_ready(name, task.cls, arguments)
    task.sent = True
    return task


def fail(message: str) -> NoReturn:
    """Print one line on standard error and exit with code 2."""
    say_error(f"error: {' '.join(message.split())}")
    raise SystemExit(2)
