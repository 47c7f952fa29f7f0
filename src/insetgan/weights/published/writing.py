"""Our networks in the forms of others: NVIDIA's pickle with plain state dicts, and rosinality's .pt. No program is in them."""

import io
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from insetgan.networks.alias_free import AliasFreeGenerator
from insetgan.networks.discriminator import Discriminator
from insetgan.networks.generator import Generator
from insetgan.ops.fir import fir_kernel
from insetgan.runtime import limits
from insetgan.weights.published.layout import (
    discriminator_filters,
    discriminator_pairs,
    generator_filters,
    generator_pairs,
)

_PROTOCOL = 4
_ROSINALITY_GROUP = 4


def nvidia_stream(
    network: nn.Module, training: Mapping[str, Any] | None = None, licence: str | None = None
) -> tuple[bytes, list[str]]:
    """A pickle with the keys of NVIDIA's (`G_ema` or `D`, `training_set_kwargs`), each network as a plain table.

    Theirs holds objects of their classes with the source of these; a table holds `class_name`, `init_kwargs` (their
    constructor's) and `state_dict` (their names and shapes), so that `Generator(**init_kwargs).load_state_dict(state_dict)`
    in their checkout makes the network. Reading it takes PyTorch alone.

    Args:
        network: a generator or a discriminator.
        training: plain values for `training_set_kwargs`.
        licence: of the weights, under `licence`, which their loaders pass over; None writes none.

    Returns:
        The file's bytes, and lines for the user.

    Raises:
        ValueError: another network.
    """
    state = OrderedDict((name, _own(tensor)) for name, tensor in network.state_dict().items())
    if isinstance(network, Generator):
        key, said = "G_ema", _generator_arguments(network)
    elif isinstance(network, AliasFreeGenerator):
        key, said = "G_ema", _alias_free_arguments(network)
    elif isinstance(network, Discriminator):
        key, said = "D", _discriminator_arguments(network)
    else:
        raise ValueError(f"is a {type(network).__name__}; StyleGAN2's networks and StyleGAN3's generators are written")
    theirs = "Discriminator" if key == "D" else "Generator"
    notes = [
        f"{key} is written as a plain table: their code builds it with {theirs}(**init_kwargs) and "
        "load_state_dict(state_dict)"
    ]
    height, width = network.height, network.width
    if height == 2 * width:
        said["square"] = False  # StyleGAN-Human's argument
    elif height != width or height & (height - 1):
        notes.append(f"neither NVIDIA's nor StyleGAN-Human's code builds {height} x {width}; this project does")
    table = {"class_name": theirs, "init_kwargs": said, "state_dict": state}
    whole = {key: table, "training_set_kwargs": dict(training or {}), **_stated(licence)}
    return pickle.dumps(whole, protocol=_PROTOCOL), notes


def rosinality_file(network: nn.Module, licence: str | None = None) -> tuple[bytes, list[str]]:
    """A .pt of rosinality's layout: `g_ema` and `latent_avg`, or `d`.

    Args:
        network: a generator or a discriminator without labels.
        licence: of the weights, under `licence`, which their loaders pass over; None writes none.

    Returns:
        The file's bytes, and lines for the user.

    Raises:
        ValueError: there is no such network in that layout.
    """
    if not isinstance(network, (Generator, Discriminator)):
        raise ValueError(f"is a {type(network).__name__}; generators and discriminators of StyleGAN2 are written")
    if network.c_dim:
        raise ValueError("is conditional, and rosinality's layout has no labels")
    mine = network.state_dict()
    whole: dict[str, Any]
    if isinstance(network, Generator):
        heights = list(network.synthesis.heights)
        if network.z_dim != network.w_dim:
            raise ValueError(
                f"has z_dim={network.z_dim} and w_dim={network.w_dim}; rosinality's layout has one for both"
            )
        pairs, filters, factor = list(generator_pairs(heights, network.mapping_layers)), generator_filters(heights), 4
    else:
        heights = [network.coarsest, *reversed(network.heights)]
        if network.mbstd_group_size != _ROSINALITY_GROUP:
            raise ValueError(
                f"has mbstd_group_size={network.mbstd_group_size}; rosinality's layout has {_ROSINALITY_GROUP}"
            )
        pairs, filters, factor = list(discriminator_pairs(heights)), discriminator_filters(heights), 1
    if heights[0] != 4:
        raise ValueError(f"begins with {heights[0]} rows; rosinality's layout begins with 4")
    theirs = {pair.theirs: _own(mine[pair.ours]).reshape(pair.their_shape(mine[pair.ours].shape)) for pair in pairs}
    theirs |= {name: factor * fir_kernel() for name in filters}
    if isinstance(network, Generator):
        whole = {"g_ema": theirs, "latent_avg": _own(mine["mapping.w_avg"])}
    else:
        whole = {"d": theirs}
    whole |= _stated(licence)
    notes = []
    if network.conv_clamp is not None:
        notes.append(
            f"conv_clamp={network.conv_clamp:g} is lost: rosinality's layout has none; features beyond it differ"
        )
    buffer = io.BytesIO()
    torch.save(whole, buffer)
    return buffer.getvalue(), notes


def _stated(licence: str | None) -> dict[str, str]:
    return {"licence": licence} if licence else {}


def _own(tensor: Tensor) -> Tensor:
    """A copy with a storage of its own, of the length that it shows."""
    return tensor.detach().cpu().contiguous().clone()


def _generator_arguments(network: Generator) -> dict[str, Any]:
    return {
        "z_dim": network.z_dim,
        "c_dim": network.c_dim,
        "w_dim": network.w_dim,
        "img_resolution": network.height,
        "img_channels": network.img_channels,
        "mapping_kwargs": {"num_layers": network.mapping_layers},
        "channel_base": network.channel_base,
        "channel_max": network.channel_max,
        "conv_clamp": network.conv_clamp,
    }


def _alias_free_arguments(network: AliasFreeGenerator) -> dict[str, Any]:
    alike = ("z_dim", "c_dim", "w_dim", "img_channels", "channel_base", "channel_max", "conv_clamp", "conv_kernel")
    return {
        **{name: getattr(network, name) for name in alike},
        "img_resolution": network.height,
        "mapping_kwargs": {"num_layers": network.mapping_layers},
        "use_radial_filters": network.radial_filters,
    }


def _discriminator_arguments(network: Discriminator) -> dict[str, Any]:
    group = network.mbstd_group_size
    return {
        "c_dim": network.c_dim,
        "img_resolution": network.height,
        "img_channels": network.img_channels,
        "channel_base": network.channel_base,
        "channel_max": network.channel_max,
        "conv_clamp": network.conv_clamp,
        "epilogue_kwargs": {"mbstd_group_size": None if group >= limits.ARCHITECTURE_OTHERS else group},
    }
