"""dlib's frontal face detector."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from insetgan.data.person import PART_NAMES
from insetgan.detection.detector import Detection
from insetgan.ops.images import to_uint8
from insetgan.runtime.errors import UserError


class DlibFaces:
    """dlib's frontal face detector: gradients in a sliding window (King 2009; Dalal and Triggs 2005), 80 pixels or more.

    It asks for clear features of a face that looks ahead. Its box holds the face alone, without hair.

    Args:
        threshold: what its own score must exceed, 0 by default as in dlib; lower values see more.
        enlarge: how often the image is doubled first, for smaller faces.

    Raises:
        UserError: dlib is not installed.
    """

    names = PART_NAMES[:1]

    def __init__(self, threshold: float = 0.0, enlarge: int = 0) -> None:
        try:
            import dlib
        except ImportError as error:
            raise UserError("dlib: the package dlib is not installed: pip install dlib-bin") from error
        if not 0 <= enlarge <= 4:
            raise UserError(f"enlarge={enlarge}: must be from 0 to 4")
        self._detector: Any = dlib.get_frontal_face_detector()
        self._file = Path(getattr(dlib, "_dlib_pybind11", dlib).__file__)
        self.threshold, self.enlarge = threshold, enlarge

    def files(self) -> Sequence[Path]:
        """The library itself, which holds the detector."""
        return [self._file]

    def scores(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Score, -inf where there is none, and box (x0, y0, x1, y1) of the best face of each of uint8 [n, 3, h, w]."""
        scores, boxes = torch.full((len(images),), -torch.inf), torch.zeros(len(images), 4)
        for row, image in enumerate(images.permute(0, 2, 3, 1)):
            found, values, _ = self._detector.run(image.contiguous().numpy(), self.enlarge, self.threshold)
            if len(found):
                best = max(range(len(found)), key=lambda index: values[index])
                box = found[best]
                scores[row] = values[best]
                boxes[row] = torch.tensor([box.left(), box.top(), box.right() + 1, box.bottom() + 1])
        return scores, boxes

    def detect(self, images: Tensor) -> dict[str, Detection]:
        """Find the face in images [n, 3, H, W] in [-1, 1]; the confidence is 1 where dlib sees one, else 0."""
        scores, boxes = self.scores(to_uint8(images.detach().cpu().float()).permute(0, 3, 1, 2))
        seen = torch.isfinite(scores).float()
        return {self.names[0]: Detection(boxes.to(images.device), seen.to(images.device))}

    def __getstate__(self) -> dict[str, Any]:
        """State for another process, which makes the detector anew."""
        return {"threshold": self.threshold, "enlarge": self.enlarge}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make it anew."""
        self.__init__(**state)  # type: ignore[misc]
