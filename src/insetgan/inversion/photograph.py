"""A composed photograph at its own resolution: the insets go back to where the photograph was aligned from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from insetgan.data.image import Pixels
from insetgan.inversion.alignment import Alignment, Box, enlarged
from insetgan.inversion.sample_images import AlignedImage
from insetgan.ops.regions import Blend

_BAND = 1 / 8
"""Width of the rim over which a feathered inset fades, as a share of its side: the paper's band E_8."""


@dataclass(frozen=True)
class Photographs:
    """The photographs that are the canvases of a run.

    Attributes:
        images: aligned.
        chosen: by seed, the number of its photograph.
        blend: paste puts insets over their boxes as they are; with any other their rim fades into the photograph.
    """

    images: Sequence[AlignedImage]
    chosen: Mapping[int, int]
    blend: Blend = "paste"

    def compose(
        self,
        seed: int,
        insets: Mapping[str, Tensor],
        boxes: Mapping[str, Box],
        *,
        before: Tensor,
        after: Tensor,
    ) -> Pixels:
        """Put the insets of a sample back into its photograph.

        Outside the boxes the photograph keeps its detail. What the refinement has changed of the canvas there, `after` minus
        `before`, is added to it, enlarged; where the canvas stood still, that is nothing, and the photograph stays to the bit.

        Args:
            seed: of the sample.
            insets: those that are on the canvas, by part, each [3, h, w] in [-1, 1].
            boxes: on the canvas, by part.
            before: the canvas from which the refinement started, as its generator draws it, [3, height, width].
            after: the canvas at the end.

        Returns:
            uint8 [H, W, 3], of the photograph's own size, upright.

        Raises:
            UserError: the photograph has changed on the disk since it was aligned, or is gone.
        """
        chosen = self.images[self.chosen[seed]]
        photograph, alignment = chosen.read_again(key="canvas.image"), chosen.alignment
        change = (after - before).cpu()
        if bool(change.any()):
            photograph = _changed(photograph, alignment, change)
        for part, inset in insets.items():
            place = Alignment(alignment.box_back(boxes[part]), (inset.shape[1], inset.shape[2]))
            weight = None if self.blend == "paste" else fading(place.size)
            photograph = place.put_back(photograph, inset.cpu(), weight)
        return photograph.permute(1, 2, 0).numpy()


def fading(size: tuple[int, int]) -> Tensor:
    """Weights [1, h, w] that rise from 0 at the border to 1 at an eighth of the side."""
    ramps = []
    for side in size:
        place = torch.arange(side) + 0.5
        ramps.append((torch.minimum(place, side - place) / (_BAND * side)).clamp(max=1))
    return torch.minimum(ramps[0][:, None], ramps[1][None])[None]


def _changed(photograph: Tensor, alignment: Alignment, change: Tensor) -> Tensor:
    """The photograph with a change [3, height, width], in units of [-1, 1], added in its window."""
    x0, y0, x1, y1 = alignment.box
    large = enlarged(change, (y1 - y0, x1 - x0)) * 127.5
    top, left, bottom, right = max(y0, 0), max(x0, 0), min(y1, photograph.shape[1]), min(x1, photograph.shape[2])
    result = photograph.clone()
    piece = photograph[:, top:bottom, left:right].float() + large[:, top - y0 : bottom - y0, left - x0 : right - x0]
    result[:, top:bottom, left:right] = piece.round().clamp(0, 255).to(torch.uint8)
    return result
