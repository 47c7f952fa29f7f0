"""Judges and further feature extractors of an evaluation, some of which may be left out where their files are missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from insetgan.cli.build import instantiate
from insetgan.runtime.errors import UserError


@dataclass(frozen=True)
class Built:
    """What was built of a setting that holds objects by name.

    Attributes:
        made: the objects.
        settings: of each, without `optional`.
        left_out: those that could not be had, by the name of their setting, and why.
    """

    made: Mapping[str, Any]
    settings: Mapping[str, Any]
    left_out: Mapping[str, str]


def build_named(config: DictConfig, key: str, kind: type) -> Built:
    """Build the objects of a setting; one with `optional: true` is left out where something that it needs is missing.

    Args:
        config: of evaluate.py.
        key: of the setting, judges or more_features.
        kind: see `build.instantiate`.

    Raises:
        UserError: an object without `optional` cannot be had, or a node or a name is none.
    """
    given: Any = OmegaConf.to_container(config[key], resolve=True)
    made, settings, left_out = {}, {}, {}
    for name, node in given.items():
        if not str(name).isidentifier():
            raise UserError(f"{key}.{name}: needs a name of letters, digits and underscores")
        if not isinstance(node, dict):
            raise UserError(f"{key}.{name}={node}: must be described by _target_ and its arguments")
        optional = node.pop("optional", False)
        if not isinstance(optional, bool):
            raise UserError(f"{key}.{name}.optional={optional}: must be true or false")
        settings[name] = node
        try:
            made[name] = instantiate(OmegaConf.create({key: {name: node}})[key][name], kind)
        except UserError as error:
            if not optional:
                raise
            left_out[f"{key}.{name}"] = str(error)
    return Built(made, settings, left_out)
