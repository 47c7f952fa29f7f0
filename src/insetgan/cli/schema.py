"""From a class of settings to what Hydra checks keys against, and from Hydra's configuration back to checked settings."""

from collections.abc import Iterator
from dataclasses import MISSING, field, fields, is_dataclass, make_dataclass
from functools import cache, partial
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from omegaconf import MISSING as GIVEN_LATER
from omegaconf import DictConfig, OmegaConf

from insetgan.runtime.settings import SettingError, read

T = TypeVar("T")


@cache
def schema_of(cls: Any) -> type:
    """Return a dataclass with the keys of a class of settings, which takes any value for each.

    OmegaConf would convert values, such as the text "3" into the number; the class of settings itself refuses them.

    Args:
        cls: declared with `runtime.settings.settings`.
    """
    found: list[Any] = []
    for setting in fields(cls):
        kind, inner = _kind(cls, setting.name)
        if kind == "one":
            schema = schema_of(inner)
            found.append((setting.name, schema, field(default_factory=schema)))
        elif kind == "by name":
            # Of any type, since OmegaConf takes no new names on the command line for a dict of dataclasses.
            found.append((setting.name, dict[str, Any], field(default_factory=dict)))
        elif setting.default_factory is not MISSING:
            found.append((setting.name, Any, field(default_factory=setting.default_factory)))
        else:
            default: Any = GIVEN_LATER if setting.default is MISSING else setting.default
            if isinstance(default, tuple):
                found.append((setting.name, Any, field(default_factory=partial(list, default))))
            else:
                found.append((setting.name, Any, field(default=default)))
    return make_dataclass(cls.__name__, found)


def conform(config: DictConfig, cls: type[T]) -> T:
    """Read settings from a composed configuration, and put them back in the types that are declared.

    Args:
        config: composed on top of `schema_of(cls)`; a setting of an open type (`Any`, `dict[str, Any]`) stays a node of it.
        cls: the class of settings.

    Returns:
        The settings. In `config` whole numbers have become floats where these are declared, and interpolations their values.

    Raises:
        SettingError: a setting that there is not, an empty text, or a value that is not allowed.
    """
    settings = read(cls, dict(_given(config, cls, "")))
    _put_back(config, settings)
    return settings


def _kind(cls: Any, name: str) -> tuple[str, Any]:
    """How a setting holds others: "one" class of settings, several "by name", an "open" node, or a "plain" value."""
    hint = get_type_hints(cls)[name]
    if is_dataclass(hint):
        return "one", hint
    if get_origin(hint) is dict:
        return "by name", get_args(hint)[1]
    return ("open", None) if hint is Any else ("plain", None)


def _given(config: DictConfig, cls: Any, path: str) -> Iterator[tuple[str, Any]]:
    known = {setting.name for setting in fields(cls)}
    for key in config:
        name, full = str(key), f"{path}{key!s}"
        value = config[name]
        if isinstance(value, str) and value == "":
            raise SettingError(full, "must not be empty", "")
        kind, inner = _kind(cls, name) if name in known else ("open", Any)
        if kind == "one" and isinstance(value, DictConfig):
            yield name, dict(_given(value, inner, f"{full}."))
        elif kind == "by name" and isinstance(value, DictConfig):
            deep = is_dataclass(inner)
            yield (
                name,
                {
                    str(each): dict(_given(held, inner, f"{full}.{each!s}.")) if deep and held is not None else held
                    for each, held in value.items()
                },
            )
        else:
            plain = kind == "plain" and OmegaConf.is_config(value)
            yield name, OmegaConf.to_container(value, resolve=True) if plain else value


def _put_back(config: DictConfig, settings: Any) -> None:
    for setting in fields(settings):
        value = getattr(settings, setting.name)
        kind, inner = _kind(type(settings), setting.name)
        if kind == "one":
            _put_back(config[setting.name], value)
        elif kind == "by name" and isinstance(inner, type) and is_dataclass(inner):
            for name, held in value.items():
                whole = OmegaConf.structured(schema_of(inner))
                _put_back(whole, held)
                config[setting.name][name] = whole
        elif kind == "plain" or config[setting.name] is not value:
            config[setting.name] = list(value) if isinstance(value, tuple) else value
