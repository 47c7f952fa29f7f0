"""What a generator and a discriminator want, as values per sample."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


def generator_loss(fake_logits: Tensor) -> Tensor:
    """Non-saturating loss of the generator, softplus(-D(G(z))) (Goodfellow et al. 2014, section 3).

    Args:
        fake_logits: [n, 1], the discriminator on generated images.

    Returns:
        float32 [n].
    """
    return functional.softplus(-fake_logits.float()).flatten(1).mean(dim=1)


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Logistic loss of the discriminator, softplus(-D(x)) + softplus(D(G(z))).

    Args:
        real_logits: [n, 1], the discriminator on real images.
        fake_logits: [n, 1], on generated ones.

    Returns:
        float32 [n].
    """
    loss = functional.softplus(-real_logits.float()) + functional.softplus(fake_logits.float())
    return loss.flatten(1).mean(dim=1)


def generator_hinge_loss(fake_logits: Tensor) -> Tensor:
    """Hinge loss of the generator, -D(G(z)) (Lim and Ye 2017; the choice of Projected GANs, Sauer et al. 2021).

    Args:
        fake_logits: [n, k], the discriminator on generated images, one or many judgements an image.

    Returns:
        float32 [n].
    """
    return -fake_logits.float().flatten(1).mean(dim=1)


def discriminator_hinge_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Hinge loss of the discriminator, max(0, 1 - D(x)) + max(0, 1 + D(G(z))).

    Args:
        real_logits: [n, k], the discriminator on real images.
        fake_logits: [n, k], on generated ones.

    Returns:
        float32 [n].
    """
    loss = functional.relu(1 - real_logits.float()) + functional.relu(1 + fake_logits.float())
    return loss.flatten(1).mean(dim=1)


@dataclass(frozen=True)
class AdversarialLoss:
    """What both networks minimise against each other.

    Attributes:
        generator: logits on generated images -> [n].
        discriminator: logits on real and on generated images -> [n].
    """

    generator: Callable[[Tensor], Tensor]
    discriminator: Callable[[Tensor, Tensor], Tensor]


LOSSES = {
    "logistic": AdversarialLoss(generator_loss, discriminator_loss),
    "hinge": AdversarialLoss(generator_hinge_loss, discriminator_hinge_loss),
}
"""By the name that the configuration calls them."""


def r1_penalty(discriminator: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Squared gradient of the discriminator at real images, without gamma / 2 (Mescheder et al. 2018, equation 9).

    Args:
        discriminator: [n, c, h, w] -> [n, 1].
        images: [n, c, h, w] real images.

    Returns:
        [n], `|dD/dx|^2` summed over channels and pixels, with a graph, so that it can be minimised.
    """
    points = images.detach().requires_grad_()
    logits = discriminator(points)
    (gradient,) = torch.autograd.grad(logits.sum(), points, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3))
