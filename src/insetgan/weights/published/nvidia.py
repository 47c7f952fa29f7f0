"""NVIDIA's stream (stylegan2-ada-pytorch; stylegan3's repository), and StyleGAN-Human's, which has `square`."""

from collections.abc import Mapping
from typing import Any

from insetgan.runtime import limits
from insetgan.weights.published import alias_free
from insetgan.weights.published.architecture import (
    discriminator_architecture,
    generator_architecture,
    refuse_contradiction,
)
from insetgan.weights.published.modules import Module, modules_of
from insetgan.weights.published.network import PublishedNetwork
from insetgan.weights.published.plain import word
from insetgan.weights.published.records import Numbers
from insetgan.weights.published.refused import constructor, refuse_other_families
from insetgan.weights.published.said import clamp_of, inner_arguments, known_of, refuse_values

NETWORKS = ("G_ema", "G", "D")
MAPPING_LAYERS, MAPPING_LR = 8, 0.01


def network(record: Any, size: int) -> PublishedNetwork:
    """A generator or a discriminator from its record.

    Args:
        record: of `G`, `D` or `G_ema`.
        size: bytes of the file.

    Raises:
        ValueError: it is no such network, or one that ours do not build.
    """
    if isinstance(record, dict) and "state_dict" in record:
        modules, tensors = _plain(record)
    else:
        modules = modules_of(record)
        tensors = {name: numbers for module in modules.values() for name, numbers in module.tensors()}
    refuse_other_families(modules, tensors)
    if alias_free.is_network(tensors):
        return alias_free.network(modules, tensors, size)
    if any(name.startswith("synthesis.") for name in tensors):
        return _generator(modules, tensors, size)
    return _discriminator(modules, tensors, size)


def _plain(record: Mapping[str, Any]) -> tuple[dict[str, Module], dict[str, Numbers]]:
    """What `published.nvidia_stream` writes: a dict of `class_name`, `init_kwargs` and `state_dict`."""
    state, said = record["state_dict"], record.get("init_kwargs")
    if not isinstance(state, dict) or not all(isinstance(each, Numbers) for each in state.values()):
        raise ValueError("has a state_dict that holds other things than tensors")
    name = record.get("class_name")
    return {"": Module("", name if isinstance(name, str) else "", {"_init_kwargs": said})}, state


def _generator(modules: Mapping[str, Module], tensors: Mapping[str, Numbers], size: int) -> PublishedNetwork:
    said = constructor(modules[""])
    mapping, synthesis = inner_arguments(said, "mapping_kwargs"), inner_arguments(said, "synthesis_kwargs")
    architecture = generator_architecture(tensors)
    _refuse_unbuilt(modules, "skip")
    refuse_values({**said, **synthesis}, {"architecture": ("skip",), "use_noise": (True,)})
    refuse_values(mapping, {"lr_multiplier": (MAPPING_LR,), "activation": ("lrelu",)})
    refuse_contradiction(
        {**architecture, "img_resolution": architecture["height"], "num_layers": architecture["mapping_layers"]},
        {
            **{name: said.get(name) for name in ("z_dim", "w_dim", "c_dim", "img_channels", "img_resolution")},
            "num_layers": mapping.get("num_layers"),
        },
    )
    architecture["conv_clamp"] = clamp_of(modules, {**said, **synthesis})
    return PublishedNetwork("generator", architecture, tensors, known_of(modules), bytes=size)


def _discriminator(modules: Mapping[str, Module], tensors: Mapping[str, Numbers], size: int) -> PublishedNetwork:
    said = constructor(modules[""])
    mapping, epilogue = inner_arguments(said, "mapping_kwargs"), inner_arguments(said, "epilogue_kwargs")
    _refuse_unbuilt(modules, "resnet")
    refuse_values(said, {"architecture": ("resnet",)})
    refuse_values(mapping, {"lr_multiplier": (MAPPING_LR,), "num_layers": (MAPPING_LAYERS,), "activation": ("lrelu",)})
    architecture = discriminator_architecture(tensors)
    refuse_contradiction(
        {**architecture, "img_resolution": architecture["height"]},
        {name: said.get(name) for name in ("c_dim", "img_channels", "img_resolution")},
    )
    architecture["conv_clamp"] = clamp_of(modules, said)
    deviation = next((module.state for path, module in modules.items() if path.endswith(".mbstd")), {})
    group = deviation.get("group_size", epilogue.get("mbstd_group_size", 4))
    channels = deviation.get("num_channels", epilogue.get("mbstd_num_channels", 1))
    if channels != 1:
        raise ValueError(f"has mbstd_num_channels={word(channels)}, must have 1")
    architecture["mbstd_group_size"] = whole_batch(group)
    return PublishedNetwork("discriminator", architecture, tensors, known_of(modules), bytes=size)


def whole_batch(group: Any) -> int:
    """Samples in a group; None, which means the whole batch, becomes the largest number that ours take.

    Raises:
        ValueError: neither None nor a whole number.
    """
    if group is None:
        return limits.ARCHITECTURE_OTHERS
    if type(group) is not int:
        raise ValueError(f"has mbstd_group_size={word(group)}, must be a whole number")
    return group


def _refuse_unbuilt(modules: Mapping[str, Module], architecture: str) -> None:
    for path, module in modules.items():
        linear = path.rpartition(".")[2] in ("affine", "embed", "out", "skip")
        try:
            refuse_values(
                module.state,
                {"architecture": (architecture,), "activation": ("linear" if linear else "lrelu",)},
            )
        except ValueError as error:
            raise ValueError(f"{path or 'the network'} {error}") from error
