"""Perceptual distances of two pictures, for path lengths and diversity: LPIPS with its real networks, and PartsNet's."""

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

Net = Literal["vgg", "alex"]
BACKBONES = {"vgg": "vgg16-397923af.pth", "alex": "alexnet-owt-7be5be79.pth"}
_SOURCE = "https://download.pytorch.org/models/"


class Distance(Protocol):
    """A distance of pictures.

    Attributes:
        name: of the distance, in results.json.
        title: the same as tables show it; LPIPS is the lpips package's only.
    """

    name: str
    title: str

    def __call__(self, ours: Tensor, theirs: Tensor) -> Tensor:
        """Of pictures [n, 3, h, w] in [-1, 1]: [n]."""
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
        """Of pictures [n, 3, h, w] in [-1, 1]: [n], in full precision under autocast too."""
        with torch.autocast(ours.device.type, enabled=False):
            one, other = (unit_features(self.network.features(images.float())) for images in (ours, theirs))
            return feature_distance(one, other)


class LpipsDistance(Frozen):
    """LPIPS (Zhang et al. 2018, version 0.1) by the package lpips, whose heads come with it and whose backbone does not.

    Args:
        net: "vgg" (VGG-16, path lengths and diversity in most papers) or "alex".
        path: of the backbone's weights, torchvision's file of that name; None looks in torch's cache, where
            torchvision keeps it, and in ~/.cache/insetgan.
        size: to which the shorter side is reduced before, antialiased, if it is longer; None leaves pictures as they are.

    Raises:
        UserError: lpips is not installed, another net, no such file, or other weights in it.
    """

    def __init__(self, net: Net = "vgg", path: str | Path | None = None, size: int | None = None) -> None:
        super().__init__()
        if net not in get_args(Net):
            raise UserError(f"distance.net={net}: must be one of {', '.join(get_args(Net))}")
        if size is not None and (type(size) is not int or size < 32):
            raise UserError(f"distance.size={size}: must be a whole number of 32 or more")
        self.name, self.title, self.size = f"lpips_{net}", f"LPIPS ({'VGG' if net == 'vgg' else 'AlexNet'})", size
        self.path = _located(net, path)
        self.network = _lpips(net)
        _load_backbone(self.network.net, self.path)
        self.requires_grad_(False)
        self.eval()

    @torch.no_grad()
    def forward(self, ours: Tensor, theirs: Tensor) -> Tensor:
        """Of pictures [n, 3, h, w] in [-1, 1], 32 or more pixels a side: [n], in full precision under autocast too."""
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


def _lpips(net: Net) -> Any:
    """The package's network with its own heads and a random backbone: left to itself it would fetch one."""
    guard()
    try:
        import lpips
    except ModuleNotFoundError as error:
        raise UserError(f"the package {error.name} is not installed: pip install -e '.[metrics]'") from error
    with (
        warnings.catch_warnings(action="ignore"),
        torch.random.fork_rng(devices=[]),
    ):  # it asks torchvision in an old way
        return lpips.LPIPS(net=net, pnet_rand=True, verbose=False)


def _located(net: Net, path: str | Path | None) -> Path:
    file = BACKBONES[net]
    if path is not None:
        candidates = [read_path(path, key="distance.path")]
    else:
        candidates = [Path(torch.hub.get_dir()) / "checkpoints" / file, cache_folder() / file]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    places = " nor ".join(str(candidate.absolute()) for candidate in candidates)
    raise UserError(
        f"distance=lpips: no file {places}; get {_SOURCE}{file} and put it there, or give distance.path=, "
        "or distance=parts for PartsNet's"
    )


def _load_backbone(slices: nn.Module, path: Path) -> None:
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
        raise UserError(f"distance.path={path}: not the weights of {' or '.join(BACKBONES.values())}") from error
