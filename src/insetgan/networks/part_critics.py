"""A discriminator that also looks closely at the parts of an image, wherever they are."""

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from insetgan.networks.frozen import as_buffers
from insetgan.networks.local_critics import cut
from insetgan.networks.projected import ENLARGEMENTS, ProjectedDiscriminator


class Located(Protocol):
    """What a locator says: boxes [n, parts, 4], (x0, y0, x1, y1) in pixels of the images."""

    boxes: Tensor


class PartProjectedDiscriminator(ProjectedDiscriminator):
    """Critics on the whole image, and critics on a square window round each of some parts.

    A face is a fiftieth of an image of a whole body, and the critics on the whole see that image reduced: they ask for a
    face's place and colour, hardly for its eyes. The idea is that of `LocalProjectedDiscriminator`, with a frozen network that
    finds the places: the window follows the part, in real images as in generated ones. Where there is no such part, the
    window lies where the network suspects it, and the generator is told to draw it there.

    The places are whole pixels and have no gradient. The names of the critics on the whole are those of
    `ProjectedDiscriminator`, so that a run can start from one without windows (`init=... init_strict=false`).
    """

    def __init__(
        self,
        features: nn.Module,
        *,
        locator: nn.Module,
        height: int,
        width: int,
        windows: Mapping[str, float],
        part_enlarge: float = 1.0,
        part_features: nn.Module | None = None,
        **rest: Any,
    ) -> None:
        """Make critics with random weights.

        Args:
            features: see `ProjectedDiscriminator`.
            locator: called with images [n, 3, h, w] in [-1, 1] it gives `Located`, and its `parts` names what; PartsNet is
                one. Frozen here.
            height: of the images.
            width: of the images.
            windows: name of a part that the locator finds -> side of its window,
                as a fraction of the image's width; brought to the nearest number of pixels that, enlarged, the strides of
                the frozen features divide.
            part_enlarge: as `enlarge`, of windows.
            part_features: what describes the windows, where it differs from `features`.
            rest: further arguments of `ProjectedDiscriminator`.

        Raises:
            ValueError: no window, one that is no fraction or for which the image is too small, or what
                `ProjectedDiscriminator` refuses.
        """
        found = tuple(getattr(locator, "parts", ()))
        if not windows or not set(windows) <= set(found) or not all(0 < side <= 1 for side in windows.values()):
            raise ValueError(
                f"windows={dict(windows)}: must give some of {', '.join(found)} a side above 0 and at most 1"
            )
        if part_enlarge not in ENLARGEMENTS:
            raise ValueError(f"part_enlarge={part_enlarge}: must be one of {ENLARGEMENTS}")
        super().__init__(features, height=height, width=width, **rest)
        unit = max(2 ** max(self.scales) / part_enlarge, 1)
        self.sides = {part: int(unit * max(1, round(side * width / unit))) for part, side in windows.items()}
        if max(self.sides.values()) > min(height, width):
            raise ValueError(
                f"part_enlarge={part_enlarge}: windows have {max(self.sides.values())} pixels or more then, images "
                f"{height} x {width}"
            )
        self.locator, self.found = as_buffers(locator), found
        near = rest | {"enlarge": part_enlarge}
        near_features = self.features if part_features is None else as_buffers(part_features)
        self.parts = nn.ModuleDict(
            {
                part: ProjectedDiscriminator(near_features, height=side, width=side, **near)
                for part, side in self.sides.items()
            }
        )

    def forward(self, img: Tensor, c: None = None) -> Tensor:
        """Judge images [n, img_channels, height, width], their last three channels colours in [-1, 1].

        Returns:
            [n, (critics on the whole and on the windows) * places] logits, higher for what looks real.
        """
        logits = [super().forward(img)]
        with torch.no_grad():
            boxes = self.locator(img[:, -3:].detach()).boxes
        for part, side in self.sides.items():
            top, left = corners_round(boxes[:, self.found.index(part)], side, self.height, self.width)
            logits.append(self.parts[part](cut(img, top, left, side)))
        return torch.cat(logits, dim=1)

    def train(self, mode: bool = True) -> "PartProjectedDiscriminator":
        """Set the critics' mode; the frozen networks stay in evaluation mode."""
        super().train(mode)
        self.locator.eval()
        return self


def corners_round(boxes: Tensor, side: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Where square windows begin that have boxes in their middle, moved into the image where they stick out.

    Args:
        boxes: [n, 4], (x0, y0, x1, y1) in pixels.
        side: of the windows, at most `height` and `width`.
        height: of the images.
        width: of the images.

    Returns:
        Rows and columns of the corners, int64 [n] each.
    """
    x = ((boxes[:, 0] + boxes[:, 2] - side) / 2).float().add(0.5).floor().long()
    y = ((boxes[:, 1] + boxes[:, 3] - side) / 2).float().add(0.5).floor().long()
    return y.clamp(0, height - side), x.clamp(0, width - side)
