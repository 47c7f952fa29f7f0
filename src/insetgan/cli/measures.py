"""From the setting `measures=` to measures."""

from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from insetgan.cli.build import instantiate
from insetgan.metrics.identity import Identity
from insetgan.metrics.measures import MEASURES, RESERVED, Measure
from insetgan.runtime.errors import UserError


def build_measures(config: DictConfig) -> tuple[Measure, ...]:
    """The measures of the registry, behind them those of the user's own that `measures=` names, and identity of given images.

    Args:
        config: of refine.py or evaluate.py; each of its `measures` is the name of a class, or a mapping with `_target_`.

    Raises:
        UserError: an entry is no measure, or its name is taken.
    """
    given: Any = OmegaConf.to_container(config.measures, resolve=True)
    own: list[Measure] = []
    for index, entry in enumerate(given):
        node = {"_target_": entry} if isinstance(entry, str) else entry
        made = instantiate(OmegaConf.create({f"measures[{index}]": node})[f"measures[{index}]"], Measure)
        _refuse_name(made, [*MEASURES, *own])
        own.append(made)
    if gives_images(config) and not any(isinstance(each, Identity) for each in own):
        own.append(Identity())
    return (*MEASURES, *own)


def gives_images(config: DictConfig) -> bool:
    """Whether parts of a refinement are given as images, so that it can be asked how much of them is kept."""
    parts = config.get("parts") or {}
    return any(OmegaConf.is_dict(part) and part.get("image") is not None for part in parts.values())


def _refuse_name(measure: Measure, others: Sequence[Measure]) -> None:
    name = getattr(measure, "name", None)
    if not isinstance(name, str) or not name.isidentifier() or not isinstance(getattr(measure, "title", None), str):
        raise UserError(f"measures={type(measure).__qualname__}: needs a name of letters and underscores, and a title")
    taken = {*RESERVED, *(key for other in others for key in (other.name, *other.keys))}
    if name in taken or name.endswith(("_before", "_after")):
        raise UserError(f"measures={type(measure).__qualname__}: the name {name} is taken; choose another one")
