"""Perceptual path length: how much images change for a small step between two latents."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from insetgan.metrics.bootstrap import trimmed_mean
from insetgan.networks.layered import Layered
from insetgan.runtime.errors import UserError

Sampling = Literal["end", "full"]
EPSILON = 1e-4
TRIM = 0.01
"""Share of the lengths left out at either end, as in NVIDIA's metric."""
BATCH = 16


def path_length(generator: Any, distance: Callable[[Tensor, Tensor], Tensor], num: int, **settings: Any) -> float:
    """Perceptual path length in W (Karras et al. 2019, section 4.1): mean of `path_lengths` within the 1st to 99th percentile.

    Args:
        generator: see `path_lengths`.
        distance: see `path_lengths`.
        num: pairs, those of the seeds 0, 1, ...
        settings: see `path_lengths`.
    """
    return trimmed_mean(path_lengths(generator, distance, range(num), **settings).numpy(), TRIM)


@torch.no_grad()
def path_lengths(
    generator: Any,
    distance: Callable[[Tensor, Tensor], Tensor],
    seeds: Sequence[int],
    *,
    sampling: Sampling = "end",
    epsilon: float = EPSILON,
    crop: Callable[[Tensor], Tensor] | None = None,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Length of a step of each seed: d(g(w_t), g(w_(t + epsilon))) / epsilon^2 on the line from one w to another.

    A seed decides on z of both ends and on t alone, so that images may be shared out in any way. Noise of the synthesis
    is the stored one, the same for both images of a pair. Full precision; without truncation and labels.

    Args:
        generator: in evaluation mode, with latents of one vector a layer (`networks.layered.Layered`).
        distance: of images [n, 3, h, w], squared in the step, as LPIPS is: [n].
        seeds: one a pair.
        sampling: t: "end" is 0, at w of a latent; "full" is uniform in 0..1.
        epsilon: of the step.
        crop: of the images before they are compared; None compares them whole.
        device: where the generator and the distance are.

    Returns:
        float64 [number of seeds].

    Raises:
        UserError: another sampling, epsilon that is not above 0, or a generator with labels or without W.
    """
    if sampling not in get_args(Sampling):
        raise UserError(f"sampling={sampling}: must be one of {', '.join(get_args(Sampling))}")
    if not 0 < epsilon < 1:
        raise UserError(f"epsilon={epsilon}: must be above 0 and below 1")
    if getattr(generator, "c_dim", 0):
        raise UserError("metrics=ppl: the generator takes labels; path lengths are measured without")
    layered = isinstance(generator, Layered)
    if not layered:
        raise UserError(
            "metrics=ppl: path lengths are measured in W, which this generator does not have; leave ppl out"
        )
    found = []
    for first in range(0, len(seeds), BATCH):
        ends, where = _draws(seeds[first : first + BATCH], generator.z_dim)
        ws = generator.mapping(ends.flatten(0, 1).to(device)).double().unflatten(0, (-1, 2))
        t = (where * (sampling == "full")).to(device).view(-1, *[1] * (ws.ndim - 2))
        pair = [torch.lerp(ws[:, 0], ws[:, 1], t + step) for step in (0.0, epsilon)]
        with torch.autocast(torch.device(device).type, enabled=False):
            drawn = [generator.draw(each.float()).float() for each in pair]
            if crop is not None:
                drawn = [crop(each) for each in drawn]
            found.append(distance(*drawn).double().cpu() / epsilon**2)
    return torch.cat(found) if found else torch.empty(0, dtype=torch.float64)


def face_crop(images: Tensor) -> Tensor:
    """The middle of aligned faces, rows 3/8 to 7/8 and columns 2/8 to 6/8, as NVIDIA's metric crops FFHQ."""
    height, width = images.shape[2] // 8, images.shape[3] // 8
    return images[:, :, 3 * height : 7 * height, 2 * width : 6 * width]


def _draws(seeds: Sequence[int], z_dim: int) -> tuple[Tensor, Tensor]:
    """Latents of both ends [n, 2, z_dim] and places on the line [n] of each seed."""
    ends, where = [], []
    for seed in seeds:
        random = np.random.RandomState(seed)
        ends.append(random.randn(2, z_dim))
        where.append(random.rand())
    return torch.from_numpy(np.stack(ends)).float(), torch.tensor(where, dtype=torch.float64)
