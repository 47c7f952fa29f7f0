"""Completions in their result folder: the completed image and the mask of what was known of it."""

import hashlib
import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from insetgan.completion.completion import hole_difference, hole_seam
from insetgan.data.image import open_image
from insetgan.ops.images import encode_png, from_uint8
from insetgan.runtime.store import Layout, ResultFolder

LAYOUT = Layout(
    kind="complete",
    title="completions",
    pieces=r"\d{6,}-\d+(-known)?\.(png|json)",
    folder="samples",
    gathered=("results.json", "sheet.png"),
)

SHOWN = 32
"""Completions on the sheet; a run may have many more."""


@dataclass(frozen=True)
class Completion:
    """One image that is to be completed.

    Attributes:
        index: its place in the archive.
        image: its name there.
        seed: of the completion.
    """

    index: int
    image: str
    seed: int

    @property
    def name(self) -> str:
        """Begins the names of its files."""
        return f"{self.index:06d}-{self.seed}"


class Completions:
    """The completions of a run.

    Args:
        folder: in which they are kept.
    """

    def __init__(self, folder: ResultFolder) -> None:
        self.folder = folder

    def finished(self, completion: Completion, image: Tensor, known: Tensor) -> bool:
        """Whether it was made of this image, uint8 [3, H, W], and of what is known of it, [1, H, W]."""
        return self.folder.finished(completion.name, _depends(completion, image, known))

    def add(self, completion: Completion, made: Tensor, image: Tensor, known: Tensor) -> None:
        """Write a completion.

        Args:
            completion: which one.
            made: the completed image, uint8 [H, W, 3].
            image: the image that was completed, uint8 [3, H, W].
            known: 1 where it was known, [1, H, W].
        """
        mask = (known[0] * 255).to(torch.uint8).cpu().numpy()
        pieces = {f"{completion.name}-known.png": encode_png(mask), f"{completion.name}.png": encode_png(made)}
        self.folder.add(completion.name, pieces, depends=_depends(completion, image, known))

    def measured(
        self, completions: Iterable[Completion], original: Callable[[int], Tensor]
    ) -> tuple[list[dict[str, Any]], list[tuple[Tensor, Tensor, Tensor]]]:
        """Measure finished completions as they were saved.

        Args:
            completions: in the order wanted.
            original: gives an image by its index, uint8 [3, H, W]; there may be more than the memory holds.

        Returns:
            A record for each, and of the first `SHOWN` the original, what was known, and the completion, each a batch of
            one, images in [-1, 1].

        Raises:
            UserError: one is not finished.
        """
        records: list[dict[str, Any]] = []
        shown: list[tuple[Tensor, Tensor, Tensor]] = []
        for completion in completions:
            self.folder.require([completion.name])
            image = original(completion.index).permute(1, 2, 0)[None]
            made = torch.from_numpy(self._read_png(f"{completion.name}.png"))[None]
            known = torch.from_numpy(self._read_png(f"{completion.name}-known.png") > 127).float()[None, None]
            measures = {
                "hole": 1 - float(known.mean()),
                "seam": float(hole_seam(image, made, known)),
                "difference": float(hole_difference(image, made, known)),
            }
            rounded = {name: round(value, 5) if math.isfinite(value) else None for name, value in measures.items()}
            records.append({"name": completion.name, **asdict(completion), **rounded})
            if len(shown) < SHOWN:
                shown.append((from_uint8(image), known, from_uint8(made)))
        return records, shown

    def _read_png(self, name: str) -> Any:
        with open_image(self.folder.results / name) as image:
            return np.array(image)


def summarise(records: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    """Medians over the completions."""
    return {name: _median([record[name] for record in records]) for name in ("hole", "seam", "difference")}


def _depends(completion: Completion, image: Tensor, known: Tensor) -> dict[str, str]:
    """What decides a completion beside the settings."""
    digest = hashlib.sha256(str(tuple(image.shape)).encode())
    digest.update(image.contiguous().cpu().numpy().tobytes())
    digest.update((known > 0).contiguous().cpu().numpy().tobytes())
    return {"image": completion.image, "content": digest.hexdigest()}


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
