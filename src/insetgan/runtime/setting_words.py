"""Settings in words: their values as the command line has them, and the values that a type allows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

_LONGEST = 80  # characters of a value in a message


@dataclass(frozen=True)
class Words:
    """Says in words what a setting may be, in the place of what its type says: `Annotated[str, Words("a path")]`."""

    text: str


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


def parts_of(hint: Any) -> Iterator[Any]:
    """All types that a type is made of."""
    if get_origin(hint) is None:
        yield hint
    elif get_origin(hint) is Annotated:
        yield from parts_of(get_args(hint)[0])
    elif get_origin(hint) is not Literal:
        for part in get_args(hint):
            yield from parts_of(part)


_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", NoneType: "null"}
_MANY = {int: "whole numbers", float: "numbers", str: "texts"}


def allowed_words(hint: Any) -> str:
    """Values of a type in words, such as "a whole number from 1 to 10"."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        if said := next((entry.text for entry in inner[1:] if isinstance(entry, Words)), ""):
            return said
        said, null, _ = allowed_words(inner[0]).partition(" or null")
        return said + _range(inner[1:]) + null
    if origin is Literal:
        return ("one of " if len(inner) > 1 else "") + ", ".join(map(shown, inner))
    if origin in (Union, UnionType):
        return " or ".join(said for part in inner if (said := allowed_words(part)))
    if origin in (list, tuple):
        element = next((part for part in inner if part is not Ellipsis), Any)
        plain = next(iter(parts_of(element)), Any)
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
        return f" from {number_text(found['ge'])} to {number_text(found['le'])}"
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    return "".join(f"{' and' if at else ''} {words[name]} {number_text(found[name])}" for at, name in enumerate(found))


def number_text(value: float) -> str:
    """A number without the `.0` of whole ones."""
    whole = isinstance(value, int) or (value.is_integer() and abs(value) < 1e15)
    return str(int(value)) if whole else f"{value:g}"
