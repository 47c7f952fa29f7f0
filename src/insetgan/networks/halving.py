"""Stages that halve the size of feature maps: the front of small networks that look at images."""

from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.2
"""Of the leaky rectifiers below zero."""
COARSEST = 4
"""Rows and columns of the last feature maps, about."""


class HalvingStage(nn.Module):
    """Half the size, then a residual block whose branch begins at zero, so that no normalisation is needed."""

    def __init__(self, inner: int, outer: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(inner, outer, 3, stride=2, padding=1)
        self.first = nn.Conv2d(outer, outer, 3, padding=1)
        self.second = nn.Conv2d(outer, outer, 3, padding=1)
        for each in (self.down, self.first):
            nn.init.kaiming_normal_(each.weight, a=SLOPE)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Feature maps [n, inner, h, w] to [n, outer, h / 2, w / 2], rounded up."""
        x = functional.leaky_relu(self.down(x), SLOPE)
        branch: Tensor = self.second(functional.leaky_relu(self.first(x), SLOPE))
        return functional.leaky_relu(x + branch, SLOPE)


class HalvingStages(nn.Sequential):
    """Stages one after the other, until the feature maps have about `COARSEST` rows and columns.

    Args:
        size: rows and columns of the images.
        inner: their channels.
        channels: feature maps of the first stage; each further stage has twice as many.
        channels_max: at most.

    Attributes:
        size: rows and columns of the last feature maps.
        channels: their number.
    """

    def __init__(self, size: tuple[int, int], inner: int, channels: int, channels_max: int) -> None:
        stages: list[nn.Module] = []
        outer = min(channels, channels_max)
        while not stages or min(size) > COARSEST or max(size) > 2 * COARSEST:
            stages.append(HalvingStage(inner, outer))
            size = (-(-size[0] // 2), -(-size[1] // 2))
            inner, outer = outer, min(2 * outer, channels_max)
        super().__init__(*stages)
        self.size, self.channels = size, inner
