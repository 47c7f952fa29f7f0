"""`--help` of the commands, from what the classes of settings declare and from the files of conf/; imports nothing heavy."""

import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from insetgan import __version__
from insetgan.cli.places import CONF, choices_of, experiment_folders
from insetgan.cli.sources import describe_target, describe_value
from insetgan.runtime.printing import printable, say_error, silence
from insetgan.runtime.settings import Setting, declared, shown

_INDENT = 26


def answer(command: str, cls: type, arguments: Sequence[str]) -> None:
    """Print the version, or help.

    Args:
        command: its name, as in `insetgan refine`.
        cls: the class of its settings.
        arguments: of the command line; those without a dash are what help is wanted for.

    Raises:
        SystemExit: code 2 for a topic that there is not.
    """
    if "--version" in arguments:
        lines = [f"insetgan {__version__}"]
    else:
        topics = [argument for argument in arguments if not argument.startswith("-")]
        try:
            lines = [line for topic in topics for line in about(command, cls, topic)] or list(overview(command, cls))
        except LookupError as error:
            say_error(f"error: {error.args[0]}")
            raise SystemExit(2) from None
    try:
        print("\n".join(map(printable, lines)), flush=True)  # noqa: T201
    except (OSError, ValueError):
        silence(sys.stdout)
        raise SystemExit(141) from None


def overview(command: str, cls: type) -> Iterator[str]:
    """Yield the lines of a command's help: its settings with descriptions and ranges, and its groups."""
    given, groups = _given(command), _groups(command, cls)
    yield f"Usage: insetgan {command} [key=value | group=choice | -m key=a,b]..."
    yield f"       insetgan {command} --help NAME    more about a setting or a group"
    yield ""
    yield "Groups"
    for group in groups:
        default = given.get(group)
        yield from _entry(f"{'' if group in given else '+'}{group}={shown(default or '')}", ", ".join(_choices(group)))
    yield ""
    yield "Settings"
    for setting in declared(cls):
        if setting.name not in groups:
            yield from _setting(setting, given, "")
    yield ""
    yield "Options"
    yield from _entry("-m", "try all combinations of several values, as in -m trunc=0.5,0.7")
    yield from _entry("--cfg job", "print the settings as they are composed, and do nothing")
    yield from _entry("--config-dir FOLDER", "look for groups and choices there as well")
    yield from _entry("--version", "print the version")


def about(command: str, cls: type, topic: str) -> Iterator[str]:
    """Yield lines about one setting, group, choice (`group=choice`) or experiment.

    Raises:
        LookupError: there is no such thing; the message says what there is.
    """
    group, _, choice = topic.lstrip("+").partition("=")
    groups, given = _groups(command, cls), _given(command)
    if group in groups:
        yield from _about_group(group, choice, given.get(group))
        return
    inner, name = cls, ""
    for step in group.split("."):
        known = {setting.name: setting for setting in declared(inner)} if inner else {}
        if step not in known:
            names = ", ".join(dict.fromkeys([*groups, *known]))
            raise LookupError(f"--help {topic}: no such setting or group (there are: {names})")
        name, inner = step, known[step].inner  # type: ignore[assignment]
    yield from _setting(known[name], given, group.rpartition(".")[0] and group.rpartition(".")[0] + ".")


def _about_group(group: str, choice: str, default: Any) -> Iterator[str]:
    files = _files(group)
    if choice and choice not in files:
        raise LookupError(f"--help {group}={choice}: no such choice (allowed: {', '.join(files)})")
    if not choice:
        yield f"Choices of {group}"
        for name, path in files.items():
            yield from _entry(f"{group}={name}", _headline(path))
        yield ""
    shown_choice = choice or (default[0] if isinstance(default, list) and default else default)
    if shown_choice not in files:
        return
    yield f"{group}={shown_choice}"
    text = files[shown_choice].read_text(encoding="utf-8")
    yield from (f"  {line}" for line in text.rstrip().splitlines())
    if _begins_with_class_defaults(group, shown_choice, files):
        yield from ("", *_CLASS_DEFAULTS[group]())
    seen: set[str] = set()
    for target in re.findall(r"_target_: ([\w.]+)", text):
        if target not in seen:
            seen.add(target)
            yield from ("", *describe_target(target))


