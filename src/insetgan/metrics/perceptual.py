"""Perceptual distances of two images, for path lengths and diversity: LPIPS with its real networks, and PartsNet's."""

import pickle
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, Self, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from insetgan.metrics.features import Frozen
from insetgan.networks.perceptual import Perceptual, feature_distance, unit_features
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import cache_folder
from insetgan.runtime.paths import read_path
from insetgan.runtime.tensors import read_checkpoint_file
from insetgan.runtime.torchvision_guard import guard

Net = Literal["vgg", "alex", "squeeze"]
BACKBONES = {
    "vgg": "vgg16-397923af.pth",
    "alex": "alexnet-owt-7be5be79.pth",
    "squeeze": "squeezenet1_1-b8a52dc0.pth",
}
_TITLES = {"vgg": "VGG", "alex": "AlexNet", "squeeze": "SqueezeNet"}
SMALLEST = 64
"""Pixels of the shorter side that LPIPS describes at least: the paper's D_64. AlexNet sees nothing in much smaller images."""
_SOURCE = "https://download.pytorch.org/models/"


class Distance(Protocol):
    """A distance of images.

    Attributes:
        name: of the distance, in results.json.
        title: the same as tables show it; LPIPS is the lpips package's only.
    """

    name: str
    title: str

    def __call__(self, ours: Tensor, theirs: Tensor) -> Tensor:
        """Of images [n, 3, h, w] in [-1, 1]: [n]."""
        ...

    def to(self, device: torch.device | str) -> Self:
        """Move to a device."""
        ...

    def files(self) -> Sequence[Path]:
        """The files that it reads; see `runtime.fingerprint`."""
        ...


class PartsDistance(Frozen):
    """Squared difference of PartsNet's unit features, mean over places and scales, as refinement takes it; not LPIPS.

    Args:
        network: a PartsNet.
    """

    name = "parts"
    title = "PartsNet distance"

    def __init__(self, network: Perceptual) -> None:
        super().__init__()
        if isinstance(network, nn.Module):
            network.requires_grad_(False)
        self.network = network
        self.eval()

    @torch.no_grad()
    def forward(self, ours: Tensor, theirs: Tensor) -> Tensor:
        """Of images [n, 3, h, w] in [-1, 1]: [n], in full precision under autocast too."""
        with torch.autocast(ours.device.type, enabled=False):
            one, other = (unit_features(self.network.features(images.float())) for images in (ours, theirs))
            return feature_distance(one, other)


