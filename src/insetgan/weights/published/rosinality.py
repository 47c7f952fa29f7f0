"""rosinality's .pt files, and what is published in their layout: StyleGAN-Human's, and the decoders of e4e, pSp and ReStyle."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch

from insetgan.networks.mapping import LatentMapping
from insetgan.ops.fir import fir_kernel
from insetgan.weights.published.architecture import discriminator_architecture, generator_architecture, shape_of
from insetgan.weights.published.layout import (
    Pair,
    discriminator_filters,
    discriminator_pairs,
    generator_filters,
    generator_pairs,
)
from insetgan.weights.published.network import PublishedNetwork
from insetgan.weights.published.records import Numbers

NETWORKS = ("g_ema", "g", "d")
MEAN_CODES = 4096
"""Codes whose mean stands for w_avg where a file has none; as many as rosinality's own script draws."""
_GROUP = 4


def states_in(root: Any) -> dict[str, dict[str, Any]]:
    """The state dicts in a file by the names of its networks: "g_ema", "g" and "d"; empty where it is of another form."""
    if not isinstance(root, dict):
        return {}
    found = {name: root[name] for name in NETWORKS if isinstance(root.get(name), dict)}
    whole = root.get("state_dict")
    if isinstance(whole, dict):
        decoder = {
            key[8:]: value for key, value in whole.items() if isinstance(key, str) and key.startswith("decoder.")
        }
        found |= {"g_ema": decoder} if decoder else {}
    if "input.input" in root:
        found["g_ema"] = root
    if "final_linear.0.weight" in root:
        found["d"] = root
    return {name: state for name, state in found.items() if "input.input" in state or "final_linear.0.weight" in state}


def network(state: Mapping[str, Any], root: Mapping[str, Any], size: int) -> PublishedNetwork:
    """A generator or a discriminator from its state dict.

    Args:
        state: one of `states_in`.
        root: what the file holds; `latent_avg` lies there.
        size: bytes of the file.

    Raises:
        ValueError: a tensor lacks, has no place or has another shape.
    """
    held = {name: value for name, value in state.items() if isinstance(value, Numbers)}
    if len(held) < len(state) - (state is root and "latent_avg" in root and "latent_avg" not in held):
        strange = next(name for name, value in state.items() if not isinstance(value, Numbers))
        raise ValueError(f"{str(strange)[:100]} is no tensor")
    held.pop("latent_avg", None)
    if "input.input" in held:
        return _generator(held, root, size)
    return _discriminator(held, size)


def _generator(held: dict[str, Numbers], root: Mapping[str, Any], size: int) -> PublishedNetwork:
    blocks = _count(held, r"to_rgbs\.(\d+)\.bias")
    coarse = shape_of(held, "input.input", 4)[2]
    heights = [coarse << block for block in range(blocks + 1)]
    layers = _count(held, r"style\.(\d+)\.weight")
    pairs = list(generator_pairs(heights, layers))
    _refuse_filters(held, generator_filters(heights), 4)
    tensors = _ours(held, pairs)
    names = [pair.ours for pair in pairs]
    _add_filters(tensors, [name.removesuffix("noise_const") for name in names if name.endswith("noise_const")])
    _add_filters(tensors, [f"synthesis.b{height}." for height in heights])
    architecture = generator_architecture({**tensors, "mapping.w_avg": tensors["mapping.fc0.bias"]})
    architecture["conv_clamp"] = None
    mean, notes = _mean(root.get("latent_avg"), tensors, architecture)
    tensors["mapping.w_avg"] = mean
    return PublishedNetwork("generator", architecture, tensors, notes=notes, bytes=size)


