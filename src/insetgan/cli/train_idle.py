"""Settings of train.py that have no effect beside the others."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

_OF_MODELS = (
    *("part", "generator", "recipe", "lr", "gamma", "batch_gpu"),
    *(f"data.{name}" for name in ("mirror", "labels", "on_fault", "check", "crop", "grey", "background")),
)
"""Settings that act where a file of conf/model refers to them."""

_FIRST = ("lr", "gamma", "batch_size", "batch_gpu")
"""Settings that follow the recipe unless they are given themselves."""


def idle(config: DictConfig, overrides: Sequence[str]) -> dict[str, str]:
    """Settings that have no effect beside the others, each with the reason.

    Args:
        config: of train.py, as composed, with its references.
        overrides: of the command line.
    """
    used = set(_references(OmegaConf.to_container(config.model, resolve=False)))
    used |= set(_references(OmegaConf.to_container(config.data, resolve=False)))
    if config.features:
        used.add("data.mirror")
    found = {
        key: f"the model {config.model.name} does not use it"
        for key in _OF_MODELS
        if not any(each == key or each.startswith(f"{key}.") or key.startswith(f"{each}.") for each in used)
    }
    given = {match[1] for each in overrides if (match := re.match(r"[+~]*([\w.]+)=", each))}
    found |= {f"recipe.{name}": f"{name}= wins over it" for name in _FIRST if name in given}
    if "data.mirror" in given:
        found["recipe.mirror"] = "data.mirror= wins over it"
    found["data.c_dim"] = "is found in dataset.json"
    if config.init is None:
        found["init_strict"] = "belongs to init="
    if config.data.path is None:
        found |= dict.fromkeys(("data.grey", "data.background", "data.on_fault"), "belongs to data.path=")
    return found


def _references(node: Any) -> Iterator[str]:
    """Names of settings to which the texts of a node refer, as in `${data.height}` or `${part_names:${part}}`."""
    if isinstance(node, dict):
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
    elif isinstance(node, str) and "${" in node:
        yield from re.findall(r"[A-Za-z_][\w.]*", node)
