"""Principal directions of w: what changes most between the images of a generator (GANSpace, 2020, section 3)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor

from insetgan.networks.layered import SHARED, Layered
from insetgan.networks.synthesiser import device_of
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import cache_folder, write_whole
from insetgan.runtime.fingerprint import files_of, fingerprint
from insetgan.runtime.tensors import open_tensors

COUNT = 5
"""Directions, those of the largest deviations."""

SAMPLES = 10_000
"""Draws of w from which they are computed."""


@dataclass(frozen=True)
class Directions:
    """Principal directions of w.

    Attributes:
        axes: unit vectors, float32 [count, w_dim], that of the largest deviation first.
        deviations: standard deviations of w along them, float32 [count].
    """

    axes: Tensor
    deviations: Tensor

    def offset(self, amounts: list[float]) -> Tensor:
        """What is added to w, [w_dim], for an amount of each direction in standard deviations."""
        return (torch.tensor(amounts) * self.deviations) @ self.axes


def directions_of(generator: Any, *, count: int = COUNT, samples: int = SAMPLES) -> Directions:
    """Principal directions of a generator's w, from the user's cache folder if they were computed before.

    Args:
        generator: `Layered`.
        count: of directions, at most w_dim are there.
        samples: draws of w.

    Raises:
        UserError: the generator has no w.
    """
    if not isinstance(generator, Layered):
        raise UserError("directions: this generator has no w")
    files = files_of(generator)
    path = None
    if files:
        name = fingerprint(["directions of w, by principal components", count, samples], files=files, code=False)
        path = cache_folder() / "directions" / f"{name[:32]}.safetensors"
        if (kept := _read(path, generator.w_dim)) is not None:
            return kept
    found = principal(_w(generator, samples), count)
    if path is not None:
        _keep(path, found)
    return found


def principal(w: Tensor, count: int) -> Directions:
    """Principal components of draws.

    Args:
        w: [n, w_dim], two or more draws.
        count: of components.

    Returns:
        The directions; of each the entry of the largest size is positive.
    """
    exact = w.double()
    variances, vectors = torch.linalg.eigh(torch.cov(exact.T).reshape(w.shape[1], w.shape[1]))
    axes = vectors.T.flip(0)[:count]
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    deviations = variances.flip(0)[:count].clamp(min=0).sqrt()
    return Directions((axes * largest.sign()).float(), deviations.float())


@torch.no_grad()
def _w(generator: Any, samples: int) -> Tensor:
    draws = np.random.RandomState(0).randn(samples, generator.z_dim)
    z = torch.from_numpy(draws).float().to(device_of(generator))
    psi = z.new_ones(samples, generator.num_ws)
    shared: Tensor = generator.sample(z, psi)[SHARED]
    return shared.cpu()


def _read(path: Path, w_dim: int) -> Directions | None:
    """What is kept; None where there is nothing whole."""
    try:
        with open_tensors(path) as file:
            axes, deviations = file.get_tensor("axes"), file.get_tensor("deviations")
    except (OSError, ValueError, SafetensorError):
        return None
    if axes.ndim != 2 or axes.shape[1] != w_dim or deviations.shape != axes.shape[:1]:
        return None
    return Directions(axes.float(), deviations.float())


def _keep(path: Path, found: Directions) -> None:
    """Keep directions for the next time; where nothing can be written they are computed again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, save({"axes": found.axes.contiguous(), "deviations": found.deviations}))
    except OSError:
        pass
