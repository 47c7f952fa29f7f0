"""The legacy TensorFlow pickles (StyleGAN2 of configurations E and F, StyleGAN2-ADA): their variables under our names."""

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from insetgan.ops.fir import fir_kernel
from insetgan.weights.published.architecture import (
    discriminator_architecture,
    generator_architecture,
    refuse_contradiction,
)
from insetgan.weights.published.network import PublishedNetwork
from insetgan.weights.published.nvidia import MAPPING_LAYERS, whole_batch
from insetgan.weights.published.plain import plain
from insetgan.weights.published.records import Made, Numbers, array_numbers

NETWORKS = ("Gs", "G", "D")
_VERSION = 4
_LEFT = re.compile(r"(synthesis/)?lod")
_KERNEL = [1, 3, 3, 1]


def is_network(record: Any) -> bool:
    """Whether it is the record of a network of TensorFlow."""
    return isinstance(record, Made) and record.function.full.endswith("dnnlib.tflib.network.Network")


def network(record: Made, size: int) -> PublishedNetwork:
    """A generator or a discriminator from its record.

    Args:
        record: see `is_network`.
        size: bytes of the file.

    Raises:
        ValueError: it is of a version or form that is not read, or a variable lacks or has another shape.
    """
    state = record.state if isinstance(record.state, dict) else {}
    version, said = state.get("version"), state.get("static_kwargs")
    if type(version) is not int or version < _VERSION:
        shown = version if type(version) is int else "none"
        raise ValueError(f"holds a TensorFlow network of version {shown}; from {_VERSION} on (StyleGAN2) they are read")
    said = said if isinstance(said, dict) else {}
    if (said.get("resample_kernel") or _KERNEL) != _KERNEL:
        raise ValueError("has another resample_kernel than [1, 3, 3, 1], which is the only one that is built")
    variables = _variables(record)
    if any(name.startswith("synthesis/") for name in variables):
        return _generator(variables, said, size)
    return _discriminator(variables, said, size)


def _variables(record: Made) -> dict[str, Numbers]:
    """All variables by their names, those of components with the component's name before them."""
    found: dict[str, Numbers] = {}
    level = [("", record)]
    for _ in range(3):
        inner = []
        for prefix, each in level:
            state = each.state if isinstance(each.state, dict) else {}
            for pair in state.get("variables") or ():
                if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not isinstance(pair[0], str):
                    raise ValueError("has variables without names")
                if (numbers := array_numbers(pair[1])) is None:
                    raise ValueError(f"{prefix}{pair[0][:100]} is no array")
                found[prefix + pair[0]] = numbers
            components = state.get("components")
            for name, component in (components if isinstance(components, dict) else {}).items():
                if is_network(component) and isinstance(name, str):
                    inner.append((f"{prefix}{name}/", component))
        level = inner[:16]
    return found


class _Taken:
    """Variables that are taken one by one; those that are left have no place."""

    def __init__(self, variables: Mapping[str, Numbers]) -> None:
        self.variables = dict(variables)

    def __call__(self, name: str) -> Numbers:
        if name not in self.variables:
            raise ValueError(f"the variable {name} is missing")
        return self.variables.pop(name)

    def dense(self, source: str, target: str) -> dict[str, Numbers]:
        return {f"{target}.weight": self(f"{source}/weight").turned(1, 0), f"{target}.bias": self(f"{source}/bias")}

    def kernel(self, source: str, *, flip: bool = False) -> Numbers:
        weight = self(f"{source}/weight")
        if flip:
            weight = weight.changed(lambda values: values[::-1, ::-1])
        return weight.turned(3, 2, 0, 1)

    def styled(self, source: str, target: str, *, flip: bool = False) -> dict[str, Numbers]:
        return {
            f"{target}.weight": self.kernel(source, flip=flip),
            f"{target}.bias": self(f"{source}/bias"),
            f"{target}.affine.weight": self(f"{source}/mod_weight").turned(1, 0),
            f"{target}.affine.bias": self(f"{source}/mod_bias").changed(lambda values: values + 1),
        }

    def noised(self, source: str, target: str, *, noise: int, flip: bool = False) -> dict[str, Numbers]:
        const = self(f"synthesis/noise{noise}")
        if len(const.shape) != 4:
            raise ValueError(f"synthesis/noise{noise} is {list(const.shape)}, must have 4 axes")
        return {
            **self.styled(source, target, flip=flip),
            f"{target}.noise_strength": self(f"{source}/noise_strength").folded(),
            f"{target}.noise_const": const.folded(*const.shape[2:]),
            f"{target}.resample_filter": _filter(),
        }

    def refuse_rest(self) -> None:
        rest = [name for name in self.variables if not _LEFT.fullmatch(name)]
        if rest:
            raise ValueError(f"{len(rest)} variables have no place, the first {rest[0][:100]}")


