"""Features of images on disk, a file a block: what is described stays described, whatever ends the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from insetgan.runtime.store import Layout, ResultFolder
from insetgan.runtime.tensors import open_tensors

LAYOUT = Layout(kind="features", title="features", pieces=r"\d{8,}\.(safetensors|json)")

_FEATURES, _FOUND, _FIGURE = "features.", "found.", "figure."


@dataclass(frozen=True)
class Described:
    """What is kept of the images of a block, or of several.

    Attributes:
        features: by region, float32 [m, d], of the images on which it was found, in order.
        found: by region, bool [n].
        figures: by name, float32 [n]; see `images.Images.measures`.
    """

    features: Mapping[str, Tensor]
    found: Mapping[str, Tensor]
    figures: Mapping[str, Tensor]


class FeatureFolder:
    """Where the features of one source of images are kept.

    Every block is a result of its own, named by the number of its first seed. A file of other settings or of another
    block is taken for missing and replaced.

    Args:
        path: the folder.
        fingerprint: says what decides the features: the images, the regions, the network.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.folder = ResultFolder(path, fingerprint, LAYOUT)

    def finished(self, block: Sequence[int]) -> bool:
        """Whether the features of a block are finished."""
        return self.folder.finished(_key(block), list(block))

    def add(self, block: Sequence[int], described: Described) -> None:
        """Write the features of a block; `folder` must be claimed."""
        tensors = {_FEATURES + name: values for name, values in described.features.items()}
        tensors |= {_FOUND + name: there for name, there in described.found.items()}
        tensors |= {_FIGURE + name: values for name, values in described.figures.items()}
        plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        key = _key(block)
        self.folder.add(key, {f"{key}.safetensors": save(plain)}, depends=list(block))

    def gather(self, blocks: Sequence[Sequence[int]]) -> Described:
        """Put the features of all blocks together.

        Raises:
            UserError: a block is not finished.
        """
        self.folder.require([_key(block) for block in blocks], [list(block) for block in blocks])
        pieces: dict[str, list[Tensor]] = {}
        for block in blocks:
            with open_tensors(self.folder.results / f"{_key(block)}.safetensors") as file:
                for name in file.keys():
                    pieces.setdefault(name, []).append(file.get_tensor(name))
        whole: dict[str, Any] = {name: torch.cat(tensors) for name, tensors in pieces.items()}
        return Described(
            *({n.removeprefix(k): t for n, t in whole.items() if n.startswith(k)} for k in (_FEATURES, _FOUND, _FIGURE))
        )


def _key(block: Sequence[int]) -> str:
    return f"{block[0]:08d}"
