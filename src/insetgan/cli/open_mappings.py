"""Mappings whose names the user chooses, such as the boxes of `finder=fixed`: names are added to them as they are typed.

Hydra closes every mapping before it reads the command line, so that a misspelt setting is found; a new name would need a `+`.
A mapping that an object takes as an argument has no settings: its names are data.
"""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import DictConfig, OmegaConf


def open_mappings() -> None:
    """Have Hydra add new names to the mappings that objects take as arguments; elsewhere they stay mistakes."""
    original: Callable[..., None] = ConfigLoaderImpl._apply_overrides_to_config
    original = getattr(original, "__wrapped__", original)

    @wraps(original)
    def apply_overrides(overrides: Any, cfg: DictConfig) -> None:
        mappings = list(_arguments(cfg, inside=False))
        for mapping in mappings:
            OmegaConf.set_struct(mapping, False)
        original(overrides, cfg)
        for mapping in mappings:
            OmegaConf.set_struct(mapping, None)

    ConfigLoaderImpl._apply_overrides_to_config = staticmethod(apply_overrides)  # type: ignore[method-assign]


def _arguments(node: DictConfig, *, inside: bool) -> Iterator[DictConfig]:
    """Mappings below objects that are no objects themselves; those that lead elsewhere (`${...}`) belong there."""
    for name in node:
        held = node._get_node(name)
        if not isinstance(held, DictConfig) or held._is_none() or held._is_interpolation() or held._is_missing():
            continue
        built = "_target_" in held
        if inside and not built:
            yield held
        yield from _arguments(held, inside=built)