def _filter() -> Numbers:
    return Numbers("F32", (4, 4), lambda: fir_kernel().numpy())


def _generator(variables: Mapping[str, Numbers], said: Mapping[str, Any], size: int) -> PublishedNetwork:
    taken = _Taken(variables)
    height = _largest(variables, r"synthesis/(\d+)x\d+/ToRGB/weight", said)
    tensors = {"mapping.w_avg": taken("dlatent_avg")}
    if "mapping/LabelEmbed/weight" in variables:
        tensors |= taken.dense("mapping/LabelEmbed", "mapping.embed")
    layer = 0
    while f"mapping/Dense{layer}/weight" in taken.variables:
        tensors |= taken.dense(f"mapping/Dense{layer}", f"mapping.fc{layer}")
        layer += 1
    const = taken("synthesis/4x4/Const/const")
    tensors["synthesis.b4.const"] = const.folded(*const.shape[1:])
    for level in range(2, height.bit_length()):
        side = 1 << level
        source, target = f"synthesis/{side}x{side}", f"synthesis.b{side}"
        if side == 4:
            tensors |= taken.noised(f"{source}/Conv", f"{target}.conv1", noise=0)
        else:
            tensors |= taken.noised(f"{source}/Conv0_up", f"{target}.conv0", noise=2 * level - 5, flip=True)
            tensors |= taken.noised(f"{source}/Conv1", f"{target}.conv1", noise=2 * level - 4)
        tensors |= taken.styled(f"{source}/ToRGB", f"{target}.torgb")
        tensors[f"{target}.resample_filter"] = _filter()
    taken.refuse_rest()
    architecture = generator_architecture(tensors)
    refuse_contradiction(
        {"resolution": architecture["height"], "label_size": architecture["c_dim"]},
        {name: said.get(name) for name in ("resolution", "label_size")},
    )
    architecture["conv_clamp"] = _number(said.get("conv_clamp"))
    return PublishedNetwork("generator", architecture, tensors, {"arguments": plain(dict(said))}, bytes=size)


def _discriminator(variables: Mapping[str, Numbers], said: Mapping[str, Any], size: int) -> PublishedNetwork:
    taken = _Taken(variables)
    height = _largest(variables, r"(\d+)x\d+/FromRGB/weight", said)
    if said.get("label_size"):
        raise ValueError(
            f"is conditional, and a discriminator of TensorFlow maps labels otherwise than ours, in {MAPPING_LAYERS} layers"
        )
    tensors: dict[str, Numbers] = {}

    def conv(source: str, target: str, *, bias: bool = True) -> None:
        tensors[f"{target}.weight"] = taken.kernel(source)
        tensors[f"{target}.resample_filter"] = _filter()
        if bias:
            tensors[f"{target}.bias"] = taken(f"{source}/bias")

    conv(f"{height}x{height}/FromRGB", f"b{height}.fromrgb")
    for level in range(height.bit_length() - 1, 2, -1):
        side = 1 << level
        tensors[f"b{side}.resample_filter"] = _filter()
        conv(f"{side}x{side}/Conv0", f"b{side}.conv0")
        conv(f"{side}x{side}/Conv1_down", f"b{side}.conv1")
        conv(f"{side}x{side}/Skip", f"b{side}.skip", bias=False)
    conv("4x4/Conv", "b4.conv")
    tensors |= taken.dense("4x4/Dense0", "b4.fc") | taken.dense("Output", "b4.out")
    taken.refuse_rest()
    architecture = discriminator_architecture(tensors)
    architecture["conv_clamp"] = _number(said.get("conv_clamp"))
    architecture["mbstd_group_size"] = whole_batch(said.get("mbstd_group_size"))
    return PublishedNetwork("discriminator", architecture, tensors, {"arguments": plain(dict(said))}, bytes=size)


def _largest(variables: Mapping[str, Numbers], pattern: str, said: Mapping[str, Any]) -> int:
    sides = [int(match[1][:6]) for name in variables if (match := re.fullmatch(pattern, name))]
    architecture = said.get("architecture")
    height = max(sides, default=0)
    if height < 8 or height != 1 << int(math.log2(height)) or architecture not in (None, "skip", "resnet"):
        raise ValueError("holds a TensorFlow network that is not StyleGAN2's of configuration E or F")
    return height


def _number(value: Any) -> float | None:
    if value is not None and type(value) not in (int, float):
        raise ValueError("has a conv_clamp that is no number")
    return None if value is None else float(np.float64(value))
