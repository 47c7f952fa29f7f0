"""What the file of a network says of it beside its tensors, held against what is built."""

from collections.abc import Mapping
from typing import Any

from insetgan.weights.published.modules import Module
from insetgan.weights.published.plain import plain, word
from insetgan.weights.published.refused import constructor


def known_of(modules: Mapping[str, Module]) -> dict[str, Any]:
    """The class and its arguments, for people: plain values alone."""
    return {"class_name": modules[""].class_name[:100], "arguments": plain(constructor(modules[""]))}


def inner_arguments(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A table among the arguments, such as `mapping_kwargs`; empty where there is none."""
    found = said.get(name)
    return found if isinstance(found, dict) else {}


def clamp_of(modules: Mapping[str, Module], said: Mapping[str, Any]) -> float | None:
    """conv_clamp: an attribute of the layers, which knows defaults that the arguments leave out.

    Raises:
        ValueError: layers differ, or it is no number.
    """
    of_layers = [module.state["conv_clamp"] for module in modules.values() if "conv_clamp" in module.state]
    found = of_layers or [said.get("conv_clamp")]
    for value in found:
        if value is not None and type(value) not in (int, float):
            raise ValueError("has a conv_clamp that is no number")
        if value != found[0]:
            raise ValueError(f"has layers of different conv_clamp, {found[0]} and {value}")
    clamp: float | None = found[0]
    return clamp


def refuse_values(said: Mapping[str, Any], allowed: Mapping[str, tuple[Any, ...]]) -> None:
    """Refuse arguments with other values than those that are built; what is not said has the first of these.

    Raises:
        ValueError: naming the first.
    """
    for name, values in allowed.items():
        value = said.get(name, values[0])
        if not isinstance(value, (str, int, float)) or value not in values:
            raise ValueError(f"has {name}={word(value)}, must have {' or '.join(map(str, values))}")
