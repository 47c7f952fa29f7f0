"""What every entry point does the same way: find conf/, check the keys, turn a mistake into one line and exit code 2."""

import difflib
import hashlib
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from insetgan.runtime.errors import Stopped, UserError
from insetgan.runtime.memory import keep_freed_memory
from insetgan.runtime.signals import handle_stop_signals, raise_stopped

if TYPE_CHECKING:
    from omegaconf import DictConfig

ROOT = Path(__file__).resolve().parents[3]  # the checkout: conf/ and experiments/ lie beside src/


def entry(run: Callable[["DictConfig"], float | None], name: str, schema: type) -> None:
    """Run `run(config)` as a Hydra job configured by conf/<name>.yaml and checked by a dataclass.

    Args:
        run: does the work; a `UserError` or an `OSError` that it raises ends in one line and exit code 2. It may return a
            number, which a sweeper of Hydra minimises or maximises.
        name: the entry point; its YAML lists `<name>_schema` first in its defaults.
        schema: dataclass of the allowed keys and their types.

    Raises:
        SystemExit: code 2 for a mistake of the user, 128 and the signal's number when stopped.
    """
    os.environ["HYDRA_FULL_ERROR"] = "1"  # let errors reach us instead of a printed traceback and exit code 1
    import hydra
    from hydra.core.config_store import ConfigStore
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    from insetgan.cli.experiments import offer_experiments
    from insetgan.cli.guard import guard_arguments
    from insetgan.cli.rules import register_rules
    from insetgan.runtime.plugins import admit, load

    if not (ROOT / "conf").is_dir():
        fail(f"no conf/ beside {ROOT / 'src'}: run from a checkout of the project, installed with pip install -e .")
    ConfigStore.instance().store(name=f"{name}_schema", node=schema)
    register_rules()
    OmegaConf.register_new_resolver("slug", slug, replace=True)
    # From the command line and not from Hydra's list of overrides, which is another for every run of a sweep.
    OmegaConf.register_new_resolver("command", lambda: f"{name}-{digest(sys.argv[1:])}", replace=True)

    working = False

    def job(config: "DictConfig") -> float | None:
        # Caught here and not around Hydra, which would first print a line of its own about the failed job.
        nonlocal working
        working = True
        keep_freed_memory()
        handle_stop_signals(raise_stopped)
        try:
            refuse_unknown(config, schema)
            load()
            return run(config)
        except (UserError, OSError, OmegaConfBaseException) as error:
            fail(explain(error, schema))

    try:
        admit(guard_arguments(sys.argv[1:]))
        offer_experiments(ROOT)
        hydra.main(version_base="1.3", config_path=str(ROOT / "conf"), config_name=name)(job)()
        sys.stdout.flush()
    except BrokenPipeError:  # of --help; the output of the work itself goes through `terminal.PatientConsole`
        from insetgan.cli.terminal import silence

        silence(sys.stdout)
        raise SystemExit(128 + signal.SIGPIPE) from None
    except (HydraException, OmegaConfBaseException, OSError, ValueError, YAMLError, RecursionError) as error:
        # Hydra itself raises ValueError for a group that is overridden by no name; one of the job's is a bug of ours.
        if working and not isinstance(error, (HydraException, OmegaConfBaseException)):
            raise
        fail(explain(error, schema))
    except (KeyboardInterrupt, Stopped) as error:
        number = error.number if isinstance(error, Stopped) else signal.SIGINT
        word = "interrupted" if number == signal.SIGINT else f"stopped by {number.name}"
        print(f"{word}; what is finished is kept, and the same command goes on from there", file=sys.stderr)  # noqa: T201
        raise SystemExit(128 + number) from None


def refuse_unknown(config: "DictConfig", schema: type, path: str = "") -> None:
    """Refuse keys that were added with + beside the schema's, and empty text, which stands for nothing sensible.

    Raises:
        UserError: naming the key.
    """
    from omegaconf import OmegaConf

    known: dict[str, Any] = {field.name: field.type for field in fields(schema)}
    for key in config:
        name, full = str(key), path + str(key)
        if name not in known:
            raise UserError(path + _unknown_key(name, schema))
        value: Any = None if OmegaConf.is_missing(config, name) else config[name]
        if value == "":
            raise UserError(f"{full}=: must not be empty")
        if is_dataclass(known[name]):
            refuse_unknown(value, known[name], f"{full}.")


