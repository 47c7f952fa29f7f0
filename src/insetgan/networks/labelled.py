"""A conditional generator that draws one label, for everything that draws without labels."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from insetgan.networks.layered import Layered
from insetgan.networks.mapping import LatentMapping
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import files_of

Label = int | Sequence[float]
"""A class 0, 1, ..., or the values of a label."""


class LabelledMapping(nn.Module):
    """The mapping of a conditional generator for one label.

    Args:
        mapping: of the generator.
        label: [c_dim].
    """

    label: Tensor

    def __init__(self, mapping: LatentMapping, label: Tensor) -> None:
        super().__init__()
        self.mapping = mapping
        self.register_buffer("label", label)

    @property
    def w_avg(self) -> Tensor:
        """Mean of w over all labels, [w_dim]; truncation draws towards it, as in NVIDIA's tools."""
        return self.mapping.w_avg

    def forward(self, z: Tensor, *, truncation_psi: float = 1.0) -> Tensor:
        """Map z [n, z_dim] to ws [n, num_ws, w_dim]."""
        ws: Tensor = self.mapping(z, self.label.expand(len(z), -1), truncation_psi=truncation_psi)
        return ws


class LabelledGenerator(Layered, nn.Module):
    """A conditional generator for one label; it is drawn from like a generator without labels.

    Args:
        generator: conditional, a StyleGAN.
        label: [c_dim].
    """

    c_dim = 0

    def __init__(self, generator: Any, label: Tensor) -> None:
        super().__init__()
        self._files = files_of(generator)
        self.height, self.width, self.img_channels = generator.height, generator.width, generator.img_channels
        self.z_dim, self.w_dim, self.num_ws = generator.z_dim, generator.w_dim, generator.num_ws
        self.generator = generator
        self.mapping = LabelledMapping(generator.mapping, label)

    @property
    def synthesis(self) -> Any:
        """The synthesis of the generator."""
        return self.generator.synthesis

    def draw(self, ws: Tensor) -> Tensor:
        """Draw ws [n, num_ws, w_dim]; see `Layered.draw`."""
        images: Tensor = self.generator.draw(ws)
        return images

    def files(self) -> list[Path]:
        """The files that the generator was read from; see `fingerprint.ReadsFiles`."""
        return self._files

    def forward(self, z: Tensor, *, truncation_psi: float = 1.0) -> Tensor:
        """Draw images [n, img_channels, height, width] of latents z [n, z_dim], with the stored noise."""
        return self.draw(self.mapping(z, truncation_psi=truncation_psi))


def parse_label(label: Any, c_dim: int, *, key: str) -> Tensor:
    """Read a label as users write it.

    Args:
        label: a class from 0, or a list of `c_dim` numbers.
        c_dim: number of label values that the generator takes.
        key: name of the setting, for messages.

    Returns:
        float32 [c_dim]; one-hot for a class.

    Raises:
        UserError: the label is out of range or has another length.
    """
    if isinstance(label, int) and not isinstance(label, bool) and 0 <= label < c_dim:
        return torch.eye(c_dim)[label]
    if isinstance(label, (list, tuple)) and len(label) == c_dim:
        numbers = [value for value in label if isinstance(value, (int, float)) and not isinstance(value, bool)]
        if len(numbers) == c_dim and all(map(math.isfinite, numbers)):
            return torch.tensor(numbers, dtype=torch.float32)
    raise UserError(f"{key}={label}: must be {_allowed(c_dim)}")


def with_label(generator: Any, label: Label | None, *, key: str) -> Any:
    """Fix the label of a generator.

    Args:
        generator: a `Generator`, or a network that has its attributes; with labels or without.
        label: what it shall draw; None for a generator without labels.
        key: name of the setting, for messages.

    Returns:
        The generator itself if it has no labels, else a `LabelledGenerator`.

    Raises:
        UserError: the generator is conditional and there is no label, or the other way round, or the label does not fit;
            or it is conditional and no StyleGAN.
    """
    if getattr(generator, "c_dim", 0) == 0:  # a generator of the user's own may not know of labels
        if label is not None:
            raise UserError(f"{key}={label}: this generator has no labels; leave the setting away")
        return generator
    layered = isinstance(generator, Layered)
    if not layered:
        raise UserError(f"{key}: {type(generator).__name__} takes labels and has no w; build it for one label instead")
    if label is None:
        raise UserError(f"{key}: this generator is conditional; the label must be {_allowed(generator.c_dim)}")
    return LabelledGenerator(generator, parse_label(label, generator.c_dim, key=key))


def _allowed(c_dim: int) -> str:
    numbers = "a list of 1 number" if c_dim == 1 else f"a list of {c_dim} numbers"
    return f"a whole number from 0 to {c_dim - 1}, or {numbers}"
