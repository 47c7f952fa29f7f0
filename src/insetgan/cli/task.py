"""The work of one run, as Hydra calls it: in this process, or where a launcher sends it."""

import importlib
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

from omegaconf import DictConfig

from insetgan.cli.sweep import in_sweep
from insetgan.runtime.errors import RunFailed, Stopped
from insetgan.runtime.printing import say_error
from insetgan.runtime.requeue import REQUEUED, requeue


class Task:
    """Called by Hydra with the configuration of each run.

    Launchers pickle it: it arrives as the name of the command and its arguments, and the process in which it arrives gets
    ready as the first one did.

    Args:
        name: the command.
        arguments: of the command line.
        cls: declares the settings.
        check: raises for settings that are not allowed, before the work.

    Attributes:
        working: whether a run has begun in this process, after which not every error is a mistake of the user.
    """

    def __init__(self, name: str, arguments: Sequence[str], cls: type, check: Callable[[DictConfig], None]) -> None:
        self.name, self.arguments, self.cls, self.check = name, tuple(arguments), cls, check
        self.working = False
        self.sent = False

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
        from insetgan.cli.job import MISTAKES, fail

        self.working = True
        try:
            self.check(config)
            result: float | None = importlib.import_module(f"insetgan.cli.{self.name}").run(config)
            return result
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

    def explain(self, error: Exception) -> str:
        """Say in one line what an error means."""
        from insetgan.cli.explain import explain

        return explain(error, self.cls, self.name)


def leave(end: KeyboardInterrupt | Stopped) -> int:
    """Say that the work was stopped, and have Slurm run it again where it is Slurm that stopped it.

    Returns:
        The exit code: 0 where Slurm runs the job again, else 128 and the signal's number.
    """
    number = end.number if isinstance(end, Stopped) else signal.SIGINT
    word = "interrupted" if number == signal.SIGINT else f"stopped by {number.name}"
    again = requeue(number)
    say_error(f"{word}; what is finished is kept, and the same command goes on from there" + (f"; {again}" if again else ""))
    return 0 if again.startswith(REQUEUED) else 128 + number


def _arrive(name: str, arguments: Sequence[str]) -> Task:
    """Get this process ready for a task that a launcher sent."""
    from insetgan.cli.app import prepared

    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    task = prepared(name, arguments)
    task.sent = True
    return task
