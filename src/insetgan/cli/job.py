"""One command as a Hydra job: compose, check, call the work, and turn a mistake into one line and exit code 2."""

import hashlib
import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from hydra import compose, version
from hydra._internal.utils import _run_hydra, get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from insetgan.cli.arguments import as_typed, refuse_new_names, refuse_nothing
from insetgan.cli.experiments import offer_experiments
from insetgan.cli.explain import explain
from insetgan.cli.guard import guard_arguments, plugins_of
from insetgan.cli.places import CONF, EXPERIMENTS
from insetgan.cli.presets import refuse_conflict
from insetgan.cli.renamed import renewed
from insetgan.cli.rules import register_rules
from insetgan.cli.schema import conform, schema_of
from insetgan.cli.single_choice import refuse_lists
from insetgan.cli.sweep_check import check_sweeps
from insetgan.runtime.errors import Stopped, UserError
from insetgan.runtime.memory import keep_freed_memory
from insetgan.runtime.plugins import admit, load
from insetgan.runtime.printing import printable, say_error, silence
from insetgan.runtime.signals import handle_stop_signals, raise_stopped
from insetgan.weights.known import accept_licences

_MISTAKES = (UserError, OSError, OmegaConfBaseException, HydraException)
"""What the work, or a look at its settings, raises for a mistake of the user."""

_ALSO = (OSError, ValueError, YAMLError, RecursionError, AttributeError, TypeError, AssertionError)
"""What Hydra and OmegaConf raise themselves for some command lines and files of settings."""


def run_job(
    run: Callable[[DictConfig], float | None],
    check_run: Callable[[DictConfig], None],
    name: str,
    cls: type,
    arguments: Sequence[str],
) -> None:
    """Run `run(config)` as a Hydra job configured by conf/<name>.yaml and checked by a class of settings.

    Args:
        run: does the work; a `UserError` or an `OSError` that it raises ends in one line and exit code 2. It may return a
            number, which a sweeper of Hydra minimises or maximises.
        check_run: raises what `run` would raise before its work, and keeps nothing; asked of all runs of a sweep at first.
        name: the command; its YAML lists `<name>_schema` first in its defaults.
        cls: declares the settings.
        arguments: of the command line.

    Raises:
        SystemExit: code 2 for a mistake of the user, 128 and the signal's number when stopped.
    """
    os.environ["HYDRA_FULL_ERROR"] = "1"  # let errors reach us instead of a printed traceback and exit code 1
    working = False

    def job(config: DictConfig) -> float | None:
        # Caught here and not around Hydra, which would first print a line of its own about the failed job.
        nonlocal working
        working = True
        try:
            admit(plugins_of(arguments))  # again, since a launcher may have started this process
            _checked(config, name, cls)
            load()
            return run(config)
        except _MISTAKES as error:
            fail(explain(error, cls, name))

    def buildable(config: DictConfig) -> None:
        nonlocal working
        working = True
        _checked(config, name, cls)
        load()
        check_run(config)

    def valid(config: DictConfig) -> None:
        _checked(config, name, cls)

    try:
        with _logging_kept():
            check_sweeps((valid, buildable), lambda error: explain(error, cls, name), _MISTAKES)
            _compose_and_call(job, name, cls, arguments)
    except BrokenPipeError:  # of --cfg; the output of the work itself goes through `terminal.PatientConsole`
        silence(sys.stdout)
        raise SystemExit(128 + signal.SIGPIPE) from None
    except (HydraException, OmegaConfBaseException, *_ALSO) as error:
        # Hydra itself raises ValueError for a group that is overridden by no name; one of the job's is a bug of ours.
        if working and not isinstance(error, _MISTAKES):
            raise
        fail(explain(error, cls, name))
    except SystemExit as end:
        raise SystemExit(2 if end.code == 1 else end.code) from end  # Hydra's own word for a mistake of the user
    except (KeyboardInterrupt, Stopped) as error:
        number = error.number if isinstance(error, Stopped) else signal.SIGINT
        word = "interrupted" if number == signal.SIGINT else f"stopped by {number.name}"
        say_error(f"{word}; what is finished is kept, and the same command goes on from there")
        raise SystemExit(128 + number) from None


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


def _compose_and_call(
    job: Callable[[DictConfig], float | None], name: str, cls: type, arguments: Sequence[str]
) -> None:
    """Let Hydra compose what the command line asks for, and call the job with it, once or for each run of a sweep."""
    if not (CONF / f"{name}.yaml").is_file():
        fail(f"{CONF}: no configuration there; install the package again, or run from a checkout")
    version.setbase("1.3")
    ConfigStore.instance().store(name=f"{name}_schema", node=schema_of(cls))
    register_rules()
    OmegaConf.register_new_resolver("slug", slug, replace=True)
    # From the command line and not from Hydra's list of overrides, which is another for every run of a sweep.
    OmegaConf.register_new_resolver("command", lambda: f"{name}-{digest(arguments)}", replace=True)
    admit(guard_arguments(arguments))
    refuse_lists()
    offer_experiments(EXPERIMENTS.parent)
    current, lines = renewed(arguments, name)
    for line in lines if os.environ.get("LOCAL_RANK", "0") == "0" else ():
        say_error(line)
    parser = get_args_parser()
    parser.error = fail  # type: ignore[method-assign]
    parsed = parser.parse_intermixed_args(as_typed(current, cls))
    _run_hydra(args=parsed, args_parser=parser, task_function=job, config_path=str(CONF), config_name=name)
    if sys.stdout is not None:
        sys.stdout.flush()


def _checked(config: DictConfig, name: str, cls: type) -> None:
    """Get ready to work, and check the settings."""
    keep_freed_memory()
    handle_stop_signals(raise_stopped)
    if HydraConfig.get().job.chdir:
        raise UserError("hydra.job.chdir=true: paths start at the folder of the command; leave it false")
    overrides = list(HydraConfig.get().overrides.task)
    refuse_conflict(overrides)
    refuse_nothing(config, overrides)
    refuse_new_names(config, cls, overrides, lambda others: compose(name, others))
    conform(config, cls)
    accept_licences(bool(config.get("accept_licence")))


def slug(overrides: str) -> str:
    """Name the folder of one run of a sweep after its overrides: paths cut to their last part, at most 120 characters."""
    return re.sub(r"[^=,]*/", "", re.sub(r"(^|,)\++", r"\1", overrides.replace("'", "")))[:120]


def digest(arguments: Iterable[str]) -> str:
    """Name the folder of a sweep after its command, so that the same command finds it again and goes on there."""
    return hashlib.sha256("\n".join(arguments).encode(errors="surrogateescape")).hexdigest()[:8]


def fail(message: str) -> NoReturn:
    """Print one line on standard error and exit with code 2."""
    say_error(f"error: {' '.join(message.split())}")
    raise SystemExit(2)
