"""Adaptive discriminator augmentation: the pipeline, its probability, and what moves it."""

from torch import Tensor, nn

from insetgan.runtime.processes import sum_over_processes
from insetgan.training.augment.controller import AdaptiveController
from insetgan.training.augment.pipe import AugmentPipe
from insetgan.training.draws import Draws
from insetgan.training.gan_settings import GANSettings

INTERVAL = 4  # iterations between two adjustments (Karras et al. 2020, ADA, section 3.2)


class AdaptiveAugment(nn.Module):
    """Augments images with a probability that follows how sure the discriminator is of real ones.

    Args:
        pipe: a key of `augment.pipe.SETS`.
        p: where the probability starts.
        target: the mean sign of D(real) at which it is held; None leaves it at `p`.
        kimg: it may move from 0 to 1 in so many thousand images.
    """

    def __init__(self, pipe: str, *, p: float = 0.0, target: float | None = 0.6, kimg: float = 500.0) -> None:
        super().__init__()
        self.pipe = AugmentPipe(pipe)
        self.controller = AdaptiveController(p=p, target=target, ada_kimg=kimg)

    def forward(self, images: Tensor, draws: Draws) -> Tensor:
        """Augment images [n, 3, h, w] in [-1, 1]."""
        if self.p.device.type == "cpu" and float(self.p) == 0:
            return images  # asking costs nothing here, and the pipeline would give the same
        noise = draws.images(*images.shape[1:]) if self.pipe.needs_noise else None
        return self.pipe(images, self.p, draws.uniforms(self.pipe.columns), noise)  # type: ignore[no-any-return]

    @property
    def p(self) -> Tensor:
        """The probability, 0-dimensional on the device."""
        return self.controller.p

    def observe(self, signs: Tensor) -> None:
        """Note signs of D(real)."""
        self.controller.add(signs)

    def adjust(self, images: int) -> None:
        """Move the probability by what all processes saw during the last `images` images."""
        self.controller.adjust(images, sum_over_processes)


def adaptive_augment(settings: GANSettings) -> AdaptiveAugment | None:
    """Make the augmentation that the settings of a GAN ask for; None if they ask for none."""
    if settings.augment == "none":
        return None
    p, target, kimg = settings.augment_p, settings.ada_target, settings.ada_kimg
    return AdaptiveAugment(settings.augment, p=p, target=target, kimg=kimg)
