"""A discriminator that also looks closely at where an image was completed (Iizuka et al. 2017)."""

from typing import Any

import torch
from torch import Tensor, nn

from insetgan.networks.projected import ENLARGEMENTS, ProjectedDiscriminator


class LocalProjectedDiscriminator(ProjectedDiscriminator):
    """Critics on the whole image, and critics on a square window at a place in its hole.

    "Globally and locally consistent image completion" (Iizuka et al. 2017), section 3.3: a global discriminator sees whether
    a completed image holds together, a local one whether what was filled in is right in its details. Small holes, such
    as a face in an image of a whole body, hardly count before the first.

    The local critics' names in the state dict begin with `local`; those of the critics on the whole are what they are without
    windows, so that a run can start from one without (`init=... init_strict=false`).
    """

    def __init__(
        self,
        features: nn.Module,
        *,
        height: int,
        width: int,
        window: float = 0.5,
        local_enlarge: float = 1.0,
        **rest: Any,
    ) -> None:
        """Make critics with random weights.

        Args:
            features: see `ProjectedDiscriminator`.
            height: of the images.
            width: of the images.
            window: side of the window, as a fraction of the shorter side of the image; brought to the nearest number of
                pixels that, enlarged, the strides of the frozen network divide.
            local_enlarge: as `enlarge`, of windows.
            rest: further arguments of `ProjectedDiscriminator`.

        Raises:
            ValueError: a window that is no fraction or for which the image is too small, or what `ProjectedDiscriminator`
                refuses.
        """
        if not 0 < window <= 1:
            raise ValueError(f"window={window}: must be above 0 and at most 1")
        if local_enlarge not in ENLARGEMENTS:
            raise ValueError(f"local_enlarge={local_enlarge}: must be one of {ENLARGEMENTS}")
        super().__init__(features, height=height, width=width, **rest)
        # In whole places of the coarsest map, and in whole pixels.
        unit = max(2 ** max(self.scales) / local_enlarge, 1)
        self.window = int(unit * max(1, round(window * min(height, width) / unit)))
        if self.window > min(height, width):
            raise ValueError(
                f"local_enlarge={local_enlarge}: windows have {self.window} pixels or more then, images {height} x {width}"
            )
        local = rest | {"enlarge": local_enlarge}
        self.local = ProjectedDiscriminator(self.features, height=self.window, width=self.window, **local)

    def forward(self, img: Tensor, c: None = None, places: Tensor | None = None) -> Tensor:
        """Judge images [n, img_channels, height, width], the first channel above 0 where they are known.

        Args:
            img: see `ProjectedDiscriminator.forward`; without a channel for the mask all of the image counts as filled.
            c: not used; the place of labels in all discriminators.
            places: [n], in [0, 1): which of a hole's pixels is the middle of the window, counted along the rows. None takes
                the middle one.

        Returns:
            [n, (critics + local critics) * places] logits, higher for what looks real.
        """
        whole = super().forward(img)
        hole = img[:, 0] < 0 if self.img_channels > 3 else torch.ones_like(img[:, 0], dtype=torch.bool)
        places = torch.full_like(img[:, 0, 0, 0], 0.5) if places is None else places
        top, left = window_corners(hole, places, self.window)
        return torch.cat([whole, self.local(cut(img, top, left, self.window))], dim=1)


def window_corners(hole: Tensor, places: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Where square windows begin whose middles are pixels of holes, moved into the image where they stick out.

    Args:
        hole: bool [n, h, w].
        places: [n], in [0, 1): the pixel, as a fraction of the way through the hole's pixels along the rows.
        side: of the windows, at most h and w.

    Returns:
        Rows and columns of the corners, int64 [n] each. An image without a hole has its window in the first corner.
    """
    height, width = hole.shape[1:]
    passed = hole.flatten(1).cumsum(1)
    total = passed[:, -1]
    wanted = (places * total).long().clamp(max=(total - 1).clamp(min=0))
    index = (passed <= wanted[:, None]).sum(1) * (total > 0)
    top, left = index // width - side // 2, index % width - side // 2
    return top.clamp(0, height - side), left.clamp(0, width - side)


def cut(images: Tensor, top: Tensor, left: Tensor, side: int) -> Tensor:
    """Windows [n, c, side, side] of images [n, c, h, w], from corners [n]."""
    steps = torch.arange(side, device=images.device)
    rows, columns = top[:, None] + steps, left[:, None] + steps
    number = torch.arange(len(images), device=images.device)[:, None, None]
    return images.permute(0, 2, 3, 1)[number, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
