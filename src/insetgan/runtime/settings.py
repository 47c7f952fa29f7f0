"""Settings are declared once: type, range and description stand on the class that uses them.

    @settings
    class Walk:
        '''A walk from seed to seed.'''

        frames: Annotated[int, Field(ge=1, le=10_000, description="images from one seed to the next")] = 24
        ease: Annotated[Literal["none", "cosine"], Field(description="how the speed changes")] = "none"

`Walk(frames=0)` raises the `UserError` "frames=0: must be at least 1". `declared(Walk)` lists what `--help` prints.
"""

import dataclasses
import difflib
import functools
import inspect
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, dataclass_transform, get_args, get_origin, get_type_hints

import pydantic
from pydantic import AllowInfNan, ConfigDict, Strict, ValidationError

from insetgan.runtime.errors import UserError

T = TypeVar("T")

_CONFIG = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
_ABSENT: Any = object()
_LONGEST = 80  # characters of a value in a message


@dataclass(frozen=True)
class Words:
    """Says in words what a setting may be, in the place of what its type says: `Annotated[str, Words("a path")]`."""

    text: str


class SettingError(UserError):
    """A setting with a value that it may not have.

    Args:
        key: the setting, as seen from the object that refuses it, such as "frames".
        problem: what is allowed, such as "must be at least 1".
        value: the value that was given; left out where it says nothing.
    """

    def __init__(self, key: str, problem: str, value: Any = _ABSENT) -> None:
        super().__init__(f"{key}: {problem}" if value is _ABSENT else f"{key}={shown(value)}: {problem}")
        self.key, self.problem, self.value = key, problem, value

    def under(self, prefix: str) -> "SettingError":
        """Return the same error with its full key, `prefix` and a dot before it; an empty prefix changes nothing."""
        return SettingError(f"{prefix}.{self.key}" if prefix else self.key, self.problem, self.value)


@dataclass_transform(frozen_default=True, field_specifiers=(pydantic.Field, dataclasses.field))
def settings(cls: Any = None, *, kw_only: bool = False) -> Any:
    """Declare a frozen class of settings, as `dataclasses.dataclass` does, whose values are checked.

    Text is not taken for a number, true is not 1, 3.0 is not a whole number, and numbers are finite. Lists are accepted for
    tuples, and mappings for other classes of settings. Checks that compare several settings belong into `__post_init__`,
    which raises `SettingError`.

    Args:
        cls: the class; its fields are annotated with `Annotated[type, pydantic.Field(ge=..., le=..., description=...)]`.
        kw_only: accept keyword arguments only.

    Returns:
        The class. Its constructor raises `SettingError` for an unknown setting and for a value that is not allowed.
    """

    def declare(cls: Any) -> Any:
        hints = get_type_hints(cls, include_extras=True)
        own = inspect.get_annotations(cls)
        cls.__annotations__ = {name: _strict(hints[name]) for name in own}
        made: Any = pydantic.dataclasses.dataclass(cls, config=_CONFIG, frozen=True, kw_only=kw_only)
        checked = made.__init__

        @functools.wraps(checked)
        def __init__(self: Any, *args: Any, **given: Any) -> None:
            try:
                checked(self, *args, **given)
            except ValidationError as error:
                raise _refusal(error, type(self), given) from None

        made.__init__ = __init__
        return made

    return declare if cls is None else declare(cls)


def read(cls: type[T], given: Mapping[str, Any], key: str = "") -> T:
    """Make settings of a mapping.

    Args:
        cls: a class declared with `settings`.
        given: values by name; settings that are left out keep their defaults.
        key: full key of the mapping, for messages.

    Raises:
        SettingError: an unknown setting, one that is missing, or a value that is not allowed.
    """
    try:
        return cls(**given)
    except SettingError as error:
        raise error.under(key) from None


