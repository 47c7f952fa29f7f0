"""New blocks of networks that take over the weights of smaller ones, made so that nothing is lost at the start."""

import math
from collections.abc import Iterable, Mapping
from typing import Protocol

import torch
from torch import Tensor, nn

from insetgan.networks.discriminator import Discriminator, DiscriminatorBlock
from insetgan.networks.generator import Generator
from insetgan.networks.layers import GAIN, SLOPE, Conv


@torch.no_grad()
def silence_new_blocks(generator: nn.Module, new: Iterable[str]) -> None:
    """Zero the new ToRGB layers, so that the output equals the upsampled one of the smaller generator.

    Args:
        generator: with the smaller one's weights copied.
        new: names of the tensors that were not.
    """
    names = {name for name in new if name.endswith(("torgb.weight", "torgb.bias"))}
    for name, parameter in generator.named_parameters():
        if name in names:
            parameter.zero_()


@torch.no_grad()
def silence_noise(generator: nn.Module) -> None:
    """Set the strength of all noise of a generator to zero."""
    for name, parameter in generator.named_parameters():
        if name.endswith("noise_strength"):
            parameter.zero_()


@torch.no_grad()
def continue_discriminator(discriminator: Discriminator, smaller: Mapping[str, Tensor]) -> bool:
    """Let the one new block at the top judge as the smaller discriminator judged the halved image.

    The block carries the colours x through its activations as the pair lrelu(x), lrelu(-x), from which x is a linear
    combination, halves them in its strided convolution, and there applies what was the smaller one's `fromrgb`. Its
    other features start random and unheard.

    Args:
        discriminator: with the smaller one's weights copied.
        smaller: state dict of the smaller one, half as high and wide.

    Returns:
        Whether it was possible: exactly one new block, and room in it for the six channels.
    """
    top = discriminator.get_submodule(f"b{discriminator.heights[0]}")
    assert isinstance(top, DiscriminatorBlock)
    # The block's branches are scaled by sqrt(1/2); leaky ReLU is homogeneous, so sqrt(2) before it makes up for that.
    if not continue_block(top, smaller, f"b{discriminator.heights[0] // 2}.fromrgb", gain=math.sqrt(2)):
        return False
    top.skip.weight.zero_()
    return True


class FirstBlock(Protocol):
    """A block that reads an image, and halves it; `fromrgb` is None in all blocks but the first."""

    fromrgb: Conv | None
    conv0: Conv
    conv1: Conv


def continue_block(top: FirstBlock, smaller: Mapping[str, Tensor], below: str, *, gain: float = 1.0) -> bool:
    """Let a new first block carry the colours, halve them and do what the layer `below` did, times `gain`."""
    weight, bias = smaller.get(f"{below}.weight"), smaller.get(f"{below}.bias")
    assert top.fromrgb is not None
    if weight is None or bias is None or top.conv0.bias is None or top.conv1.bias is None:
        return False
    colours = weight.shape[1]
    inner, outer = top.conv0.weight.shape[0], top.conv1.weight.shape[0]
    if inner < 2 * colours or outer != weight.shape[0]:
        return False
    identity = torch.eye(colours)
    pair = torch.cat([identity, -identity])  # x -> (x, -x)
    unpair = pair.t() / ((1 + SLOPE) * GAIN)  # sqrt(2) * (lrelu(x), lrelu(-x)) -> x
    top.fromrgb.weight[: 2 * colours] = (pair / top.fromrgb.weight_gain)[:, :, None, None]
    _set_centre(top.conv0.weight[: 2 * colours], pair @ unpair / top.conv0.weight_gain)
    seen = weight.flatten(1) / math.sqrt(colours) * gain
    _set_centre(top.conv1.weight, seen @ unpair / top.conv1.weight_gain)
    top.conv1.bias.copy_(bias * gain)
    return True


def _set_centre(weight: Tensor, matrix: Tensor) -> None:
    """Make a convolution [out, in, 3, 3] a matrix [out, k] over its first k inputs, without neighbours."""
    weight.zero_()
    weight[:, : matrix.shape[1], 1, 1] = matrix


@torch.no_grad()
def continue_mapping(generator: Generator, source: Tensor) -> None:
    """Carry the first layer of a mapping over where labels come or go, so that the images of each z stay.

    The layer's input is z, then the label's vector. Columns of z are taken over, up to the layer's gain, which goes with
    1 / sqrt(inputs); columns of the label's vector start at zero, or are left out.

    Args:
        generator: whose `mapping.fc0.weight` is filled.
        source: the other mapping's `fc0.weight`.
    """
    weight = generator.mapping.get_submodule("fc0").get_parameter("weight")
    z_dim = generator.z_dim
    gain = math.sqrt(weight.shape[1] / source.shape[1])
    weight.zero_()
    weight[:, :z_dim] = source[:, :z_dim] * gain
