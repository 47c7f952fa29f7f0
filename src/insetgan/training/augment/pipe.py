"""The augmentation pipeline of StyleGAN2-ADA (Karras et al. 2020, Training GANs with Limited Data, appendix B)."""

from typing import Any

import torch
from torch import Tensor, nn

from insetgan.training.augment.settings import SETS, settings_of
from insetgan.training.augment.stages import Colour, Cutout, Filter, Geometry, Noise
from insetgan.training.augment.table import Table

__all__ = ["SETS", "AugmentPipe"]


class AugmentPipe(nn.Module):
    """Augments images, each by its own random numbers, which it is given.

    All that happens to an image's geometry is one affine warp, all that happens to its colours one matrix. Shapes follow
    from the images' shape alone and nothing is read on the host, so it compiles and can be recorded in a CUDA graph. It
    is twice differentiable with respect to the images. With p = 0 images come back exactly as they were.

    Args:
        pipe: a key of `SETS`.
        overrides: values of `augment.settings.Settings` that differ from the set's.

    Raises:
        ValueError: no such set or setting, or a value below zero.
    """

    def __init__(self, pipe: str = "bgc", **overrides: Any) -> None:
        super().__init__()
        self.settings = settings_of(pipe, overrides)
        stages = [stage(self.settings) for stage in (Geometry, Colour, Filter, Noise, Cutout)]
        self.stages = nn.ModuleList(stage for stage in stages if stage.active)
        self.table = Table([variable for stage in stages for variable in stage.variables])

    @property
    def columns(self) -> int:
        """How many uniform numbers an image needs."""
        return self.table.columns

    @property
    def needs_noise(self) -> bool:
        """Whether it has to be given noise."""
        return any(isinstance(stage, Noise) for stage in self.stages)

    def forward(self, images: Tensor, p: Tensor, uniforms: Tensor, noise: Tensor | None = None) -> Tensor:
        """Augment images.

        Args:
            images: [n, 3, h, w] in [-1, 1], h and w at least 2.
            p: probability of each transformation, 0-dimensional, on the images' device.
            uniforms: [n, columns] in (0, 1), a row for each image. A transformation is done where the number of its gate
                is below p times its multiplier, and each of its values is the quantile at another number of the row.
            noise: standard normal, of the images' shape; only where `needs_noise`.

        Returns:
            [n, 3, h, w] of the images' type, computed in float32 or float64 whatever the autocast around it; not
            clipped to [-1, 1].

        Raises:
            ValueError: something has another shape, or the noise is missing.
        """
        self._check(images, uniforms, noise)
        exact = torch.promote_types(images.dtype, torch.float32)
        with torch.autocast(images.device.type, enabled=False):
            drawn = self.table(uniforms.to(exact), p)
            augmented = images.to(exact)
            for stage in self.stages:
                augmented = stage(augmented, drawn, noise)
        return augmented.to(images.dtype)

    def _check(self, images: Tensor, uniforms: Tensor, noise: Tensor | None) -> None:
        if images.ndim != 4 or images.shape[1] != 3 or min(images.shape[2:]) < 2:
            raise ValueError(f"images must have the shape [n, 3, h, w], h and w at least 2, not {list(images.shape)}")
        if uniforms.shape != (len(images), self.columns):
            raise ValueError(
                f"uniforms must have the shape [{len(images)}, {self.columns}], not {list(uniforms.shape)}"
            )
        if self.needs_noise and (noise is None or noise.shape != images.shape):
            given = "nothing" if noise is None else list(noise.shape)
            raise ValueError(f"noise must have the shape {list(images.shape)}, not {given}")
