"""Inception-v3 in its weights of 2015, the network of FID and KID: NVIDIA's TorchScript file, and clean-fid's ways to it."""

import importlib
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
import torch
from torch import Tensor
from torch.hub import download_url_to_file

from insetgan.metrics.features import Frozen
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import cache_folder, write_whole
from insetgan.runtime.paths import read_path
from insetgan.runtime.tensors import read_checkpoint_file
from insetgan.runtime.torchvision_guard import guard
from insetgan.weights.script import load_script

INCEPTION_FILE = "inception-2015-12-05.pt"
INCEPTION_SHA256 = "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"  # NVIDIA's, which needs no trust
PYTORCH_FILE = "pt_inception-2015-12-05-6726825d.pth"
_SOURCES = {
    INCEPTION_FILE: "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/" + INCEPTION_FILE,
    PYTORCH_FILE: "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/" + PYTORCH_FILE,
}
Mode = Literal["clean", "legacy_pytorch", "legacy_tensorflow"]


class InceptionFeatures(Frozen):
    """The 2048 numbers before the last layer of Inception-v3 in its weights of 2015-12-05, as NVIDIA's tools take them.

    The file is TorchScript that takes uint8 images of any size and resizes them itself.

    Args:
        path: of the file; None looks for inception-2015-12-05.pt in ~/.cache/insetgan ($XDG_CACHE_HOME/insetgan).
        trust: whether another file than NVIDIA's may be run; TorchScript is a program.

    Raises:
        UserError: no such file, not trusted, or it is not TorchScript that gives features.
    """

    name = "inception"
    title = "Inception"
    num_features = 2048

    def __init__(self, path: str | Path | None = None, trust: bool = False) -> None:
        super().__init__()
        self.path = located(INCEPTION_FILE, path, self.name)
        self.network = _scripted(self.path, trust)
        self.requires_grad_(False)
        self.eval()

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Describe images uint8 [n, 3, h, w]: float32 [n, 2048].

        Raises:
            UserError: it gives another number of them.
        """
        with torch.autocast(images.device.type, enabled=False):
            features = self.network(images, return_features=True)
        if not isinstance(features, Tensor) or features.shape != (len(images), self.num_features):
            raise _foreign(self.path)
        return features.float()


class CleanFeatures(Frozen):
    """Inception's 2048 numbers by clean-fid: its resizing, its networks (Parmar et al. 2022, "On Aliased Resizing").

    Modes:
        clean: antialiased bicubic by Pillow in float, then NVIDIA's TorchScript file. What "clean FID" means.
        legacy_pytorch: bilinear without antialiasing, then pytorch-fid's weights. As pytorch-fid and torch-fidelity did.
        legacy_tensorflow: NVIDIA's TorchScript file as it stands, which resizes as TensorFlow did. The FID of most papers.

    Distances of different modes must not be compared; small images, which are enlarged, differ least.

    Args:
        mode: one of these.
        path: of the network's file; None looks where `located` says and, with `download`, fetches it there.
        download: fetch a missing file from its publisher.
        trust: whether another TorchScript file than NVIDIA's may be run; TorchScript is a program.

    Raises:
        UserError: clean-fid is not installed, another mode, no such file, not trusted, or another network in it.
    """

    num_features = 2048

    def __init__(
        self, mode: Mode = "clean", path: str | Path | None = None, download: bool = False, trust: bool = False
    ) -> None:
        super().__init__()
        if mode not in get_args(Mode):
            raise UserError(f"features.mode={mode}: must be one of {', '.join(get_args(Mode))}")
        clean_fid()
        from cleanfid.resize import build_resizer

        self.mode = mode
        self.name = f"inception_{mode}"
        self.title = f"Inception, {mode.replace('_', ' ')}"
        file = PYTORCH_FILE if mode == "legacy_pytorch" else INCEPTION_FILE
        self.path = located(file, path, "cleanfid", others=_kept_by_others(file), download=download)
        with warnings.catch_warnings():  # its resizers switch warnings off for the whole process
            self._resize: Callable[[Any], Any] = build_resizer(mode)
        self.network: Any = _ported(self.path) if mode == "legacy_pytorch" else _wrapped(self.path, mode, trust)
        self.requires_grad_(False)
        self.eval()

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Describe images uint8 [n, 3, h, w]: float32 [n, 2048]. Resizing happens on the CPU, image by image."""
        with torch.autocast(images.device.type, enabled=False):
            given = self.resized(images).to(images.device)
            if self.mode == "legacy_pytorch":
                features = self.network(given / 255)[0].flatten(1)
            else:
                features = self.network(given)
        return cast(Tensor, features.float())

    def resized(self, images: Tensor) -> Tensor:
        """Images as the network is given them, float32 [n, 3, 299, 299] in 0..255; legacy_tensorflow leaves the size."""
        if self.mode == "legacy_tensorflow":
            return images.float()
        rows = images.cpu().permute(0, 2, 3, 1).numpy()
        return torch.from_numpy(np.stack([self._resize(row) for row in rows])).permute(0, 3, 1, 2).contiguous()


