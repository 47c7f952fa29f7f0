"""Judges that learnt photographs and took no part in any training: in how many images do they see a person?"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

ROWS = 1024
"""Rows to which smaller images are enlarged before a judge sees them: detectors for photographs know no small ones."""

SEEN = "seen_"
"""Begins the keys of what judges say; the name of the judge follows."""


class Judge(Protocol):
    """Says of each image whether it sees what it knows.

    Attributes:
        title: what it looks for and who it is, as in "Face (dlib)".
    """

    title: str

    def seen(self, images: Tensor) -> Tensor:
        """Whether it sees it in each of the images uint8 [n, 3, h, w] on the CPU: bool [n]."""
        ...

    def files(self) -> Sequence[Path]:
        """The files that it reads; see `runtime.fingerprint`."""
        ...


def enlarged(images: Tensor, rows: int = ROWS) -> Tensor:
    """Images uint8 [n, 3, h, w] with `rows` rows, bicubic, in the same proportions; larger ones as they are."""
    height, width = images.shape[2:]
    if height >= rows:
        return images
    size = (rows, max(1, round(width * rows / height)))
    large = functional.interpolate(images.float(), size, mode="bicubic", align_corners=False)
    return large.round().clamp(0, 255).to(torch.uint8)


def seen_share(judge: Judge, images: Iterable[Tensor]) -> float:
    """The share of images in which the judge sees what it knows, once they are `enlarged`.

    Args:
        judge: see above.
        images: batches uint8 [n, 3, h, w].

    Raises:
        ValueError: no image.
    """
    seen = [judge.seen(enlarged(batch)) for batch in images if len(batch)]
    if not seen:
        raise ValueError("there are no images to judge")
    return float(torch.cat(seen).double().mean())
