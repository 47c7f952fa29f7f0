"""The numbers of a GAN's training recipe, with their ranges."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from insetgan.training.adversarial import LOSSES
from insetgan.training.augment.pipe import SETS


@dataclass(frozen=True)
class GANSettings:
    """How a generator and a discriminator are trained; defaults are StyleGAN2-ADA's where it has one.

    Attributes:
        batch_size: images an iteration, over all processes and rounds.
        batch_gpu: images that a process computes at once; it makes as many rounds as the batch needs and averages their
            gradients. Below the discriminator's `mbstd_group_size` these groups shrink with it. None for one round.
        lr: learning rate of both networks before the lazy correction.
        g_lr: learning rate of the generator where it is another, a lower one above all for a generator that is trained already:
            new critics at first move all its pictures alike. None takes `lr`.
        d_lead_kimg: thousand images in which the discriminator learns alone, so that a generator that is trained already
            is not pushed about by critics with random weights.
        loss: of the two networks, "logistic" (StyleGAN2's) or "hinge" (Projected GANs').
        gamma: weight of R1; None takes StyleGAN2-ADA's rule 0.0002 * height * width / batch_size; 0 leaves R1 out.
        r1_interval: steps between two R1 updates.
        pl_weight: weight of path length regularisation; 0 leaves it out.
        pl_interval: steps between two of its updates.
        pl_decay: how fast the running mean of path lengths moves.
        pl_batch_shrink: its batch is so many times as small.
        betas: of Adam, before the lazy correction.
        style_mixing: probability that a batch of pictures is made from two latents.
        noise: whether the synthesis adds its noise. Pictures without any random texture, such as rendered ones, are learned
            faster without, since the generator need not unlearn its speckle; the noise strengths are then held at zero.
        mirror: flip real pictures left to right half of the time.
        augment: set of augmentations, a key of `augment.pipe.SETS`, or "none".
        augment_p: probability of each augmentation; where the target adapts it, where it starts.
        ada_target: the mean sign of D(real) at which p is held; None leaves p at `augment_p`.
        ada_kimg: p may move from 0 to 1 in so many thousand images.
        ema_kimg: half-life of the average generator in thousand images; None takes batch_size * 10 / 32.
        ema_rampup: the half-life is at most this fraction of the images seen; None for no limit.
        freeze_d: layers of the discriminator, counted from the picture, that stay as they are (Mo et al. 2020).
        compile: let torch.compile make the main phases faster; the regularisers, differentiated twice, stay eager.

    Raises:
        ValueError: a setting outside its range.
    """

    batch_size: int
    batch_gpu: int | None = None
    lr: float = 0.002
    g_lr: float | None = None
    d_lead_kimg: float = 0.0
    loss: str = "logistic"
    gamma: float | None = None
    r1_interval: int = 16
    pl_weight: float = 0.0
    pl_interval: int = 4
    pl_decay: float = 0.01
    pl_batch_shrink: int = 2
    betas: tuple[float, float] = (0.0, 0.99)
    style_mixing: float = 0.0
    noise: bool = True
    mirror: bool = True
    augment: str = "none"
    augment_p: float = 0.0
    ada_target: float | None = 0.6
    ada_kimg: float = 500.0
    ema_kimg: float | None = None
    ema_rampup: float | None = 0.05
    freeze_d: int = 0
    compile: bool = False

    def __post_init__(self) -> None:
        """Refuse settings outside their range."""
        for names, fits, allowed in _RULES:
            for name in names.split():
                if not _fits(getattr(self, name), fits):
                    raise ValueError(f"{name}={getattr(self, name)}: must be {allowed}")

    @property
    def half_life_kimg(self) -> float:
        """Of the average generator."""
        return self.batch_size * 10 / 32 if self.ema_kimg is None else self.ema_kimg

    def r1_gamma(self, height: int, width: int) -> float:
        """Weight of R1 for pictures of a size."""
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


def _fits(value: Any, fits: Callable[[Any], bool]) -> bool:
    try:
        return fits(value)
    except TypeError:  # text where a number belongs
        return False


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_betas(betas: Any) -> bool:
    try:
        first, second = betas
        return bool(0 <= first < 1 and 0 <= second < 1)
    except (TypeError, ValueError):
        return False


_Rule = tuple[str, Callable[[Any], bool], str]
_RULES: tuple[_Rule, ...] = (
    ("batch_size r1_interval pl_interval pl_batch_shrink", lambda value: _whole(value) and value >= 1, "1 or more"),
    ("batch_gpu", lambda value: value is None or (_whole(value) and value >= 1), "1 or more, or null"),
    ("lr ada_kimg", lambda value: 0 < value < math.inf, "a number above 0"),
    ("g_lr ema_kimg ema_rampup", lambda value: value is None or 0 < value < math.inf, "a number above 0, or null"),
    ("gamma", lambda value: value is None or 0 <= value < math.inf, "a number of 0 or more"),
    ("pl_weight d_lead_kimg", lambda value: 0 <= value < math.inf, "a number of 0 or more"),
    ("style_mixing augment_p pl_decay", lambda value: 0 <= value <= 1, "from 0 to 1"),
    ("noise mirror compile", lambda value: isinstance(value, bool), "true or false"),
    ("loss", lambda value: value in LOSSES, f"one of {', '.join(LOSSES)}"),
    ("augment", lambda value: value == "none" or value in SETS, f"none or one of {', '.join(SETS)}"),
    ("betas", _is_betas, "two numbers from 0 to below 1"),
    ("ada_target", lambda value: value is None or -1 < value < 1, "above -1 and below 1, or null"),
    ("freeze_d", lambda value: _whole(value) and value >= 0, "0 or more"),
)
