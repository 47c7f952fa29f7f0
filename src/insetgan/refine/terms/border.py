"""L_border: inset and canvas agree in the band E_8 inside the border of the box, so that the paste shows no seam."""

from typing import ClassVar

from torch import Tensor

from insetgan.networks.perceptual import feature_distance
from insetgan.refine.terms.difference import PixelTerm, masked_l1
from insetgan.refine.terms.term import PartTerm, SizedTerm
from insetgan.refine.views import View
from insetgan.runtime.settings import settings


@settings(kw_only=True)
class BorderL1(PartTerm, PixelTerm):
    """lambda_3 L1(E_8(B(I_A)), E_8(I_B)), measured at the composite's own pixels.

    The eye sees the inset as it is pasted, at the canvas's resolution, so that is where the band is compared: an eighth
    of the box inside its border, the paper's 8 pixels of 64 whatever the size of the box.
    """

    family: ClassVar[str] = "border"
    words: ClassVar[str] = "colours along the border"

    def part_values(self, view: View, part: str) -> Tensor:
        """Mean absolute difference over the band, [n]."""
        region = view.locations.regions[part]
        where = region.through_window(region.band)
        return masked_l1(view.canvas.windows[part], view.insets.pasted[part], where, self.softness)


@settings(kw_only=True)
class BorderEdge(PartTerm, PixelTerm):
    """The same over the outermost pixels of the box alone: a departure from the paper.

    The step across the border is (inset - canvas) at these pixels plus the step that the canvas has there by itself, so
    this is also the L1 difference between the composite's gradient across the border and the canvas's.
    """

    family: ClassVar[str] = "border"
    words: ClassVar[str] = "colours at the very edge"

    def part_values(self, view: View, part: str) -> Tensor:
        """Mean absolute difference over the outermost pixels, [n]."""
        region = view.locations.regions[part]
        where = region.through_window(region.edge)
        return masked_l1(view.canvas.windows[part], view.insets.pasted[part], where, self.softness)


@settings(kw_only=True)
class BorderPerceptual(SizedTerm):
    """lambda_4 LPIPS(E_8(B(I_A)), E_8(I_B)), with the features of `perceptual=`.

    The features are those of the crop at `size`, weighed by the band: a band cut out and described by
    itself would be described by the edges of the cut.
    """

    family: ClassVar[str] = "border"
    words: ClassVar[str] = "features along the border"

    def part_values(self, view: View, part: str) -> Tensor:
        """Feature distance over the band, [n]."""
        where = view.locations.regions[part].working_band
        canvas, insets = view.canvas.crops.at(self.size), view.insets.small.at(self.size)
        return feature_distance(canvas.features[part], insets.features[part], where)