_CLASS_DEFAULTS: dict[str, Callable[[], Iterator[str]]] = {
    "schedule": lambda: describe_target("insetgan.refine.schedule.Schedule"),
    "objective": lambda: describe_value("insetgan.refine.terms.paper.PAPER"),
}
"""Groups whose first choice stands in Python: what `class_defaults` is there, see `cli.rules`."""


def _begins_with_class_defaults(group: str, choice: str, files: dict[str, Path]) -> bool:
    """Whether a choice, or one that it is made from, starts from the defaults of a class."""
    if choice not in files or group not in _CLASS_DEFAULTS:
        return False
    content = yaml.safe_load(files[choice].read_text(encoding="utf-8")) or {}
    named = [entry for entry in content.get("defaults", ()) if isinstance(entry, str) and entry != "_self_"]
    return "class_defaults" in named or any(_begins_with_class_defaults(group, name, files) for name in named)


def _files(group: str) -> dict[str, Path]:
    if group == "experiments":
        return {path.stem: path for folder in experiment_folders() for path in sorted(folder.glob("*.yaml"))}
    return {name: CONF / group / f"{name}.yaml" for name in choices_of(group)}


def _headline(path: Path) -> str:
    """The comment with which a file opens, up to its first line that is no comment."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("# @package")]
    comment = []
    for line in lines:
        if not line.startswith("# "):
            break
        comment.append(line[2:])
    return comment[0] if comment else ""


def _choices(group: str) -> list[str]:
    return list(_files(group))


def _groups(command: str, cls: type) -> list[str]:
    """Groups of the command: those of its defaults list, and settings that are chosen from conf/."""
    listed = [key for key in _defaults(command) if (CONF / key).is_dir()]
    chosen = [setting.name for setting in declared(cls) if (CONF / setting.name).is_dir()]
    experiments = [
        "experiments" for path in _files("experiments").values() if f"python {command}.py" in path.read_text("utf-8")
    ]
    return list(dict.fromkeys([*chosen, *listed, *experiments]))


def _defaults(command: str) -> dict[str, Any]:
    content = yaml.safe_load((CONF / f"{command}.yaml").read_text(encoding="utf-8"))
    entries = [entry for entry in content.get("defaults", ()) if isinstance(entry, dict)]
    return {str(key).split()[-1].lstrip("/"): value for entry in entries for key, value in entry.items()}


def _given(command: str) -> dict[str, Any]:
    """What conf/<command>.yaml says, settings with their full keys and groups with their choices."""
    content = yaml.safe_load((CONF / f"{command}.yaml").read_text(encoding="utf-8"))
    flat: dict[str, Any] = {}

    def flatten(prefix: str, node: Any) -> None:
        for key, value in node.items():
            if isinstance(value, dict):
                flatten(f"{prefix}{key}.", value)
            else:
                flat[f"{prefix}{key}"] = value

    flatten("", {key: value for key, value in content.items() if key not in ("defaults", "hydra")})
    return flat | _defaults(command)


def _setting(setting: Setting, given: dict[str, Any], prefix: str) -> Iterator[str]:
    key = prefix + setting.name
    if setting.inner is not None:
        yield from _entry(f"{key}.", setting.description)
        by_name = setting.default == "{}"
        for inner in declared(setting.inner):
            yield from _setting(inner, given, f"{key}.NAME." if by_name else f"{key}.")
        return
    default = shown(given[key]) if key in given else setting.default
    allowed = f" ({setting.allowed})" if setting.allowed and setting.allowed != "text" else ""
    yield from _entry(key if default is None else f"{key}={default}", setting.description + allowed)


def _entry(name: str, text: str) -> Iterator[str]:
    """A name and what it is, beside each other or below each other."""
    width = min(shutil.get_terminal_size((120, 40)).columns, 140)
    lines = textwrap.wrap(text, max(width - _INDENT - 2, 30)) or [""]
    first = f"  {name:<{_INDENT - 2}}"
    if len(name) + 2 >= _INDENT:
        yield f"  {name}"
    else:
        yield (first + lines.pop(0)).rstrip()
    yield from (" " * _INDENT + line for line in lines)