def clean_fid() -> None:
    """Make the package clean-fid importable beside any torchvision.

    Raises:
        UserError: it is not installed.
    """
    guard()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it knows the torchvision of its time
            importlib.import_module("cleanfid.fid")
    except ModuleNotFoundError as error:
        raise UserError(f"the package {error.name} is not installed: pip install -e '.[metrics]'") from error


def located(
    file: str, path: str | Path | None, choice: str, *, others: tuple[Path, ...] = (), download: bool = False
) -> Path:
    """Find a network's file: at `path`, else in ~/.cache/insetgan ($XDG_CACHE_HOME/insetgan), else at one of `others`.

    Raises:
        UserError: it is nowhere, or fetching it failed.
    """
    candidates = [cache_folder() / file, *others] if path is None else [read_path(path, key="features.path")]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    if download and path is None:
        return _fetched(file, candidates[0])
    fetch = ", features.download=true fetches it," if others else ""
    places = " nor ".join(str(candidate.absolute()) for candidate in candidates)
    raise UserError(
        f"features={choice}: no file {places}; get {file} from {_SOURCES[file]} and put it there{fetch} or give features.path="
    )


def _fetched(file: str, home: Path) -> Path:
    try:
        write_whole(home, lambda beside: download_url_to_file(_SOURCES[file], str(beside), progress=False))
    except OSError as error:
        raise UserError(f"features.download=true: cannot fetch {_SOURCES[file]} ({error})") from error
    return home


def _kept_by_others(file: str) -> tuple[Path, ...]:
    """Where clean-fid's own downloads lie."""
    if file == PYTORCH_FILE:
        return (Path(torch.hub.get_dir()) / "checkpoints" / file,)
    return (Path("/tmp") / file,)


def _scripted(path: Path, trust: bool) -> Any:
    network: Any = load_script(path, key="features", trust=trust, known=(INCEPTION_SHA256,))
    if "return_features" not in str(getattr(getattr(network, "forward", None), "schema", "")):
        raise _foreign(path)
    return network


def _wrapped(path: Path, mode: Mode, trust: bool) -> Any:
    """clean-fid's wrapper of NVIDIA's file, which by itself takes files of that name only."""
    from cleanfid.inception_torchscript import InceptionV3W

    class Wrapped(InceptionV3W):  # type: ignore[misc]
        def __init__(self, network: Any) -> None:
            torch.nn.Module.__init__(self)
            self.base, self.layers, self.resize_inside = network, network.layers, mode == "legacy_tensorflow"

    network = _scripted(path, trust)
    if not hasattr(network, "layers"):
        raise _foreign(path)
    return Wrapped(network)


def _ported(path: Path) -> Any:
    """clean-fid's port of Inception to PyTorch, with the weights of a file instead of those that it would fetch."""
    from cleanfid import inception_pytorch

    fetch = inception_pytorch.load_state_dict_from_url
    try:
        with warnings.catch_warnings(action="ignore"):  # it asks for torchvision's models in an old way
            state = read_checkpoint_file(path)
            inception_pytorch.load_state_dict_from_url = lambda *_, **__: state
            return inception_pytorch.InceptionV3(output_blocks=[3], resize_input=False)
    except (RuntimeError, ValueError, TypeError, AttributeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise UserError(f"features.path={path}: not the weights of {PYTORCH_FILE}") from error
    finally:
        inception_pytorch.load_state_dict_from_url = fetch


def _foreign(path: Path) -> UserError:
    return UserError(f"features.path={path}: gives no 2048 features; {INCEPTION_FILE} does")
