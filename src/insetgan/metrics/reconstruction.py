"""How close a reconstruction comes to its image."""

from collections.abc import Mapping

import torch
from torch import Tensor

from insetgan.metrics.measures import Quantity
from insetgan.networks.perceptual import Perceptual, describe, feature_distance
from insetgan.ops.images import from_uint8, to_uint8

FIGURES: Mapping[str, Quantity] = {
    "mae": Quantity("MAE", "mean absolute difference of grey levels", "of 255"),
    "psnr": Quantity("PSNR", "-10 log10 of the MSE, at most 100", "dB", "higher"),
    "mse": Quantity("MSE", "mean squared difference of values in 0..1"),
    "perceptual": Quantity("perceptual distance", "distance of features, see networks.perceptual"),
}
"""What is said of each figure."""

_LEAST = 1e-10  # of the MSE: PSNR 100


@torch.no_grad()
def reconstruction_figures(images: Tensor, drawn: Tensor, perceptual: Perceptual | None = None) -> dict[str, Tensor]:
    """Measure reconstructions as they are saved, in 256 levels.

    Args:
        images: [n, 3, h, w] in [-1, 1].
        drawn: likewise.
        perceptual: gives the features of the distance; NaN without it.

    Returns:
        By the names of `FIGURES`, float64 [n].
    """
    ours, theirs = (to_uint8(each).double() for each in (drawn, images))
    difference = ours - theirs
    mse = (difference / 255).square().mean((1, 2, 3))
    figures = {"mae": difference.abs().mean((1, 2, 3)), "psnr": -10 * mse.clamp(min=_LEAST).log10(), "mse": mse}
    figures["perceptual"] = torch.full_like(mse, torch.nan)
    if perceptual is not None:
        one, other = (describe(perceptual, from_uint8(to_uint8(each)).to(images.device)) for each in (drawn, images))
        figures["perceptual"] = feature_distance(one, other).double().cpu()
    return figures
