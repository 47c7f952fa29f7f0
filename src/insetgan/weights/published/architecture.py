"""The architecture of a network from the names and shapes of its tensors, held against what its file says of it."""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from insetgan.weights.published.plain import word
from insetgan.weights.published.records import Numbers


def shape_of(tensors: Mapping[str, Numbers], name: str, axes: int) -> tuple[int, ...]:
    """Shape of a tensor that a network must have.

    Raises:
        ValueError: it lacks, or has another number of axes.
    """
    if name not in tensors:
        raise ValueError(f"{name} is missing")
    shape = tensors[name].shape
    if len(shape) != axes or 0 in shape:
        raise ValueError(f"{name} is {list(shape)}, must have {axes} axes")
    return shape


def generator_architecture(tensors: Mapping[str, Numbers]) -> dict[str, Any]:
    """Keywords of `networks.Generator`, but for conv_clamp, of which tensors say nothing.

    Raises:
        ValueError: naming a tensor that lacks or has no such shape.
    """
    heights = _heights(tensors, r"synthesis\.b(\d+)\.conv1\.weight")
    _, coarse_height, coarse_width = shape_of(tensors, f"synthesis.b{heights[0]}.const", 3)
    w_dim, columns = shape_of(tensors, "mapping.fc0.weight", 2)
    c_dim = shape_of(tensors, "mapping.embed.weight", 2)[1] if "mapping.embed.weight" in tensors else 0
    channels = {height: shape_of(tensors, f"synthesis.b{height}.conv1.weight", 4)[0] for height in heights}
    return {
        "height": heights[-1],
        "width": coarse_width * heights[-1] // coarse_height,
        "z_dim": columns - (w_dim if c_dim else 0),
        "w_dim": w_dim,
        "c_dim": c_dim,
        "img_channels": shape_of(tensors, f"synthesis.b{heights[-1]}.torgb.weight", 4)[0],
        "mapping_layers": sum(re.fullmatch(r"mapping\.fc\d+\.weight", name) is not None for name in tensors),
        **_channels(channels),
    }


def discriminator_architecture(tensors: Mapping[str, Numbers]) -> dict[str, Any]:
    """Keywords of `networks.Discriminator`, but for conv_clamp and mbstd_group_size, of which tensors say nothing.

    Raises:
        ValueError: naming a tensor that lacks or has no such shape.
    """
    heights = _heights(tensors, r"b(\d+)\.conv0\.weight")
    coarsest = heights[0] // 2
    channels = {height: shape_of(tensors, f"b{height}.conv0.weight", 4)[0] for height in heights}
    channels = {coarsest: shape_of(tensors, f"b{coarsest}.conv.weight", 4)[0], **channels}
    area = shape_of(tensors, f"b{coarsest}.fc.weight", 2)[1] // channels[coarsest]
    return {
        "height": heights[-1],
        "width": max(area // coarsest, 1) * heights[-1] // coarsest,
        "c_dim": shape_of(tensors, "mapping.embed.weight", 2)[1] if "mapping.embed.weight" in tensors else 0,
        "img_channels": shape_of(tensors, f"b{heights[-1]}.fromrgb.weight", 4)[1],
        **_channels(channels),
    }


def refuse_contradiction(architecture: Mapping[str, Any], said: Mapping[str, Any]) -> None:
    """Hold what a file says of its network against the network.

    Args:
        architecture: from the tensors.
        said: by the same keys; None where nothing is said.

    Raises:
        ValueError: naming the first that differs.
    """
    for name, value in said.items():
        if value is not None and value != architecture[name]:
            raise ValueError(f"says {name}={word(value)}, and its tensors have {architecture[name]}")


def _heights(tensors: Mapping[str, Numbers], pattern: str) -> list[int]:
    heights = sorted(int(match[1][:6]) for name in tensors if (match := re.fullmatch(pattern, name)))
    if not heights or any(high != 2 * low for low, high in pairwise(heights)) or not heights[0]:
        raise ValueError("has no blocks of StyleGAN2, each twice as high as the one before")
    return heights


def _channels(channels: Mapping[int, int]) -> dict[str, int]:
    """channel_base and channel_max; at each height there are min(channel_base // height, channel_max)."""
    return {
        "channel_base": max(count * height for height, count in channels.items()),
        "channel_max": max(channels.values()),
    }
