"""The L1 difference of images, exact or rounded off at zero."""

from typing import Annotated

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from insetgan.refine.terms.term import Term
from insetgan.runtime.settings import settings


def soft_l1(ours: Tensor, theirs: Tensor, softness: float = 0.0) -> Tensor:
    """Absolute difference d, pixel by pixel; below `softness` s it is d^2 / (2 s), above it d - s / 2.

    Args:
        ours: [n, c, h, w].
        theirs: [n, c, h, w].
        softness: s, in units of the [-1, 1] range; 0 is the plain absolute difference.
    """
    return functional.smooth_l1_loss(ours, theirs, reduction="none", beta=softness)


def masked_l1(ours: Tensor, theirs: Tensor, where: Tensor, softness: float = 0.0) -> Tensor:
    """Mean absolute difference over the marked pixels and all channels, [n]; 0 where nothing is marked.

    Args:
        ours: [n, c, h, w].
        theirs: [n, c, h, w].
        where: bool [n or 1, 1, h, w].
        softness: see `soft_l1`.
    """
    weights = where.to(ours)
    difference = (soft_l1(ours, theirs, softness).mean(1, keepdim=True) * weights).sum((1, 2, 3))
    return difference / weights.sum((1, 2, 3)).clamp(min=1)


@settings(kw_only=True)
class PixelTerm(Term):
    """A term made of L1 differences.

    L1 pulls with the same force however small a difference is, so near the end pixels are kicked to and fro, and
    the rounding of one batch size against another grows into visibly different images. Rounding the difference off
    below a few of 255 ends that.
    """

    softness: Annotated[
        float, Field(ge=0, le=2, description="where the L1 is rounded off at zero, in [-1, 1]; 0 is the paper's L1")
    ] = 0.0