def shown(value: Any) -> str:
    """Return a value as it is written on the command line, at most 80 characters of it."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, Mapping):
        text = "{" + ",".join(f"{name}:{shown(inner)}" for name, inner in value.items()) + "}"
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        text = "[" + ",".join(map(shown, value)) + "]"
    else:
        text = str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


@dataclass(frozen=True)
class Setting:
    """What is declared of one setting.

    Attributes:
        name: of the setting.
        description: what it is.
        allowed: the values that it may have, in words; empty where anything goes.
        default: the value that it has unless given, as it is written on the command line; None where it must be given.
        inner: the class of settings that it holds, if it holds one.
    """

    name: str
    description: str
    allowed: str
    default: str | None
    inner: type | None


def declared(cls: type) -> list[Setting]:
    """List the settings of a class declared with `settings`."""
    hints = get_type_hints(cls, include_extras=True)
    known = getattr(cls, "__pydantic_fields__", {})
    found = []
    for field in fields(cls):
        hint = hints[field.name]
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        inner = next((part for part in _parts(hint) if is_dataclass(part)), None)
        found.append(
            Setting(
                field.name,
                getattr(known.get(field.name), "description", None) or "",
                "" if inner else _allowed(hint),
                None if default is MISSING else "" if is_dataclass(default) else shown(default),
                inner,  # type: ignore[arg-type]
            )
        )
    return found


def unknown_setting(key: str, allowed: Sequence[str]) -> SettingError:
    """Return the error for a setting that there is not, with the nearest one that there is."""
    last = key.rpartition(".")[2]
    near = difflib.get_close_matches(last, allowed, n=1)
    hint = f"; did you mean {near[0]}?" if near and near[0] != last else ""
    return SettingError(key, f"no such setting{hint} (allowed: {', '.join(allowed)})")


def _strict(hint: Any) -> Any:
    """Add to each number, truth value and text of a type that nothing is converted to it."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint in (int, bool, str):
        return Annotated[hint, Strict()]
    if hint is float:
        return Annotated[float, Strict(), AllowInfNan(False)]
    if origin is Annotated:
        return Annotated[(_strict(inner[0]), *inner[1:])]
    if origin in (Union, UnionType):
        return functools.reduce(operator.or_, map(_strict, inner))
    if origin in (tuple, list, dict):
        return origin[tuple(part if part is Ellipsis else _strict(part) for part in inner)]
    return hint


def _parts(hint: Any) -> Iterator[Any]:
    """All types that a type is made of."""
    if get_origin(hint) is None:
        yield hint
    elif get_origin(hint) is Annotated:
        yield from _parts(get_args(hint)[0])
    elif get_origin(hint) is not Literal:
        for part in get_args(hint):
            yield from _parts(part)


_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", NoneType: "null"}
_MANY = {int: "whole numbers", float: "numbers", str: "texts"}


