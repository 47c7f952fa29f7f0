"""L_coarse: the inset and the box of the canvas look alike at low resolution.

The paper compares at D_64, where its insets of 256 or 1024 pixels have lost their detail, so that the inset agrees with
the canvas in colour, shape and pose without copying the canvas's poorer detail. An inset of 64 pixels has lost nothing
there; `size` says how far to go down.
"""

from typing import ClassVar

from torch import Tensor

from insetgan.networks.perceptual import feature_distance
from insetgan.refine.terms.difference import PixelTerm, soft_l1
from insetgan.refine.terms.term import SizedTerm
from insetgan.refine.views import View
from insetgan.runtime.settings import settings


@settings(kw_only=True)
class CoarseL1(SizedTerm, PixelTerm):
    """lambda_1 L1(D(B(I_A)), D(I_B)), in units of the [-1, 1] range."""

    family: ClassVar[str] = "coarse"
    words: ClassVar[str] = "colours of the small crops"

    def part_values(self, view: View, part: str) -> Tensor:
        """Mean absolute difference over all pixels and channels, [n]."""
        canvas, insets = view.canvas.crops.at(self.size), view.insets.small.at(self.size)
        return soft_l1(canvas.images[part], insets.images[part], self.softness).mean((1, 2, 3))


@settings(kw_only=True)
class CoarsePerceptual(SizedTerm):
    """lambda_2 LPIPS(D(B(I_A)), D(I_B)) with the features of `perceptual=`."""

    family: ClassVar[str] = "coarse"
    words: ClassVar[str] = "features of the small crops"

    def part_values(self, view: View, part: str) -> Tensor:
        """Feature distance over the whole crop, [n]."""
        canvas, insets = view.canvas.crops.at(self.size), view.insets.small.at(self.size)
        return feature_distance(canvas.features[part], insets.features[part])
