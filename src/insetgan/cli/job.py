"""One command as a Hydra job: compose, check, call the work, and turn a mistake into one line and exit code 2."""

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hydra._internal.utils import _run_hydra, get_args_parser
from omegaconf import DictConfig
from yaml import YAMLError

from insetgan.cli.arguments import as_typed
from insetgan.cli.places import CONF
from insetgan.cli.ready import get_ready
from insetgan.cli.renamed import renewed
from insetgan.cli.sweep import failures
from insetgan.cli.sweep_check import check_sweeps
from insetgan.cli.task import MISTAKES, Task, fail
from insetgan.runtime.errors import RunFailed
from insetgan.runtime.printing import printable, say_error, silence

_ALSO = (OSError, ValueError, YAMLError, RecursionError, AttributeError, TypeError, AssertionError)
"""What Hydra and OmegaConf raise themselves for some command lines and files of settings."""

_LAUNCHERS = ("submitit", "joblib", "ray")
"""Packages whose errors say that a process of a sweep ended without a word to Hydra."""


def run_job(name: str, arguments: Sequence[str], task: Task, check_run: Callable[[DictConfig], None]) -> None:
    """Run a command as a Hydra job, configured by conf/<name>.yaml and checked by a class of settings.

    Args:
        name: the command; its YAML lists `<name>_schema` first in its defaults.
        arguments: of the command line.
        task: does the work of each run.
        check_run: raises what a run would raise before its work, and keeps nothing; asked of all runs of a sweep at first.

    Raises:
        SystemExit: code 2 for a mistake of the user, also where a run of a sweep failed; when stopped 0 if Slurm runs the job
            again, else 128 and the signal's number.
    """
    os.environ["HYDRA_FULL_ERROR"] = "1"  # let errors reach us instead of a printed traceback and exit code 1

    def buildable(config: DictConfig) -> None:
        task.working = True
        task.check(config)
        check_run(config)

    try:
        with _logging_kept():
            check_sweeps((task.check, buildable), task.explain, MISTAKES)
            _compose_and_call(task, name, arguments)
    except BrokenPipeError:  # of --cfg; the output of the work itself goes through `terminal.PatientConsole`
        silence(sys.stdout)
        raise SystemExit(128 + signal.SIGPIPE) from None
    except SystemExit as end:
        raise SystemExit(2 if end.code == 1 else end.code) from end  # Hydra's own word for a mistake of the user
    except Exception as error:
        if (line := _mistake(error, task)) is None:
            raise
        fail(line)
    if problem := failures():
        fail(problem)


def _mistake(error: Exception, task: Task) -> str | None:
    """Say in one line what an error means; None for a bug of ours."""
    if isinstance(error, RunFailed):  # of a sweeper that searches
        return str(error)
    if type(error).__module__.partition(".")[0] in _LAUNCHERS:
        return f"{failures() or 'a run of the sweep ended without a result'} ({str(error).strip().splitlines()[0]})"
    # Hydra itself raises ValueError for a group that is overridden by no name; one of the work's is a bug of ours.
    known = MISTAKES if task.working else (*MISTAKES, *_ALSO)
    return task.explain(error) if isinstance(error, known) else None


@contextmanager
def _logging_kept() -> Iterator[None]:
    """Give the root logger back as it was: handlers of Hydra write to the streams of this run, which may be closed later.

    Inside, what Hydra logs has its control characters written out, since it repeats what was typed.
    """
    root = logging.getLogger()
    handlers, level, factory = list(root.handlers), root.level, logging.getLogRecordFactory()

    def record(*args: Any, **options: Any) -> logging.LogRecord:
        made = factory(*args, **options)
        if made.name.partition(".")[0] in ("hydra", "hydra_plugins"):
            made.msg, made.args = printable(made.getMessage()), ()
        return made

    logging.setLogRecordFactory(record)
    try:
        yield
    finally:
        logging.setLogRecordFactory(factory)
        for handler in [each for each in root.handlers if each not in handlers]:
            root.removeHandler(handler)
        for handler in [each for each in handlers if each not in root.handlers]:
            root.addHandler(handler)
        root.setLevel(level)


def _compose_and_call(task: Task, name: str, arguments: Sequence[str]) -> None:
    """Let Hydra compose what the command line asks for, and call the task with it, once or for each run of a sweep."""
    if not (CONF / f"{name}.yaml").is_file():
        fail(f"{CONF}: no configuration there; install the package again, or run from a checkout")
    get_ready(name, task.cls, arguments)
    current, lines = renewed(arguments, name)
    for line in lines if os.environ.get("LOCAL_RANK", "0") == "0" else ():
        say_error(line)
    parser = get_args_parser()
    parser.error = fail  # type: ignore[method-assign]
    parsed = parser.parse_intermixed_args(as_typed(current, task.cls))
    _run_hydra(args=parsed, args_parser=parser, task_function=task, config_path=str(CONF), config_name=name)
    if sys.stdout is not None:
        sys.stdout.flush()
