"""L_face of the paper, for any part: inside its box the inset stays what it was."""

from typing import ClassVar

from torch import Tensor

from insetgan.networks.perceptual import feature_distance
from insetgan.refine.sides import Side
from insetgan.refine.terms.difference import PixelTerm, masked_l1
from insetgan.refine.terms.term import PartTerm
from insetgan.refine.views import View
from insetgan.runtime.settings import settings


@settings(kw_only=True)
class PartL1(PartTerm, PixelTerm):
    """lambda_7 L1(R^I(I_B), R^I(I_ref)) at the inset's own pixels, in units of the [-1, 1] range."""

    family: ClassVar[str] = "part"
    words: ClassVar[str] = "colours within the part"
    sides: tuple[Side, ...] = ("inset",)

    @property
    def looks_at(self) -> tuple[Side, ...]:
        """The insets alone."""
        return ("inset",)

    def part_values(self, view: View, part: str) -> Tensor:
        """Mean absolute difference over the interior, [n]."""
        insets = view.insets
        ours, theirs = insets.images[part], insets.reference.images[part]
        return masked_l1(ours, theirs, insets.interiors[part], self.softness)


@settings(kw_only=True)
class PartPerceptual(PartTerm):
    """lambda_8 LPIPS(R^I(I_B), R^I(I_ref)) with the features of `perceptual=`, weighed by the interior at the working size."""

    family: ClassVar[str] = "part"
    words: ClassVar[str] = "features within the part"
    sides: tuple[Side, ...] = ("inset",)

    @property
    def looks_at(self) -> tuple[Side, ...]:
        """The insets alone."""
        return ("inset",)

    def part_values(self, view: View, part: str) -> Tensor:
        """Feature distance over the interior, [n]."""
        insets = view.insets
        ours, theirs = insets.small.features[part], insets.reference.small.features[part]
        return feature_distance(ours, theirs, insets.interiors[part])
