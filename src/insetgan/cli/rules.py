"""Rules by which settings follow one another, such as a recipe the size of the images; files of conf/ call them."""

import json
from collections.abc import Mapping, Sequence, Sized
from dataclasses import fields, is_dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, ListConfig, OmegaConf

from insetgan.cli.encoder_images import ENCODER_RULES
from insetgan.cli.part_definition import RULES
from insetgan.refine.schedule import Schedule, steps_for
from insetgan.refine.terms.paper import PAPER


def auto_batch_size(height: int, devices: int) -> int:
    """StyleGAN2-ADA's `auto`: 4096 / height a device, at most 32, and at most 64 in all, at least one a device."""
    return max(min(devices * min(4096 // height, 32), 64) // devices, 1) * devices


def auto_channel_base(height: int) -> int:
    """StyleGAN2-ADA's `auto`: twice as many feature maps from 512 rows on."""
    return 32768 if height >= 512 else 16384


def auto_lr(height: int) -> float:
    """StyleGAN2-ADA's `auto`: learning rate of both networks."""
    return 0.002 if height >= 1024 else 0.0025


def shhq_gamma(height: int, batch_size: int) -> float:
    """StyleGAN-Human's weight of R1: StyleGAN2-ADA's rule with the height alone, although images are half as wide."""
    return 0.0002 * height**2 / batch_size


def auto_steps(parts: Sized) -> int:
    """Steps of a refinement of these parts; see `steps_for`."""
    return steps_for(len(parts))


def plain_values(group: str, *, _root_: DictConfig) -> dict[str, Any]:
    """Settings of a group, such as the recipe, without those that are groups themselves."""
    settings = OmegaConf.select(_root_, group)
    found = {str(name): settings[name] for name in settings} if isinstance(settings, DictConfig) else {}
    plain = {name: value for name, value in found.items() if not isinstance(value, DictConfig)}
    return {name: list(value) if isinstance(value, ListConfig) else value for name, value in plain.items()}


def as_json(group: str, *, _root_: DictConfig) -> str:
    """The settings of a group as text, for what builds objects of them itself."""
    return json.dumps(OmegaConf.to_container(OmegaConf.select(_root_, group), resolve=True))


def class_defaults(value: Any) -> Any:
    """A settings object as a configuration that builds it again, with all its values, so that each can be overridden."""
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        inner = {field.name: class_defaults(getattr(value, field.name)) for field in fields(kind)}
        return {"_target_": f"{kind.__module__}.{kind.__qualname__}", **inner}
    if isinstance(value, Mapping):
        return {key: class_defaults(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [class_defaults(inner) for inner in value]
    return value


def register_rules() -> None:
    """Let configuration files call the rules by name, and start from the defaults of classes."""
    schedule = class_defaults(Schedule())
    for elsewhere in ("steps", "sides"):  # of the run and of its mode
        del schedule[elsewhere]
    ConfigStore.instance().store(group="schedule", name="class_defaults", node=OmegaConf.create(schedule))
    ConfigStore.instance().store(group="objective", name="class_defaults", node=OmegaConf.create(class_defaults(PAPER)))
    for rule in (
        auto_batch_size,
        auto_channel_base,
        auto_lr,
        auto_steps,
        shhq_gamma,
        plain_values,
        as_json,
        *RULES,
        *ENCODER_RULES,
    ):
        OmegaConf.register_new_resolver(rule.__name__, rule, replace=True)
