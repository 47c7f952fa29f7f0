"""L_face of the paper, for any part: inside its box the inset stays what it was."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from insetgan.networks.perceptual import feature_distance
from insetgan.refine.context import Context
from insetgan.refine.terms.difference import PixelTerm, masked_l1
from insetgan.refine.terms.term import PartTerm, Side


@dataclass(frozen=True, kw_only=True)
class PartL1(PartTerm, PixelTerm):
    """lambda_7 L1(R^I(I_B), R^I(I_ref)) at the inset's own pixels, in units of the [-1, 1] range."""

    family: ClassVar[str] = "part"
    sides: tuple[Side, ...] = ("inset",)

    def part_values(self, context: Context, part: str) -> Tensor:
        """Mean absolute difference over the interior, [n]."""
        where = context.interiors[part]
        return masked_l1(context.insets[part], context.inset_references[part], where, self.softness)


@dataclass(frozen=True, kw_only=True)
class PartPerceptual(PartTerm):
    """lambda_8 LPIPS(R^I(I_B), R^I(I_ref)) with the embedded features, weighed by the interior at the working size."""

    family: ClassVar[str] = "part"
    sides: tuple[Side, ...] = ("inset",)

    def part_values(self, context: Context, part: str) -> Tensor:
        """Feature distance over the interior, [n]."""
        where = context.interiors[part]
        return feature_distance(context.inset_features(part), context.kept_features(part), where)
