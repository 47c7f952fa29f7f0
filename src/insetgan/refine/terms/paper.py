"""The terms of the paper with this project's weights; the one place that declares them."""

from collections.abc import Mapping
from types import MappingProxyType

from insetgan.refine.terms.body import BodyL1, BodyPerceptual
from insetgan.refine.terms.border import BorderEdge, BorderL1, BorderPerceptual
from insetgan.refine.terms.coarse import CoarseL1, CoarsePerceptual
from insetgan.refine.terms.part import PartL1, PartPerceptual
from insetgan.refine.terms.ramp import Ramp
from insetgan.refine.terms.regularisers import MeanLatent, OffsetNorm
from insetgan.refine.terms.term import Term

_SOFT = (
    0.05  # rounds the L1 terms off at zero, so that rounding noise does not grow into another image in another batch
)
_COARSE = 16  # an inset of 64 pixels needs less than the paper's D_64 to keep its own detail

PAPER: Mapping[str, Term] = MappingProxyType(
    {
        "coarse_l1": CoarseL1(weight=0.5, softness=_SOFT, size=_COARSE),
        "coarse_perceptual": CoarsePerceptual(weight=0.5, size=_COARSE),
        "border_l1": BorderL1(weight=150.0, softness=_SOFT, ramp=Ramp(0.0, 0.5)),
        "border_edge": BorderEdge(weight=600.0, softness=_SOFT, ramp=Ramp(0.0, 0.5)),
        "border_perceptual": BorderPerceptual(weight=1.0, size=32),
        "body_l1": BodyL1(weight=10.0, softness=_SOFT),
        "body_perceptual": BodyPerceptual(weight=1.0),
        "mean_canvas": MeanLatent(weight=0.2, sides=("canvas",)),
        "mean_inset": MeanLatent(weight=0.2, sides=("inset",)),
        "offset_canvas": OffsetNorm(weight=0.5, sides=("canvas",)),
        "offset_inset": OffsetNorm(weight=0.3, sides=("inset",)),
        "part_l1": PartL1(weight=60.0, softness=_SOFT),
        "part_perceptual": PartPerceptual(weight=1.0),
    }
)
"""All terms of the paper by name; weights are tuned on the embedded models (docs/method.md). A mode says which act."""
