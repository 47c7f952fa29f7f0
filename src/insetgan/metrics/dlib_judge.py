"""A judge of faces: the frontal face detector of dlib."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from insetgan.runtime.errors import UserError


class DlibJudge:
    """dlib's frontal face detector: gradients in a sliding window (King 2009; Dalal and Triggs 2005), 80 pixels or more.

    It learnt photographs of faces that look ahead. It asks for clear features: of images in which a network sees a face
    it sees many without one.

    Args:
        threshold: what its score must exceed, 0 by default as in dlib; lower values see more.

    Raises:
        UserError: dlib is not installed.
    """

    title = "Face (dlib)"

    def __init__(self, threshold: float = 0.0) -> None:
        try:
            import dlib
        except ImportError as error:
            raise UserError("judges.dlib: the package dlib is not installed: pip install dlib-bin") from error
        self._detector: Any = dlib.get_frontal_face_detector()
        self._file = Path(getattr(dlib, "_dlib_pybind11", dlib).__file__)
        self.threshold = threshold

    def seen(self, images: Tensor) -> Tensor:
        """Whether a face is in each of the images uint8 [n, 3, h, w]: bool [n]."""
        return torch.tensor([self._any(image) for image in images.permute(0, 2, 3, 1)], dtype=torch.bool)

    def files(self) -> Sequence[Path]:
        """The library itself, which holds the detector."""
        return [self._file]

    def _any(self, image: Tensor) -> bool:
        boxes, _, _ = self._detector.run(image.contiguous().numpy(), 0, self.threshold)
        return len(boxes) > 0
