"""Features of pictures on disk, a file a block: what is described stays described, whatever ends the run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor

from insetgan.runtime.files import write_whole
from insetgan.runtime.tensors import open_tensors

_FEATURES, _FOUND, _FIGURE = "features.", "found.", "figure."


@dataclass(frozen=True)
class Described:
    """What is kept of the pictures of a block, or of several.

    Attributes:
        features: by region, float32 [m, d], of the pictures on which it was found, in order.
        found: by region, bool [n].
        figures: by name, float32 [n]; see `pictures.Figures`.
    """

    features: Mapping[str, Tensor]
    found: Mapping[str, Tensor]
    figures: Mapping[str, Tensor]


class FeatureFolder:
    """Where the features of one source of pictures are kept.

    Every block is a file of its own, `<number of the block's first seed>.safetensors`, that appears whole or not at all. A
    file of other settings, or of another block, is taken for missing and replaced.

    Args:
        path: the folder; made when the first block is written.
        signature: says what decides the features: the pictures, the regions, the network.
    """

    def __init__(self, path: Path, signature: str) -> None:
        self.path, self.signature = path, signature

    def finished(self, block: Sequence[int]) -> bool:
        """Whether the features of a block stand."""
        try:
            with open_tensors(self._file(block)) as file:
                return (file.metadata() or {}).get("block") == self._mark(block)
        except (OSError, SafetensorError):
            return False

    def add(self, block: Sequence[int], described: Described) -> None:
        """Write the features of a block."""
        tensors = {_FEATURES + name: values for name, values in described.features.items()}
        tensors |= {_FOUND + name: there for name, there in described.found.items()}
        tensors |= {_FIGURE + name: values for name, values in described.figures.items()}
        plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        write_whole(self._file(block), save(plain, metadata={"block": self._mark(block)}))

    def gather(self, blocks: Sequence[Sequence[int]]) -> Described:
        """Put the features of all blocks together; they must be finished.

        Raises:
            ValueError: one is not.
        """
        pieces: dict[str, list[Tensor]] = {}
        for block in blocks:
            if not self.finished(block):
                raise ValueError(f"{self._file(block)}: not finished")
            with open_tensors(self._file(block)) as file:
                for name in file.keys():
                    pieces.setdefault(name, []).append(file.get_tensor(name))
        whole: dict[str, Any] = {name: torch.cat(tensors) for name, tensors in pieces.items()}
        return Described(
            *({n.removeprefix(k): t for n, t in whole.items() if n.startswith(k)} for k in (_FEATURES, _FOUND, _FIGURE))
        )

    def _file(self, block: Sequence[int]) -> Path:
        return self.path / f"{block[0]:08d}.safetensors"

    def _mark(self, block: Sequence[int]) -> str:
        return json.dumps([self.signature, list(block)])