def _mean(
    given: Any, tensors: Mapping[str, Numbers], architecture: Mapping[str, Any]
) -> tuple[Numbers, tuple[str, ...]]:
    w_dim = architecture["w_dim"]
    if isinstance(given, Numbers) and given.shape in ((w_dim,), (1, w_dim)):
        return given.folded(w_dim), ()
    if isinstance(given, Numbers) and len(given.shape) == 2 and given.shape[1] == w_dim:
        return given.changed(_one_row, (w_dim,)), ()
    if given is not None:
        raise ValueError(f"latent_avg must be a tensor of {w_dim} numbers")
    note = f"it has no latent_avg; the mean of {MEAN_CODES} codes (seed 0) stands for w_avg"
    return Numbers("F32", (w_dim,), lambda: _mean_code(tensors, architecture)), (note,)


def _one_row(rows: np.ndarray) -> np.ndarray:
    if not (rows == rows[:1]).all():
        raise ValueError("latent_avg has another mean for each layer, and there is one w_avg for all")
    found: np.ndarray = rows[0]
    return found


@torch.no_grad()
def _mean_code(tensors: Mapping[str, Numbers], architecture: Mapping[str, Any]) -> np.ndarray:
    mapping = LatentMapping(
        z_dim=architecture["z_dim"],
        c_dim=0,
        w_dim=architecture["w_dim"],
        num_ws=1,
        layers=architecture["mapping_layers"],
    )
    for name, parameter in mapping.named_parameters():
        parameter.copy_(torch.from_numpy(tensors[f"mapping.{name}"].read()))
    z = torch.randn(MEAN_CODES, architecture["z_dim"], generator=torch.Generator().manual_seed(0))
    found: np.ndarray = mapping(z)[:, 0].mean(0).numpy()
    return found


def _discriminator(held: dict[str, Numbers], size: int) -> PublishedNetwork:
    blocks = _count(held, r"convs\.(\d+)\.skip\.1\.weight")
    heights = [4 << block for block in range(blocks + 1)]
    pairs = list(discriminator_pairs(heights))
    _refuse_filters(held, discriminator_filters(heights), 1)
    tensors = _ours(held, pairs)
    convs = [pair.ours.removesuffix("weight") for pair in pairs if pair.ours.endswith("weight")]
    _add_filters(tensors, [name for name in convs if not name.endswith((".fc.", ".out."))])
    _add_filters(tensors, [f"b{height}." for height in heights[1:]])
    architecture = discriminator_architecture(tensors)
    architecture |= {"conv_clamp": None, "mbstd_group_size": _GROUP}
    return PublishedNetwork("discriminator", architecture, tensors, bytes=size)


def _count(held: Iterable[str], pattern: str) -> int:
    count = sum(re.fullmatch(pattern, name) is not None for name in held)
    if not 0 < count < 65:
        raise ValueError("has no layers of StyleGAN2 in rosinality's layout")
    return count


def _ours(held: Mapping[str, Numbers], pairs: Iterable[Pair]) -> dict[str, Numbers]:
    """The tensors under our names and in our shapes. Raises ValueError for one that lacks or has no place."""
    found, rest = {}, dict(held)
    for pair in pairs:
        if pair.theirs not in rest:
            raise ValueError(f"{pair.theirs} is missing")
        numbers = rest.pop(pair.theirs)
        found[pair.ours] = numbers.folded(*pair.our_shape(numbers.shape))
    if strange := [name for name in rest if not name.endswith("kernel")]:
        raise ValueError(f"{len(strange)} tensors have no place, the first {strange[0][:100]}")
    return found


def _refuse_filters(held: Mapping[str, Numbers], names: Iterable[str], factor: int) -> None:
    """Hold their low-pass filters against ours, which is built in. Raises ValueError for another one."""
    expected = fir_kernel().numpy() * factor
    for name in names:
        if name in held and (held[name].shape != (4, 4) or not np.allclose(held[name].read(), expected, atol=1e-4)):
            raise ValueError(
                f"{name} is another low-pass filter than [1, 3, 3, 1], which is the only one that is built"
            )


def _add_filters(tensors: dict[str, Numbers], places: Iterable[str]) -> None:
    for place in places:
        tensors[f"{place}resample_filter"] = Numbers("F32", (4, 4), lambda: fir_kernel().numpy())