class LpipsDistance(Frozen):
    """LPIPS (Zhang et al. 2018, version 0.1) by the package lpips, whose heads come with it and whose backbone does not.

    Args:
        net: "vgg" (VGG-16, path lengths and diversity in most papers), "alex" or "squeeze".
        path: see `find_backbone`.
        size: to which the shorter side is reduced before, antialiased, if it is longer; None leaves images as they are.

    Raises:
        UserError: lpips is not installed, another net, no such file, or other weights in it.
    """

    def __init__(self, net: Net = "vgg", path: str | Path | None = None, size: int | None = None) -> None:
        super().__init__()
        _refuse_other_nets(net, "distance")
        if size is not None and (type(size) is not int or size < 32):
            raise UserError(f"distance.size={size}: must be a whole number of 32 or more")
        self.name, self.title, self.size = f"lpips_{net}", f"LPIPS ({_TITLES[net]})", size
        self.path = find_backbone(net, path, key="distance")
        self.network = _lpips(net, self.path, "distance")
        self.requires_grad_(False)
        self.eval()

    @torch.no_grad()
    def forward(self, ours: Tensor, theirs: Tensor) -> Tensor:
        """Of images [n, 3, h, w] in [-1, 1], 32 or more pixels a side: [n], in full precision under autocast too."""
        with torch.autocast(ours.device.type, enabled=False):
            distances: Tensor = self.network(self._resized(ours), self._resized(theirs))
            return distances.flatten()

    def _resized(self, images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        if self.size is None or min(height, width) <= self.size:
            return images.float()
        factor = self.size / min(height, width)
        size = (round(height * factor), round(width * factor))
        return functional.interpolate(images.float(), size, mode="bilinear", antialias=True, align_corners=False)


class LpipsFeatures(Frozen):
    """LPIPS for the perceptual terms of a refinement: `feature_distance` of two descriptions is the package's own LPIPS.

    LPIPS is, summed over layers, the mean over places of w . (difference of unit features)^2 with learned w >= 0. So a
    description is the unit features times sqrt(w), and times sqrt(layers), since `feature_distance` takes the mean of layers.

    Images whose shorter side has fewer than 64 pixels (`SMALLEST`) are enlarged to it, bilinearly.

    Args:
        net: "vgg" (VGG-16, the paper's), "alex" or "squeeze".
        path: see `find_backbone`.

    Raises:
        UserError: lpips is not installed, another net, no such file, or other weights in it.
    """

    def __init__(self, net: Net = "vgg", path: str | Path | None = None) -> None:
        super().__init__()
        _refuse_other_nets(net, "perceptual")
        self.path = find_backbone(net, path, key="perceptual")
        self.network = _lpips(net, self.path, "perceptual")
        self.requires_grad_(False)
        self.eval()

    def features(self, images: Tensor) -> tuple[Tensor, ...]:
        """The backbone's maps of images [n, 3, h, w] in [-1, 1], one a layer, each [n, c, h', w']."""
        shorter = min(images.shape[2:])
        if shorter < SMALLEST:
            size = [round(side * SMALLEST / shorter) for side in images.shape[2:]]
            images = functional.interpolate(images, size, mode="bilinear", align_corners=False)
        return tuple(self.network.net(self.network.scaling_layer(images)))

    def compared(self, images: Tensor) -> tuple[Tensor, ...]:
        """Describe images [n, 3, h, w] in [-1, 1]; see `networks.perceptual.Weighing`."""
        maps = unit_features(self.features(images), epsilon=1e-12)
        scales = [(layer.model[-1].weight * len(maps)).sqrt() for layer in self.network.lins]
        return tuple(each * scale for each, scale in zip(maps, scales, strict=True))


def _refuse_other_nets(net: str, key: str) -> None:
    if net not in get_args(Net):
        raise UserError(f"{key}.net={net}: must be one of {', '.join(get_args(Net))}")


def _lpips(net: Net, path: Path, key: str) -> Any:
    """The package's network with its own heads and the backbone of a file: left to itself it would fetch one."""
    guard()
    try:
        import lpips
    except ModuleNotFoundError as error:
        raise UserError(f"the package {error.name} is not installed: pip install -e '.[metrics]'") from error
    with (
        warnings.catch_warnings(action="ignore"),
        torch.random.fork_rng(devices=[]),
    ):  # it asks torchvision in an old way
        network = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    _load_backbone(network.net, path, key)
    return network


def find_backbone(net: Net, path: str | Path | None = None, *, key: str = "perceptual") -> Path:
    """Find the file of a backbone's weights.

    Args:
        net: a key of `BACKBONES`.
        path: torchvision's file; None looks in torch's cache, where torchvision keeps it, and in ~/.cache/insetgan.
        key: the setting that asks, "perceptual" or "distance".

    Raises:
        UserError: there is none; says what to fetch and where to put it.
    """
    file = BACKBONES[net]
    if path is not None:
        candidates = [read_path(path, key=f"{key}.path")]
    else:
        candidates = [Path(torch.hub.get_dir()) / "checkpoints" / file, cache_folder() / file]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    places = " nor ".join(str(candidate.absolute()) for candidate in candidates)
    other = {"distance": "parts", "perceptual": "parts_net"}[key]
    raise UserError(
        f"{key}=lpips: no file {places}; get {_SOURCE}{file} and put it there, or give {key}.path=, "
        f"or {key}={other} for PartsNet's"
    )


def _load_backbone(slices: nn.Module, path: Path, key: str) -> None:
    """Fill lpips' slices, whose layers keep the numbers that they have in torchvision's `features`."""
    try:
        state = read_checkpoint_file(path)
        given = {key.removeprefix("features."): value for key, value in state.items() if key.startswith("features.")}
        wanted = {key: key.split(".", 1)[1] for key in slices.state_dict()}
        slices.load_state_dict({key: given[name] for key, name in wanted.items()})
    except (
        RuntimeError,
        ValueError,
        KeyError,
        AttributeError,
        TypeError,
        EOFError,
        OSError,
        pickle.UnpicklingError,
    ) as error:
        raise UserError(f"{key}.path={path}: not the weights of {' or '.join(BACKBONES.values())}") from error
