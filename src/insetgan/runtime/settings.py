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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, dataclass_transform, get_args, get_origin, get_type_hints

import pydantic
from pydantic import AllowInfNan, ConfigDict, Strict, ValidationError

from insetgan.runtime.errors import UserError
from insetgan.runtime.setting_words import Words as Words
from insetgan.runtime.setting_words import allowed_words, number_text, parts_of
from insetgan.runtime.setting_words import shown as shown

T = TypeVar("T")

_CONFIG = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
_ABSENT: Any = object()


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
        inner = next((part for part in parts_of(hint) if is_dataclass(part)), None)
        found.append(
            Setting(
                field.name,
                getattr(known.get(field.name), "description", None) or "",
                "" if inner else allowed_words(hint),
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
    "greater_than_equal": lambda given: f"must be at least {number_text(given['ge'])}",
    "greater_than": lambda given: f"must be above {number_text(given['gt'])}",
    "less_than_equal": lambda given: f"must be at most {number_text(given['le'])}",
    "less_than": lambda given: f"must be below {number_text(given['lt'])}",
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
            cls = next((part for part in parts_of(hint) if is_dataclass(part)), cls)  # type: ignore[assignment]
    return cls
