"""Feature networks that describe images by some hundred numbers each, for distances between sets of images."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from insetgan.detection.parts_net import WIDTHS, PartsNet
from insetgan.runtime.fingerprint import files_of


class FeatureExtractor(Protocol):
    """A frozen network that describes images.

    Attributes:
        name: of the network, from which `distribution.metric_names` makes those of the distances.
        title: the same as tables show it, "Inception, clean".
        num_features: numbers an image.
    """

    name: str
    title: str
    num_features: int

    def __call__(self, images: Tensor) -> Tensor:
        """Describe images uint8 [n, 3, h, w]: float32 [n, num_features], the same for an image in any batch."""
        ...

    def to(self, device: torch.device | str) -> Self:
        """Move to a device."""
        ...

    def files(self) -> Sequence[Path]:
        """The files that it reads; see `runtime.fingerprint`."""
        ...


class Frozen(nn.Module):
    """A network in evaluation mode for good."""

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode."""
        return super().train(False)

    def files(self) -> Sequence[Path]:
        """The file of its network: `path` if it has one, else the one that the network was read from."""
        path: Path | None = getattr(self, "path", None)
        return [path] if path is not None else files_of(self.network)


class PartsFeatures(Frozen):
    """PartsNet's maps at strides 4, 8 and 16, each averaged over all places: 64 + 96 + 128 numbers.

    Finer maps see texture and colour, coarser ones parts and how they lie to each other. Averages over a grid of places,
    or the finest maps as well, told worse images less clearly from real ones than chance told halves of these: the
    more numbers, the larger the part of the distance that is chance.
    Images are brought to one width, so that bodies of any size are seen as large as PartsNet knows them and crops of
    parts twice as large as they are generated.

    The distances must not be compared with those of other networks, and flatter generators that were trained against
    critics on PartsNet's features (recipe=projected); they rank runs of one recipe.

    Args:
        network: a PartsNet.
        width: to which images are resized, antialiased; the height follows, as a multiple of 16.
    """

    name = "parts"
    title = "PartsNet"

    def __init__(self, network: PartsNet, width: int = 128) -> None:
        super().__init__()
        if width < 16 or width % 16:
            raise ValueError(f"width={width}: must be a multiple of 16")
        self.network = network.requires_grad_(False)
        self.width = width
        self.num_features = sum(WIDTHS[2:])
        self.eval()

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Describe images uint8 [n, 3, h, w]: float32 [n, 288], in full precision under autocast too."""
        height, width = images.shape[2:]
        size = (max(16, round(height * self.width / width / 16) * 16), self.width)
        with torch.autocast(images.device.type, enabled=False):
            x = images.float() / 127.5 - 1
            if (height, width) != size:
                x = functional.interpolate(x, size, mode="bilinear", antialias=True, align_corners=False)
            return torch.cat([each.mean((2, 3)) for each in self.network.features(x)[2:]], dim=1)


def describe(extractor: FeatureExtractor, images: Iterable[Tensor], device: torch.device | str = "cpu") -> Tensor:
    """Features of batches uint8 [n, 3, h, w]: float32 [all n, num_features] on the CPU; computed on `device`."""
    extractor = extractor.to(device)
    return torch.cat([extractor(batch.to(device)).cpu() for batch in images])