def slug(overrides: str) -> str:
    """Name the folder of one run of a sweep after its overrides: paths cut to their last part, at most 120 characters."""
    return re.sub(r"[^=,]*/", "", overrides)[:120]


def digest(arguments: Iterable[str]) -> str:
    """Name the folder of a sweep after its command, so that the same command finds it again and goes on there."""
    return hashlib.sha256("\n".join(arguments).encode()).hexdigest()[:8]


def fail(message: str) -> NoReturn:
    """Print one line on standard error and exit with code 2."""
    print(f"error: {message}", file=sys.stderr)  # noqa: T201 - the terminal is this module's business
    raise SystemExit(2)


def explain(error: Exception, schema: type) -> str:
    """Say in one line what the user did wrong and what is allowed."""
    from yaml import YAMLError

    if isinstance(error, UserError):
        return " ".join(str(error).split())
    text = " ".join(f"{error} {error.__cause__ or ''}".split())
    if isinstance(error, (YAMLError, RecursionError)):  # settings that are nested too deep
        return f"cannot read a configuration file: {text}"
    if said := _wrong_choice(text):
        return said
    if isinstance(error, OSError):
        return f"{error.filename or 'file'}: {error.strerror or error}"
    if match := re.search(r"Missing mandatory value: (\S+)", text):
        return f"{match[1]} is not given: add " + (
            " or ".join(f"+{match[1]}={choice}" for choice in _choices(match[1])) or f"{match[1]}=..."
        )
    if match := re.search(r"Key '([^']+)' (?:is )?not in (?:struct|'\w+')", text):
        return _unknown_key(_full_key(text) or match[1], schema)
    if match := re.search(r"Could not delete from config\. ['\"]?([\w.@]+)", text):
        return f"~{match[1]}: this setting has to stay"
    if "LexerNoViableAlt" in text or "no viable alternative" in text or "token recognition" in text:
        return (
            f"cannot read the command line: {text[:80]}; quote special characters, once for the shell and text once more "
            """for the setting, as in 'seeds=[1,2]' and 'out="/tmp/café"'"""
        )
    if match := re.search(r"(?:Value|Cannot convert) '([^']*)'.*? to (\w+)", text):
        return f"{_full_key(text)}={match[1]}: must be {_KINDS.get(match[2].lower(), match[2].lower())}"
    return re.sub(r" (full_key|object_type|reference_type)[:=].*$", "", text)


def _wrong_choice(text: str) -> str | None:
    """What Hydra says of a choice that a group does not have, alone or in a list, and of one number for many settings."""
    if match := re.search(r"Could not find '(\S+)' Available options in '\S+': (.*?) Config search path", text):
        return f"{match[1]}: no such choice (allowed: {', '.join(match[2].split())})"
    if match := re.search(r"Could not load '((\S+)/[^/']+)'", text):
        return f"{match[1]}: no such choice (allowed: {', '.join(_choices(match[2]))})"
    if match := re.search(r"Error merging override ((\S+?)=\S*) Invalid type assigned", text):
        return f"{match[1]}: stands for several settings; give them one by one, as {match[2]}.NAME=VALUE"
    if "Config group override must be a string or a list" in text:  # it does not say which
        for argument in sys.argv[1:]:
            group, _, value = argument.lstrip("+").partition("=")
            if (choices := _choices(group)) and value not in choices:
                return f"{group}={value}: no such choice (allowed: {', '.join(choices)})"
    return None


def _choices(group: str) -> list[str]:
    return sorted(path.stem for path in (ROOT / "conf" / group).glob("*.yaml"))


_KINDS = {"float": "a number", "integer": "a whole number", "int": "a whole number", "bool": "true or false"}


def _full_key(text: str) -> str:
    match = re.search(r"full_key: (\S+)", text)
    return match[1] if match else ""


def _unknown_key(key: str, schema: type) -> str:
    """Name what stands beside the misspelt key: the fields of the schema, as deep as they are known."""
    *path, last = key.split(".")
    for name in path:
        schema = next((f.type for f in fields(schema) if f.name == name and is_dataclass(f.type)), None)  # type: ignore[assignment]
        if schema is None:
            return f"{key}: no such setting in {'.'.join(path)}"
    allowed = [field.name for field in fields(schema)]
    near = difflib.get_close_matches(last, allowed, n=1)
    hint = f"did you mean {near[0]}? " if near and near[0] != last else ""
    return f"{key}: no such setting; {hint}(allowed: {', '.join(allowed)})"