def _allowed(hint: Any) -> str:
    """Values of a type in words, such as "a whole number from 1 to 10"."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        if said := next((entry.text for entry in inner[1:] if isinstance(entry, Words)), ""):
            return said
        said, null, _ = _allowed(inner[0]).partition(" or null")
        return said + _range(inner[1:]) + null
    if origin is Literal:
        return ("one of " if len(inner) > 1 else "") + ", ".join(map(shown, inner))
    if origin in (Union, UnionType):
        return " or ".join(said for part in inner if (said := _allowed(part)))
    if origin in (list, tuple):
        element = next((part for part in inner if part is not Ellipsis), Any)
        plain = next(iter(_parts(element)), Any)
        limits = _range(get_args(element)[1:]) if get_origin(element) is Annotated else ""
        if get_origin(element) is Annotated and get_origin(get_args(element)[0]) is Literal:
            element = get_args(element)[0]
        if get_origin(element) is Literal:
            return f"a list of {', '.join(map(shown, get_args(element)))}"
        return f"a list of {_MANY.get(plain, 'values')}{limits}"
    return _KINDS.get(hint, "")


def _range(metadata: Sequence[Any]) -> str:
    found: dict[str, Any] = {}
    for entry in metadata:
        for part in (entry, *getattr(entry, "metadata", ())):
            found |= {
                name: value for name in ("ge", "gt", "le", "lt") if (value := getattr(part, name, None)) is not None
            }
    if "ge" in found and "le" in found:
        return f" from {_number(found['ge'])} to {_number(found['le'])}"
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    return "".join(f"{' and' if at else ''} {words[name]} {_number(found[name])}" for at, name in enumerate(found))


def _number(value: float) -> str:
    whole = isinstance(value, int) or (value.is_integer() and abs(value) < 1e15)
    return str(int(value)) if whole else f"{value:g}"


_TYPES: dict[str, str] = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "settings by name",
    "dataclass_type": "settings by name",
    "none_required": "null",
    "int_from_float": "a whole number",
}
_SAID: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than_equal": lambda given: f"must be at least {_number(given['ge'])}",
    "greater_than": lambda given: f"must be above {_number(given['gt'])}",
    "less_than_equal": lambda given: f"must be at most {_number(given['le'])}",
    "less_than": lambda given: f"must be below {_number(given['lt'])}",
    "finite_number": lambda _: "must be a finite number",
    "literal_error": lambda given: "must be one of " + given["expected"].replace("'", "").replace(" or ", ", "),
    "missing": lambda _: "must be given",
    "missing_argument": lambda _: "must be given",
    "missing_keyword_only_argument": lambda _: "must be given",
    "too_short": lambda given: f"must have at least {given['min_length']} of them",
    "too_long": lambda given: f"must have at most {given['max_length']} of them",
    "string_too_short": lambda _: "must not be empty",
    "string_pattern_mismatch": lambda given: f"must match {given['pattern']}",
}


def _refusal(error: ValidationError, cls: type, given: Mapping[str, Any]) -> SettingError:
    """The one line for what pydantic found, which may be several lines for one value of a union."""
    found = error.errors(include_url=False)
    first = found[0]["loc"][:1]
    located = [(_path(detail["loc"], given), detail) for detail in found if detail["loc"][:1] == first]
    told = [each for each in located if each[1]["type"] not in _TYPES] or located
    deepest = max(len(path) for path, _ in told)
    (path, detail), *others = [each for each in told if len(each[0]) == deepest]
    kind, key = detail["type"], ".".join(map(str, path))
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, SettingError):
        return cause.under(key)
    if kind == "unexpected_keyword_argument":
        return unknown_setting(key, [field.name for field in fields(_holder(cls, path))])
    if kind in _TYPES:
        kinds = dict.fromkeys(_TYPES.get(each["type"], "") for _, each in ((path, detail), *others))
        problem = "must be " + " or ".join(filter(None, kinds))
        if list(kinds) == ["text"] and isinstance(detail["input"], int | float):
            problem += ", so put it in quotes"
    elif kind in _SAID:
        problem = _SAID[kind](detail.get("ctx", {}))
    else:
        problem = str(cause or detail["msg"])
    return SettingError(key, problem, _ABSENT if kind.startswith("missing") else detail["input"])


def _path(location: tuple[int | str, ...], given: Any) -> tuple[int | str, ...]:
    """The part of pydantic's location that names keys and places; it names the branches of unions beside these."""
    path: list[int | str] = []
    for at, step in enumerate(location):
        if at == 0 or (isinstance(given, Mapping) and (step in given or at == len(location) - 1)):
            path.append(step)
            given = given.get(step) if isinstance(given, Mapping) else None
        elif isinstance(step, int) and isinstance(given, Sequence) and not isinstance(given, str):
            path.append(step)
            given = given[step] if step < len(given) else None
    return tuple(path)


def _holder(cls: type, path: tuple[int | str, ...]) -> type:
    """The class of settings that a path leads into, without its last step."""
    for step in path[:-1]:
        if isinstance(step, str) and (hint := get_type_hints(cls).get(step)) is not None:
            cls = next((part for part in _parts(hint) if is_dataclass(part)), cls)  # type: ignore[assignment]
    return cls
