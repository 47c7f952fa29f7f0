"""New blocks of an encoder that takes over the weights of a smaller one."""

from collections.abc import Mapping

import torch
from torch import Tensor

from insetgan.completion.encoder import Encoder, EncoderBlock
from insetgan.training.growth import continue_block


@torch.no_grad()
def continue_encoder(encoder: Encoder, smaller: Mapping[str, Tensor]) -> bool:
    """Let the one new block at the top pass on what the smaller encoder saw of the halved image and mask.

    `training.growth.continue_block` says how. The block's skip serves a block of the synthesis that has no say yet.

    Args:
        encoder: with the smaller one's weights copied.
        smaller: state dict of the smaller one, half as high and wide.

    Returns:
        Whether it was possible: exactly one new block, and room in it for the eight channels.
    """
    top = encoder.get_submodule(f"b{encoder.heights[0]}")
    assert isinstance(top, EncoderBlock)
    return continue_block(top, smaller, f"b{encoder.heights[0] // 2}.fromrgb")
