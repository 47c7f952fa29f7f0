"""A judge of faces: the frontal face detector of dlib."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from insetgan.detection.dlib_faces import DlibFaces
from insetgan.runtime.errors import UserError


class DlibJudge:
    """Whether dlib's frontal face detector sees a face; see `detection.dlib_faces`.

    It learnt photographs. It asks for clear features: of images in which a network sees a face it sees many without one.

    Args:
        threshold: what its score must exceed, 0 by default as in dlib; lower values see more.

    Raises:
        UserError: dlib is not installed.
    """

    title = "Face (dlib)"

    def __init__(self, threshold: float = 0.0) -> None:
        try:
            self._faces = DlibFaces(threshold)
        except UserError as error:
            raise UserError(f"judges.{error}") from error

    def seen(self, images: Tensor) -> Tensor:
        """Whether a face is in each of the images uint8 [n, 3, h, w]: bool [n]."""
        return self._faces.scores(images)[0].isfinite()

    def files(self) -> Sequence[Path]:
        """The library itself, which holds the detector."""
        return self._faces.files()
