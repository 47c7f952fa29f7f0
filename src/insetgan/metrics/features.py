"""Feature networks that describe pictures by some hundred numbers each, for distances between sets of pictures."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from insetgan.errors import UserError
from insetgan.files import cache_folder
from insetgan.networks.parts_net import WIDTHS, PartsNet

INCEPTION_FILE = "inception-2015-12-05.pt"
_INCEPTION_SOURCE = "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/" + INCEPTION_FILE


class FeatureExtractor(Protocol):
    """A frozen network that describes pictures.

    Attributes:
        name: of the network, from which `distribution.metric_names` makes those of the distances.
        num_features: numbers a picture.
    """

    name: str
    num_features: int

    def __call__(self, images: Tensor) -> Tensor:
        """Describe pictures uint8 [n, 3, h, w]: float32 [n, num_features], the same for a picture in any batch."""
        ...

    def to(self, device: torch.device | str) -> Self:
        """Move to a device."""
        ...


class _Frozen(nn.Module):
    """A network in evaluation mode for good."""

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode."""
        return super().train(False)


class PartsFeatures(_Frozen):
    """PartsNet's maps at strides 4, 8 and 16, each averaged over all places: 64 + 96 + 128 numbers.

    Finer maps see texture and colour, coarser ones parts and how they lie to each other. Averages over a grid of places,
    or the finest maps as well, told worse pictures less clearly from real ones than chance told halves of these: the
    more numbers, the larger the part of the distance that is chance.
    Pictures are brought to one width, so that bodies of any size are seen as large as PartsNet knows them and crops of
    parts twice as large as they are generated.

    The distances must not be compared with those of other networks, and flatter generators that were trained against
    critics on PartsNet's features (recipe=projected); they rank runs of one recipe.

    Args:
        network: a PartsNet.
        width: to which pictures are resized, antialiased; the height follows, as a multiple of 16.
    """

    name = "parts"

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
        """Describe pictures uint8 [n, 3, h, w]: float32 [n, 288], in full precision under autocast too."""
        height, width = images.shape[2:]
        size = (max(16, round(height * self.width / width / 16) * 16), self.width)
        with torch.autocast(images.device.type, enabled=False):
            x = images.float() / 127.5 - 1
            if (height, width) != size:
                x = functional.interpolate(x, size, mode="bilinear", antialias=True, align_corners=False)
            return torch.cat([each.mean((2, 3)) for each in self.network.features(x)[2:]], dim=1)


class InceptionFeatures(_Frozen):
    """The 2048 numbers before the last layer of Inception-v3 in its weights of 2015-12-05, as NVIDIA's tools take them.

    The file is TorchScript that takes uint8 pictures of any size and resizes them itself.

    Args:
        path: of the file; None looks for inception-2015-12-05.pt in ~/.cache/insetgan ($XDG_CACHE_HOME/insetgan).

    Raises:
        UserError: no such file, or it is not TorchScript that gives features.
    """

    name = "inception"
    num_features = 2048

    def __init__(self, path: str | Path | None = None) -> None:
        super().__init__()
        self.path = cache_folder() / INCEPTION_FILE if path is None else Path(path).expanduser()
        if not self.path.is_file():
            raise UserError(
                f"features={self.name}: no file {self.path.absolute()}; get {INCEPTION_FILE} from {_INCEPTION_SOURCE} and "
                "put it there, or give features.path="
            )
        try:
            with warnings.catch_warnings(
                action="ignore", category=DeprecationWarning
            ):  # the field's file is what it is
                self.network: Any = cast(Any, torch.jit.load)(str(self.path), map_location="cpu").eval()
            arguments = str(self.network.forward.schema)
        except (RuntimeError, ValueError, AttributeError) as error:
            raise UserError(
                f"features.path={self.path}: not a whole TorchScript file such as {INCEPTION_FILE}"
            ) from error
        if "return_features" not in arguments:
            raise self._foreign()
        self.requires_grad_(False)
        self.eval()

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Describe pictures uint8 [n, 3, h, w]: float32 [n, 2048].

        Raises:
            UserError: it gives another number of them.
        """
        with torch.autocast(images.device.type, enabled=False):
            features = self.network(images, return_features=True)
        if not isinstance(features, Tensor) or features.shape != (len(images), self.num_features):
            raise self._foreign()
        return features.float()

    def _foreign(self) -> UserError:
        return UserError(f"features.path={self.path}: gives no {self.num_features} features; {INCEPTION_FILE} does")


def describe(extractor: FeatureExtractor, pictures: Iterable[Tensor], device: torch.device | str = "cpu") -> Tensor:
    """Features of batches uint8 [n, 3, h, w]: float32 [all n, num_features] on the CPU; computed on `device`."""
    extractor = extractor.to(device)
    return torch.cat([extractor(batch.to(device)).cpu() for batch in pictures])
