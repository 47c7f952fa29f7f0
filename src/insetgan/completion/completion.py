"""Completion of given images by a CoModGAN."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from insetgan.completion.generator import CoModGenerator
from insetgan.metrics.seam import SMALLEST_STEP, step_across_rim
from insetgan.runtime.errors import UserError


def seeded_inputs(seeds: Sequence[int], z_dim: int, x_dim: int) -> tuple[Tensor, Tensor]:
    """Draw z and the numbers that decide dropout for each seed.

    Returns:
        float32 [n, z_dim] as `ops.images.seeded_latents` draws it, and [n, x_dim] uniform in [0, 1), drawn after it from
        the same `numpy.random.RandomState`.
    """
    sources = [np.random.RandomState(seed) for seed in seeds]
    z = np.stack([source.randn(z_dim) for source in sources])
    dropout = np.stack([source.random_sample(x_dim) for source in sources])
    return torch.from_numpy(z).float(), torch.from_numpy(dropout).float()


@torch.no_grad()
def complete(
    generator: CoModGenerator, images: Tensor, known: Tensor, seeds: Sequence[int], *, trunc: float = 1.0
) -> Tensor:
    """Fill the holes of images, one by one, so that a completion is the same to the bit whatever is completed beside it.

    Args:
        generator: in evaluation mode.
        images: [n, 3, H, W] in [-1, 1], of the generator's size; not looked at in the holes.
        known: [n, 1, H, W], 1 = known, 0 = hole.
        seeds: n of them; each decides an image's latent and dropout.
        trunc: psi, applied to w; dropout and what the encoder saw stay as they are.

    Returns:
        float [n, 3, H, W] in [-1, 1] where images are, on their device; known pixels are theirs, to the bit.

    Raises:
        UserError: images of another size than the generator's.
        ValueError: no seed for each image, or `known` of another shape, or not of ones and zeros.
    """
    size = (generator.height, generator.width)
    if images.shape[2:] != size:
        found = " x ".join(map(str, images.shape[2:]))
        raise UserError(f"images are {found} (height x width), and this network completes {size[0]} x {size[1]}")
    count = len(images)
    if len(seeds) != count or known.shape != (count, 1, *size):
        raise ValueError(f"{count} images need as many seeds and known [n, 1, {size[0]}, {size[1]}]")
    if not bool(((known == 0) | (known == 1)).all()):
        raise ValueError("known must be 1 where a pixel is known and 0 where it is not")
    if not count:
        return images.clone()
    device = next(generator.parameters()).device
    z, dropout = (each.to(device) for each in seeded_inputs(seeds, generator.z_dim, generator.x_dim))
    completions = []
    for row in range(count):
        one = slice(row, row + 1)
        ws = generator.mapping(z[one], truncation_psi=trunc)
        drawn = generator.complete(ws, images[one].to(device), known[one].to(device), dropout[one])
        drawn = drawn.clamp(-1, 1).to(images.device, images.dtype)
        completions.append(torch.where(known[one] > 0, images[one], drawn))
    return torch.cat(completions)


def hole_seam(images: Tensor, completions: Tensor, known: Tensor) -> Tensor:
    """Step across the border of the holes in the completions, over the same in the images as they were.

    Args:
        images: uint8 [n, H, W, 3].
        completions: likewise.
        known: [n, 1, H, W], 1 = known.

    Returns:
        float64 [n]: mean absolute difference of neighbours of which one is known and one is not, divided by that of the
        image, which counts as 1 of 255 at least. NaN where there are no such neighbours.
    """
    inside = known[:, 0] > 0
    return step_across_rim(completions, inside) / step_across_rim(images, inside).clamp(min=SMALLEST_STEP)


def hole_difference(images: Tensor, completions: Tensor, known: Tensor) -> Tensor:
    """Mean absolute difference, 0 to 255, of completions and images within the holes, [n]: how much was invented."""
    hole = (known[:, 0] == 0).double()
    difference = (completions.double() - images.double()).abs().mean(3)
    return (difference * hole).sum((1, 2)) / hole.sum((1, 2))
