"""L_body: outside the boxes the canvas stays what it was; on any canvas, not only on bodies."""

from typing import ClassVar

from torch import Tensor

from insetgan.networks.perceptual import feature_distance
from insetgan.refine.sides import Side
from insetgan.refine.terms.difference import PixelTerm, masked_l1
from insetgan.refine.terms.term import Term
from insetgan.refine.views import View
from insetgan.runtime.settings import settings


@settings(kw_only=True)
class BodyL1(PixelTerm):
    """lambda_5 L1(R^O(I_A), R^O(I_ref)), in units of the [-1, 1] range."""

    family: ClassVar[str] = "body"
    words: ClassVar[str] = "colours outside the parts"
    sides: tuple[Side, ...] = ("canvas",)

    @property
    def looks_at(self) -> tuple[Side, ...]:
        """The canvas alone."""
        return ("canvas",)

    def values(self, view: View) -> Tensor:
        """Mean absolute difference over the pixels in no box, [n]."""
        return masked_l1(view.canvas.image, view.canvas.reference.image, view.locations.outside, self.softness)


@settings(kw_only=True)
class BodyPerceptual(Term):
    """lambda_6 LPIPS(R^O(I_A), R^O(I_ref)) with the features of `perceptual=`.

    The boxes are filled from the reference, so that nothing inside them counts and no artificial edge is described. The
    canvas is described at about 128 rows (`views.BODY_HEIGHT`).
    """

    family: ClassVar[str] = "body"
    words: ClassVar[str] = "features outside the parts"
    sides: tuple[Side, ...] = ("canvas",)

    @property
    def looks_at(self) -> tuple[Side, ...]:
        """The canvas alone."""
        return ("canvas",)

    def values(self, view: View) -> Tensor:
        """Feature distance over the whole canvas, [n]."""
        return feature_distance(view.canvas.outside_features, view.canvas.reference.features)
