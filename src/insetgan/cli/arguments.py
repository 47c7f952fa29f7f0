"""The command line before Hydra reads it: text stays as it is typed.

Hydra takes `out=2024_05_01` for the number 20240501, `1e3` for 1000.0, and it stops at an "=" or a "~" in a value. Values of
settings that are declared as text are therefore put in quotes, unless Hydra reads them as that text anyway.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from omegaconf import DictConfig, OmegaConf

from insetgan.runtime.errors import UserError

OPEN_TEXT = ("path", "name_or_path", "weights", "project", "name", "group", "save_dir", "title")
"""Settings of objects that are built from conf/, whose class is not known before, and that are text."""

_PLAIN = re.compile(r"[A-Za-z_/.][\w./-]*(?<![.])", re.ASCII)
_KEYWORD = re.compile(r"(?i)true|false|null|inf|nan|[+-]?(\d|\.\d).*|\.+")
_FUNCTION = re.compile(
    r"(choice|range|interval|glob|sort|shuffle|tag|cast|int|float|str|bool|json_str|extend_list)\s*\("
)


def as_typed(arguments: Sequence[str], cls: type) -> list[str]:
    """Return the arguments with each value of a text setting in quotes where Hydra would read something else.

    Args:
        arguments: of the command.
        cls: the class of the command's settings.
    """
    sweeps = any(argument in ("-m", "--multirun") for argument in arguments)
    return [_argument(argument, cls, sweeps) for argument in arguments]


def text_kind(cls: type, key: str) -> frozenset[type]:
    """Return the types among str, int and list that a setting takes; empty for one that takes no text."""
    hint: Any = cls
    for step in key.split("."):
        if is_dataclass(hint):
            known = {field.name for field in fields(hint)}
            hint = get_type_hints(hint)[step] if step in known else None
        elif get_origin(hint) is dict:
            hint = get_args(hint)[1]
        elif hint is not Any:
            return frozenset()
    if is_dataclass(hint) or get_origin(hint) is dict:
        return frozenset()
    if hint is Any:
        return frozenset((str,) if key.rpartition(".")[2] in OPEN_TEXT else ())
    parts = get_args(hint) if get_origin(hint) not in (list, None) else (hint,)
    kinds = {list if get_origin(part) is list and str in _leaves(part) else part for part in parts}
    found = frozenset(kind for kind in kinds if kind in (str, int, list))
    return found if found & {str, list} else frozenset()


def _leaves(hint: Any) -> Iterator[Any]:
    for part in get_args(hint) or (hint,):
        yield from _leaves(part) if get_args(part) else (part,)


def _argument(argument: str, cls: type, sweeps: bool) -> str:
    match = re.fullmatch(r"(\+{0,2})([\w.-]+)=(.*)", argument, re.DOTALL)
    if not match:
        return argument
    key = f"{match[1] or _added(cls, match[2]) or _defined(cls, match[2], match[3])}{match[2]}="
    kinds = text_kind(cls, match[2])
    return key + (_value(match[3], kinds, sweeps) if kinds and match[3].strip() else match[3])


def _added(cls: type, key: str) -> str:
    """`++` before a setting of a part or a method: conf/ need not state it, so Hydra may not know it yet."""
    group, _, rest = key.partition(".")
    hint = get_type_hints(cls).get(group)
    name, _, setting = rest.partition(".")
    if get_origin(hint) is not dict or not is_dataclass(inner := get_args(hint)[1]) or not name:
        return ""
    return "++" if setting in {field.name for field in fields(inner)} else ""


def _defined(cls: type, key: str, value: str) -> str:
    """`++` before `method.mine={...}` and `method={mine: {...}}`: whole definitions may be new, and are checked as such."""
    group, _, name = key.partition(".")
    named = get_origin(get_type_hints(cls).get(group)) is dict and "." not in name
    return "++" if named and re.fullmatch(r"\{.*\S.*\}", value, re.DOTALL) else ""


def refuse_nothing(composed: DictConfig, overrides: Sequence[str]) -> None:
    """Refuse `parts={}`, which would say nothing: settings are merged into those that there are.

    Args:
        composed: the configuration.
        overrides: as Hydra lists them.

    Raises:
        UserError: naming the setting that holds more than nothing.
    """
    for text in overrides:
        key, equals, value = text.lstrip("+").partition("=")
        if equals and re.fullmatch(r"\{\s*\}", value) and (held := OmegaConf.select(composed, key)):
            raise UserError(f"{key}={value}: changes nothing; ~{key}.{next(iter(held))} takes one away")


def refuse_new_names(
    composed: Mapping[str, Any], cls: type, overrides: Sequence[str], compose: Callable[[list[str]], Mapping[str, Any]]
) -> None:
    """Refuse settings of a part or method that the command line alone knows, where no plus says that it is new.

    Args:
        composed: the configuration.
        cls: the class of the command's settings.
        overrides: as Hydra lists them, after `as_typed`.
        compose: composes the configuration with other overrides.

    Raises:
        UserError: naming those that there are.
    """
    given = {match[1] for text in overrides if (match := re.match(r"\+\+([\w.-]+)=", text))}
    for group, hint in get_type_hints(cls).items():
        held = composed[group] if get_origin(hint) is dict else {}
        suspects = [
            name for name in held if isinstance(held[name], Mapping) and _all_of(f"{group}.{name}", held, given)
        ]
        if not suspects:
            continue
        known = compose([text for text in overrides if not text.startswith(f"++{group}.")])[group]
        for name in suspects:
            if name not in known:
                raise UserError(
                    f"{group}.{name}: there is none (there are: {', '.join(map(str, known))}); "
                    f"+{group}.{name}.NAME=VALUE adds one"
                )


def _all_of(prefix: str, held: Mapping[str, Any], given: set[str]) -> bool:
    return {f"{prefix}.{key}" for key in held[prefix.rpartition(".")[2]]} <= given


def _value(value: str, kinds: frozenset[type], sweeps: bool) -> str:
    if list in kinds and value.startswith("[") and value.endswith("]") and "[" not in value[1:]:
        inner = [_one(part.strip(), kinds - {str} | {str}) for part in _split(value[1:-1])]
        return f"[{','.join(inner)}]"
    if sweeps and (match := re.match(_FUNCTION, value)):
        if match[1] != "choice" or not value.endswith(")"):
            return value
        return f"choice({','.join(_one(part.strip(), kinds) for part in _split(value[7:-1]))})"
    if str not in kinds:
        return value
    if sweeps:
        return ",".join(_one(part, kinds) for part in _split(value))
    return _one(value, kinds)


def _one(value: str, kinds: frozenset[type]) -> str:
    """One value: as it is where Hydra reads the same text or the number that is meant, else in quotes."""
    quoted = len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]
    if not value or quoted or "${" in value or value.lower() == "null":
        return value
    if int in kinds and re.fullmatch(r"0|[1-9]\d*", value):
        return value
    if list in kinds and value.startswith("[") and value.endswith("]"):
        return value
    if re.fullmatch(_PLAIN, value) and not re.fullmatch(_KEYWORD, value):
        return value
    # Backslashes mean something to Hydra before a quote alone.
    return "'" + re.sub(r"(\\*)('|$)", lambda match: match[1] * 2 + ("\\'" if match[2] else ""), value) + "'"


def _split(value: str) -> list[str]:
    r"""Split at commas outside quotes and brackets; `\,` is a comma of the text."""
    parts, quote, depth, at = [""], "", 0, 0
    while at < len(value):
        letter = value[at]
        if letter == "\\" and value[at + 1 : at + 2] == "," and not quote:
            parts[-1] += ","
            at += 2
            continue
        if quote:
            quote = "" if letter == quote and value[at - 1] != "\\" else quote
        elif letter in "'\"" and not parts[-1].strip():
            quote = letter
        depth += (letter in "([{") - (letter in ")]}") if not quote else 0
        if letter == "," and not quote and depth <= 0:
            parts.append("")
        else:
            parts[-1] += letter
        at += 1
    return parts
