"""The images that are measured: a fixed choice of real ones, and generated ones of fixed seeds."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from insetgan.ops.images import seeded_latents

BATCH = 32


def real_images(dataset: Any, num: int, *, mirror: bool = False, workers: int = 0) -> Iterator[Tensor]:
    """Batches uint8 [n, 3, h, w] of images of a data set, drawn once and for all where it holds more than `num`.

    Args:
        dataset: with a length; items are uint8 [3, h, w], or pairs of that and a label.
        num: images at most.
        mirror: give each flipped left to right as well.
        workers: processes that read them; this takes a number from torch's global generator, whatever it is.
    """
    for item in DataLoader(Subset(dataset, _choice(len(dataset), num)), batch_size=BATCH, num_workers=workers):
        batch: Tensor = item if isinstance(item, Tensor) else item[0]
        yield batch
        if mirror:
            yield batch.flip(3)


def generated_images(
    draw: Callable[..., Tensor], z_dim: int, num: int, *, seed: int = 0, labels: Tensor | None = None
) -> Iterator[Tensor]:
    """Batches uint8 [n, 3, h, w] of the seeds seed, seed + 1, ..., without truncation.

    Args:
        draw: called with latents [n, z_dim] and psi = 1, and labels [n, c_dim] if there are any: [n, 3, h, w] in [-1, 1].
        z_dim: of the latents.
        num: images.
        seed: first of the seeds.
        labels: of the data set, [m, c_dim], from which each image draws its own; None for an unconditional generator.

    Raises:
        FloatingPointError: an image is not finite.
    """
    drawn = None if labels is None else labels[np.random.RandomState(seed).randint(len(labels), size=num)]
    for first in range(0, num, BATCH):
        latents = seeded_latents(range(seed + first, seed + min(first + BATCH, num)), z_dim)
        images = draw(latents, 1.0) if drawn is None else draw(latents, 1.0, drawn[first : first + BATCH])
        if not bool(torch.isfinite(images).all()):
            raise FloatingPointError(f"generated images are not finite, first among seeds {seed + first} and on")
        yield quantised(images)


def quantised(images: Tensor) -> Tensor:
    """Bytes of images in [-1, 1], uint8 of the same shape, by the rule of NVIDIA's metrics: clamp(x * 127.5 + 128)."""
    return (images.detach().float() * 127.5 + 128).clamp(0, 255).to(torch.uint8)


def _choice(total: int, num: int) -> list[int]:
    if total <= num:
        return list(range(total))
    return sorted(int(index) for index in np.random.RandomState(0).permutation(total)[:num])
