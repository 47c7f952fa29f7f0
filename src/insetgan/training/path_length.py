"""Path length regularisation of the generator."""

import math

import torch
from torch import Tensor


def path_lengths(images: Tensor, ws: Tensor, noise: Tensor) -> Tensor:
    """Lengths of the steps that images take per step of the latents, |J_w^T y|_2 (StyleGAN2, section 3.2).

    May be called under autocast: the images' graph keeps the types it was made in, and what is added here is float32.

    Args:
        images: [n, c, h, w], made from `ws` with a graph.
        ws: [n, num_ws, w_dim].
        noise: standard normal, of the shape of the images.

    Returns:
        [n], root of the mean over rows of ws of the sum of squares, with a graph, so that it can be minimised.
    """
    directions = noise / math.sqrt(images.shape[2] * images.shape[3])
    with torch.autocast(images.device.type, enabled=False):
        (gradient,) = torch.autograd.grad(images, ws, directions, create_graph=True)
        return gradient.square().sum(dim=2).mean(dim=1).sqrt()
