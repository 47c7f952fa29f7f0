"""The numbers of a GAN's training recipe, with their ranges."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from insetgan.runtime.settings import SettingError, settings
from insetgan.training.augment.pipe import SETS

Count = Annotated[int, Field(ge=1, le=1_000_000)]
Rate = Annotated[float, Field(gt=0, le=1000)]
Share = Annotated[float, Field(ge=0, le=1)]
Beta = Annotated[float, Field(ge=0, lt=1)]
Kimg = Annotated[float, Field(gt=0, le=1e9)]
"""Thousands of images."""


@settings
class GANSettings:
    """How a generator and a discriminator are trained; the published recipes are in conf/recipe.

    A batch that is computed in several rounds gives the mean of their gradients; the discriminator's `mbstd_group_size`
    shrinks to a round. Images without any random texture, such as rendered ones, are learned faster without noise, since the
    generator need not unlearn its speckle; the noise strengths are then held at zero. New critics of a trained generator at
    first move all its images alike, which a low `g_lr` or some `d_lead_kimg` soften.

    Raises:
        SettingError: a setting outside its range.
    """

    batch_size: Annotated[Count, Field(description="images an iteration, over all processes and rounds")]
    batch_gpu: Annotated[
        Count | None, Field(description="images that a process computes at once; null for all of its share")
    ] = None
    lr: Annotated[Rate, Field(description="learning rate of both networks before the lazy correction")] = 0.002
    g_lr: Annotated[Rate | None, Field(description="learning rate of the generator where it is another")] = None
    d_lead_kimg: Annotated[
        float, Field(ge=0, le=1e9, description="thousands of images in which the discriminator learns alone")
    ] = 0.0
    loss: Annotated[
        Literal["logistic", "hinge"], Field(description="of both networks: StyleGAN2's or Projected GANs'")
    ] = "logistic"
    gamma: Annotated[
        float | None,
        Field(ge=0, le=1e9, description="weight of R1; null is 0.0002 * height * width / batch_size, 0 leaves R1 out"),
    ] = None
    r1_interval: Annotated[Count, Field(description="steps between two R1 updates")] = 16
    pl_weight: Annotated[
        float, Field(ge=0, le=1e9, description="weight of path length regularisation; 0 leaves it out")
    ] = 0.0
    pl_interval: Annotated[Count, Field(description="steps between two of its updates")] = 4
    pl_decay: Annotated[Share, Field(description="how fast the running mean of path lengths moves")] = 0.01
    pl_batch_shrink: Annotated[Count, Field(description="its batch is so many times as small")] = 2
    betas: Annotated[tuple[Beta, Beta], Field(description="of Adam, before the lazy correction")] = (0.0, 0.99)
    style_mixing: Annotated[Share, Field(description="probability that a batch of images is made from two latents")] = (
        0.0
    )
    noise: Annotated[bool, Field(description="whether the synthesis adds its noise")] = True
    mirror: Annotated[bool, Field(description="flip real images left to right half of the time")] = True
    augment: Annotated[str, Field(description="set of augmentations, a key of augment.pipe.SETS, or none")] = "none"
    augment_p: Annotated[
        Share, Field(description="probability of each augmentation; where ada_target adapts it, where it starts")
    ] = 0.0
    ada_target: Annotated[
        float | None,
        Field(gt=-1, lt=1, description="the mean sign of D(real) at which p is held; null leaves p at augment_p"),
    ] = 0.6
    ada_kimg: Annotated[Kimg, Field(description="p may move from 0 to 1 in so many thousands of images")] = 500.0
    ema_kimg: Annotated[
        Kimg | None,
        Field(description="half-life of the average generator in thousands of images; null is batch_size * 10 / 32"),
    ] = None
    ema_rampup: Annotated[
        Kimg | None, Field(description="the half-life is at most this fraction of the images seen; null for no limit")
    ] = 0.05
    freeze_d: Annotated[
        int, Field(ge=0, le=1000, description="layers of the discriminator, from the image, that stay (Mo et al. 2020)")
    ] = 0
    compile: Annotated[
        bool, Field(description="torch.compile of the main phases; regularisers, differentiated twice, stay eager")
    ] = False
    graphs: Annotated[
        bool,
        Field(description="CUDA graphs of the main phases, for small networks on a fast GPU; needs data.workers=0"),
    ] = False

    def __post_init__(self) -> None:
        """Refuse a set of augmentations that there is not."""
        if self.augment not in ("none", *SETS):
            raise SettingError("augment", f"must be none or one of {', '.join(SETS)}", self.augment)
        if self.graphs and (self.compile or self.batch_gpu not in (None, self.batch_size)):
            # The gradients of a graph lie in its own memory, where the next round would overwrite them.
            raise SettingError("graphs", "needs compile=false and a batch in one round (batch_gpu=null)", self.graphs)

    @classmethod
    def of_recipe(cls, recipe: Mapping[str, Any], **own: Any) -> Self:
        """Settings of a recipe, which may hold others as well, such as sizes of the networks.

        Args:
            recipe: values by name.
            own: settings that win over those of the recipe.

        Raises:
            SettingError: a setting outside its range.
        """
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in recipe.items() if name in known} | own)

    @property
    def phases(self) -> dict[str, Any]:
        """Those of `phases.standard_phases`, but for R1's weight."""
        names = ("r1_interval", "loss", "pl_weight", "pl_interval", "pl_decay", "pl_batch_shrink")
        return {name: getattr(self, name) for name in names}

    def adam(self, network: str, correction: float) -> dict[str, Any]:
        """Rate and betas of Adam for "G" or "D" after the lazy correction (StyleGAN2, appendix B)."""
        first, second = self.betas
        lr = self.g_lr if network == "G" and self.g_lr is not None else self.lr
        return {"lr": lr * correction, "betas": (first**correction, second**correction)}

    @property
    def half_life_kimg(self) -> float:
        """Of the average generator."""
        return self.batch_size * 10 / 32 if self.ema_kimg is None else self.ema_kimg

    def r1_gamma(self, height: int, width: int) -> float:
        """Weight of R1 for images of a size."""
        return 0.0002 * height * width / self.batch_size if self.gamma is None else self.gamma

    def rounds(self, processes: int) -> int:
        """Rounds in which each process computes its share of a batch.

        Raises:
            ValueError: processes and rounds of `batch_gpu` do not divide the batch.
        """
        if self.batch_size % processes:
            raise ValueError(f"batch_size={self.batch_size}: must be a multiple of trainer.devices={processes}")
        share = self.batch_size // processes
        at_once = min(self.batch_gpu or share, share)
        if share % at_once:
            raise ValueError(f"batch_gpu={self.batch_gpu}: must divide the {share} images that each process takes")
        return share // at_once

    def group_size(self, processes: int, mbstd_group_size: int) -> int:
        """Number of samples whose standard deviation a discriminator looks at, and which are so computed together.

        Raises:
            ValueError: the batch cannot be divided among so many processes and into such groups.
        """
        at_once = self.batch_size // (processes * self.rounds(processes))
        group = min(mbstd_group_size, at_once)
        if at_once % group:
            raise ValueError(
                f"recipe.mbstd_group_size={group}: must divide the {at_once} images that each process computes at once "
                f"(batch_size={self.batch_size}, batch_gpu={self.batch_gpu or 'null'}, trainer.devices={processes})"
            )
        return group
