"""The front door of every command: help and version at once, all else as a Hydra job."""

import importlib
import sys
from collections.abc import Sequence
from typing import Any

from insetgan.cli.help import answer
from insetgan.runtime.errors import Stopped
from insetgan.runtime.signals import handle_stop_signals, raise_stopped
from insetgan.runtime.threads import let_waiting_threads_sleep

_SETTINGS = {
    "generate": "insetgan.cli.generate_config:GenerateConfig",
    "refine": "insetgan.cli.refine_config:RefineConfig",
    "train": "insetgan.cli.train_config:TrainConfig",
    "evaluate": "insetgan.cli.evaluate_config:EvaluateConfig",
    "complete": "insetgan.cli.complete_config:CompleteConfig",
    "invert": "insetgan.cli.invert_config:InvertConfig",
    "prepare": "insetgan.cli.prepare_config:PrepareConfig",
    "convert": "insetgan.cli.convert_config:ConvertConfig",
    "demo": "insetgan.cli.demo_config:DemoConfig",
}
"""Each command's class of settings, as module and name."""


def entry(name: str, arguments: Sequence[str] | None = None) -> None:
    """Run a command as a Hydra job configured by conf/<name>.yaml and checked by its class of settings.

    The work is `run(config)` of the module `insetgan.cli.<name>`, which is imported only after the settings have been
    checked, so that help and mistakes are answered at once. `run` may return a number, which a sweeper of Hydra minimises or
    maximises. `check_run(config)` of that module builds what a run needs and keeps nothing; it is called for all runs of a
    sweep before the first of them. A `UserError` or an `OSError` that it raises ends in one line and exit code 2.

    Args:
        name: the command; its YAML lists `<name>_schema` first in its defaults.
        arguments: of the command line; those of this process unless given.

    Raises:
        SystemExit: code 2 for a mistake of the user; when stopped 0 if Slurm runs the job again, else 128 and the signal's
            number.
    """
    let_waiting_threads_sleep()
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        # At once, and not only before the work: a cluster may stop a job that still starts.
        handle_stop_signals(raise_stopped)
        _enter(name, arguments)
    except (KeyboardInterrupt, Stopped) as end:
        raise SystemExit(importlib.import_module("insetgan.cli.task").leave(end)) from None


def _enter(name: str, arguments: Sequence[str]) -> None:
    cls = settings_class(name)
    if "--version" in arguments or "-h" in arguments or "--help" in arguments:
        answer(name, cls, arguments)
        return
    # Hydra takes half a second to import.
    job, task = importlib.import_module("insetgan.cli.job"), importlib.import_module("insetgan.cli.task")

    def check_run(config: Any) -> None:
        # Imported here, so that mistakes in the settings are answered before torch is loaded.
        importlib.import_module(f"insetgan.cli.{name}").check_run(config)

    job.run_job(name, arguments, task.Task(name, arguments, cls), check_run)


def settings_class(name: str) -> type:
    """The class that declares the settings of a command."""
    module, _, class_name = _SETTINGS[name].partition(":")
    found: type = getattr(importlib.import_module(module), class_name)
    return found
