"""OpenCV's cascades: the classical detectors of faces and bodies (Viola and Jones 2001)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from insetgan.data.person import PART_NAMES
from insetgan.detection.detector import Detection
from insetgan.ops.images import to_uint8
from insetgan.runtime.errors import UserError
from insetgan.runtime.paths import read_path

FILES = {PART_NAMES[0]: "haarcascade_frontalface_default.xml", "person": "haarcascade_fullbody.xml"}
"""By part, the cascades that are used unless others are given; OpenCV's wheels hold them."""


class Cascades:
    """OpenCV's cascades: quick, without a network, and easily deceived.

    Args:
        files: by part, the name of a cascade that OpenCV's wheel holds, or the path of another; None takes `FILES`.
        neighbours: how many overlapping hits make a detection; more are stricter.

    Raises:
        UserError: OpenCV is not installed or holds no cascades, or there is no such file.
    """

    def __init__(self, files: Mapping[str, str] | None = None, neighbours: int = 5) -> None:
        try:
            import cv2
        except ImportError as error:
            raise UserError("cascades: OpenCV is not installed: pip install 'opencv-python-headless<5'") from error
        if not hasattr(cv2, "CascadeClassifier"):
            raise UserError("cascades: OpenCV 5 has no cascades: pip install 'opencv-python-headless<5'")
        if not 0 <= neighbours <= 100:
            raise UserError(f"neighbours={neighbours}: must be from 0 to 100")
        self.cascades, self.neighbours = dict(files or FILES), neighbours
        self.names = tuple(self.cascades)
        self._paths = {part: _path(name, Path(cv2.__file__).with_name("data")) for part, name in self.cascades.items()}
        self._classifiers: dict[str, Any] = {}
        for part, path in self._paths.items():
            try:
                classifier: Any = cv2.CascadeClassifier(str(path))
                empty = classifier.empty()
            except (cv2.error, SystemError):  # of a file that is no XML, or another one
                empty = True
            if empty:
                raise UserError(f"files.{part}={self.cascades[part]}: holds no cascade that OpenCV can read")
            self._classifiers[part] = classifier

    def files(self) -> Sequence[Path]:
        """The cascades."""
        return list(self._paths.values())

    def detect(self, images: Tensor) -> dict[str, Detection]:
        """Find the largest of each part in images [n, 3, H, W] in [-1, 1]; the confidence is 1 where there is one, else 0."""
        import cv2

        grey = [cv2.cvtColor(each.numpy(), cv2.COLOR_RGB2GRAY) for each in to_uint8(images.detach().cpu().float())]
        found = {}
        for part, classifier in self._classifiers.items():
            boxes, scores = torch.zeros(len(grey), 4), torch.zeros(len(grey))
            for row, image in enumerate(grey):
                hits = classifier.detectMultiScale(image, scaleFactor=1.1, minNeighbors=self.neighbours)
                if len(hits):
                    x, y, width, height = max(hits, key=lambda hit: int(hit[2]) * int(hit[3]))
                    boxes[row], scores[row] = torch.tensor([x, y, x + width, y + height]), 1.0
            found[part] = Detection(boxes.to(images.device), scores.to(images.device))
        return found

    def __getstate__(self) -> dict[str, Any]:
        """State for another process, which reads the cascades anew."""
        return {"files": self.cascades, "neighbours": self.neighbours}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Read them anew."""
        self.__init__(**state)  # type: ignore[misc]


def _path(name: str, folder: Path) -> Path:
    path = folder / name if "/" not in name else read_path(name, key="files")
    if not path.is_file():
        raise UserError(f"files={name}: is no cascade of OpenCV's wheel, and no file; a path has a /")
    return path
