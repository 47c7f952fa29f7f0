"""How much of a given face, or of any given part, is kept: a distance by a network that no loss and no critic has seen."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from insetgan.metrics.measures import Composites, Measure, Quantity
from insetgan.ops.images import from_uint8
from insetgan.runtime.errors import UserError

_SIZE = 64
_WIDTHS = (32, 64, 128)
_SEED = 20220314
_DLIB_SIZE = 150
_DLIB_FILE = "dlib_face_recognition_resnet_model_v1.dat"
_DLIB_PACKAGE = "face_recognition_models"


class Embedding(Protocol):
    """Describes images of a part by vectors.

    Attributes:
        title: who it is, for tables.
    """

    title: str

    def __call__(self, images: Tensor) -> Tensor:
        """Of images uint8 [n, h, w, 3]: float [n, d]; those of one identity are close."""
        ...

    def files(self) -> Sequence[Path]:
        """The files that it reads; see `runtime.fingerprint`."""
        ...


class RandomEmbedding:
    """Features of a convolutional network with random weights, always the same ones.

    Nothing was trained on them or against them, so nothing can flatter them. They know no faces: they compare colours, edges
    and where these lie, at four scales, each in units of its spread over what the network sees in noise.
    """

    title = "random network"

    def __init__(self) -> None:
        random = torch.Generator().manual_seed(_SEED)
        layers: list[nn.Conv2d] = []
        inner = 3
        for outer in _WIDTHS:
            layer = nn.Conv2d(inner, outer, 3, stride=2, padding=1, bias=False)
            weight = torch.randn(layer.weight.shape, generator=random)
            layer.weight = nn.Parameter(weight * (2 / (9 * inner)) ** 0.5, requires_grad=False)
            layers.append(layer)
            inner = outer
        self._layers = layers

    def files(self) -> list[Path]:
        """It reads no file."""
        return []

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Of images uint8 [n, h, w, 3]: float [n, d]."""
        x = functional.interpolate(
            from_uint8(images), (_SIZE, _SIZE), mode="bilinear", antialias=True, align_corners=False
        )
        found = [functional.adaptive_avg_pool2d(x, 8).flatten(1)]
        for layer in self._layers:
            x = functional.relu(layer(x))
            found.append(functional.adaptive_avg_pool2d(x, 8).flatten(1))
        return torch.cat([each / each.shape[1] ** 0.5 for each in found], 1)


class DlibEmbedding:
    """dlib's face recognition network (King 2017), which learnt photographs; below 0.6 dlib takes two faces for one person.

    Args:
        path: of dlib_face_recognition_resnet_model_v1.dat; None looks in the package face_recognition_models.

    Raises:
        UserError: dlib or the file is missing.
    """

    title = "dlib"

    def __init__(self, path: str | Path | None = None) -> None:
        found = _dlib_file() if path is None else Path(path)
        if found is None or not found.is_file():
            raise UserError(
                f"identity=dlib: no {_DLIB_FILE}; pip install {_DLIB_PACKAGE}, or give the path of the file (dlib.net)"
            )
        try:
            import dlib
        except ModuleNotFoundError as error:
            raise UserError("the package dlib is not installed: pip install -e '.[photos]'") from error
        self._network: Any = dlib.face_recognition_model_v1(str(found))
        self._path = found

    def files(self) -> list[Path]:
        """The network."""
        return [self._path]

    def __call__(self, images: Tensor) -> Tensor:
        """Of images uint8 [n, h, w, 3], which show one face each: float [n, 128]."""
        x = functional.interpolate(
            from_uint8(images), (_DLIB_SIZE, _DLIB_SIZE), mode="bicubic", antialias=True, align_corners=False
        )
        chips = ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
        return torch.tensor([list(self._network.compute_face_descriptor(chip)) for chip in chips])


class Identity(Measure):
    """Distance of the embeddings of a given inset and of what came of it, by part.

    Args:
        network: `dlib` (faces in photographs), `random` (any part, no file), or `auto`: dlib's where it is installed.
        path: of dlib's network; see `DlibEmbedding`.

    Raises:
        UserError: another network, or dlib's is missing.
    """

    name, title, of_change, per_part = "identity", "identity", True, True

    def __init__(self, network: Literal["auto", "dlib", "random"] = "auto", path: str | None = None) -> None:
        if network not in ("auto", "dlib", "random"):
            raise UserError(f"identity={network}: must be auto, dlib or random")
        there = importlib.util.find_spec("dlib") is not None and (path is not None or _dlib_file() is not None)
        self.embedding: Embedding = (
            DlibEmbedding(path) if network == "dlib" or (network == "auto" and there) else RandomEmbedding()
        )

    @property
    def quantity(self) -> Quantity:
        """What is said of it, with the network's name."""
        about = f"distance of the embeddings ({self.embedding.title}) of the given part and of the result; no loss has seen it"
        return Quantity(f"{self.title} ({self.embedding.title})", about, self.unit, self.better, self.of_change)

    def compute(self, images: Composites) -> Mapping[str, Tensor]:
        """By part, 0 or more."""
        return {part: self.distance(images.start_insets[part], inset) for part, inset in images.insets.items()}

    def distance(self, ours: Tensor, theirs: Tensor) -> Tensor:
        """Of images uint8 [n, h, w, 3], pair by pair: [n]."""
        distance: Tensor = (self.embedding(ours) - self.embedding(theirs)).double().norm(dim=1)
        return distance

    def files(self) -> Sequence[Path]:
        """Those of the embedding."""
        return self.embedding.files()


def identity_rank(identity: Identity, given: Tensor, result: Tensor, others: Tensor) -> int:
    """How many other faces a result is farther from than from the given one.

    Args:
        identity: measures.
        given: uint8 [h, w, 3].
        result: likewise, what came of it.
        others: uint8 [n, h, w, 3].

    Returns:
        0 to n; n is best.
    """
    own = identity.distance(given[None], result[None])
    return int((identity.distance(others, result[None].expand_as(others)) > own).sum())


def _dlib_file() -> Path | None:
    """The network in the package face_recognition_models, which is not imported: it needs an old setuptools."""
    spec = importlib.util.find_spec(_DLIB_PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        if (path := Path(folder) / "models" / _DLIB_FILE).is_file():
            return path
    return None
