"""A published network in our names: read as safetensors' own files are, by name, shape and type, one tensor at a time."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from insetgan.ops.fir import fir_kernel
from insetgan.weights.published.records import Numbers, size_of

_SLACK = 1 << 20
"""Bytes for what is not in the file, such as low-pass filters."""


@dataclass(frozen=True, eq=False)
class PublishedNetwork:
    """A network whose tensors are still in its file, with the methods of `safetensors.safe_open`.

    Attributes:
        kind: "generator" or "discriminator".
        architecture: the keywords that build ours.
        tensors: by our names, which are NVIDIA's.
        known: what else the file says of it; `read_metadata` gives it.
        notes: lines for the user, of what was not taken as it stood.
        bytes: of the file; tensors that would take more are refused.
        class_name: of ours, with its module; empty for the usual class of its kind.
    """

    kind: str
    architecture: dict[str, Any]
    tensors: Mapping[str, Numbers]
    known: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    bytes: int = 0
    class_name: str = ""

    def refuse_size(self) -> None:
        """Refuse tensors that share their numbers so that they would take much more memory than the file. Raises ValueError."""
        if sum(each.count * size_of(each.dtype) for each in self.tensors.values()) > self.bytes + _SLACK:
            raise ValueError("its tensors would take more memory than the file has bytes")

    def metadata(self) -> dict[str, str]:
        """What the header of our own file would say."""
        return {
            "kind": self.kind,
            "architecture": json.dumps(self.architecture),
            "metadata": json.dumps(self.known),
            **({"class": self.class_name} if self.class_name else {}),
        }

    def keys(self) -> list[str]:
        """Names of the tensors."""
        return list(self.tensors)

    def get_slice(self, name: str) -> "Slice":
        """Shape and type of a tensor."""
        return Slice(self.tensors[name])

    def get_tensor(self, name: str) -> torch.Tensor:
        """A tensor.

        Raises:
            ValueError: a number in it is not finite, or it is a low-pass filter other than ours, which is built in.
        """
        found = torch.from_numpy(np.ascontiguousarray(self.tensors[name].read()))
        if not bool(found.isfinite().all()):
            raise ValueError(f"{name} holds numbers that are not finite")
        if name.endswith("resample_filter") and not torch.allclose(found.float(), fir_kernel(), atol=1e-4):
            raise ValueError(
                f"{name} is another low-pass filter than [1, 3, 3, 1], which is the only one that is built"
            )
        return found


@dataclass(frozen=True)
class Slice:
    """Shape and type of a tensor in a file."""

    numbers: Numbers

    def get_shape(self) -> list[int]:
        """Its shape."""
        return list(self.numbers.shape)

    def get_dtype(self) -> str:
        """Its type, as safetensors calls it."""
        return self.numbers.dtype
