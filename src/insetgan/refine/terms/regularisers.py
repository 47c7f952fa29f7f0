"""L_reg: the latents stay near what their generators know."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor

from insetgan.refine.latents import CANVAS, Latents
from insetgan.refine.sides import Side
from insetgan.refine.terms.term import Term
from insetgan.refine.views import View
from insetgan.runtime.settings import settings


def smooth_root(squares: Tensor, softness: float) -> Tensor:
    """Root of mean squares, rounded off at zero.

    sqrt(mean(x^2) + s^2) - s: the paper's L2 norm (over sqrt(w_dim), so that a weight means the same at every size) but
    with a gradient at zero, where every run starts its offsets.
    """
    return (squares + softness**2).sqrt() - softness


@settings(kw_only=True)
class NormTerm(Term):
    """A term made of norms.

    Steps much longer than `softness` throw an offset to and fro across zero, so heavy weights and fast rates want it larger,
    up to about the rate itself.
    """

    family: ClassVar[str] = "reg"
    softness: Annotated[
        float, Field(gt=0, le=1e6, description="where the norm is rounded off at zero, in units of w")
    ] = 0.01

    @property
    def looks_at(self) -> tuple[Side, ...]:
        """The sides whose norms it takes."""
        return self.sides


@settings(kw_only=True)
class MeanLatent(NormTerm):
    """lambda_r1 ||w* - w_avg|| of the generators on its sides; in W+, where there is no w*, the mean over the layers.

    A generator of another family says itself how far its latents are from its prior; see `Synthesiser.distance`.
    """

    words: ClassVar[str] = "distance from the mean latents"

    def values(self, view: View) -> Tensor:
        """Root mean square distance from w_avg, summed over the generators, [n]."""
        return _summed(smooth_root(latents.distance, self.softness).mean(1) for latents in _latents(self, view))


@settings(kw_only=True)
class OffsetNorm(NormTerm):
    """lambda_r2 sum_i ||delta_i|| of the generators on its sides, as a mean over the layers; nothing in W+."""

    words: ClassVar[str] = "size of the offsets"

    def values(self, view: View) -> Tensor:
        """Root mean square offset, mean over the layers, summed over the generators, [n]."""
        return _summed(smooth_root(latents.offsets, self.softness).mean(1) for latents in _latents(self, view))


def _latents(term: Term, view: View) -> list[Latents]:
    names = [CANVAS] if "canvas" in term.sides else []
    if "inset" in term.sides:
        names += view.parts
    return [view.latents[name] for name in names]


def _summed(values: Iterator[Tensor]) -> Tensor:
    total = next(values)
    for value in values:
        total = total + value
    return total
