"""A judge of faces: MediaPipe's detector."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from insetgan.metrics.litert import Package, sigmoid

SIZE, STRIDE = 192, 4  # of the model's image, and between its anchors, in pixels
ANCHORS = (SIZE // STRIDE) ** 2
MODEL = "face_detection_full_range.tflite"
PACKAGE = Package("@mediapipe/face_detection", "0.4.1657300184")
THRESHOLD = 0.5  # MediaPipe's default for a face that counts

Runner = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""float32 [1, SIZE, SIZE, 3] in [-1, 1] -> regressions [1, ANCHORS, 16] and logits [1, ANCHORS, 1]."""


class Faces(NamedTuple):
    """The likeliest face of each image.

    Attributes:
        scores: float32 [n], 0..1.
        boxes: float32 [n, 4], (x0, y0, x1, y1) in pixels of the image; says little where the score is low.
    """

    scores: Tensor
    boxes: Tensor


class FaceJudge:
    """MediaPipe's full-range face detector (BlazeFace, Bazarevsky et al. 2019, for faces up to 5 metres away), by LiteRT.

    It learnt photographs, so that a face which it sees is one that people would call a face. Images are fitted into its
    square whole, with black beside them, as MediaPipe does it.

    Args:
        path: the archive of the npm package @mediapipe/face_detection, or the model file in it; None looks in
            ~/.cache/insetgan.
        threshold: the score, 0..1, from which on a face counts.
        key: what the setting is called, for messages.
        runner: computes the model in its place; for tests.

    Raises:
        UserError: no such file, another model, or LiteRT is not installed.
        ValueError: a threshold that is none.
    """

    title = "Face (MediaPipe)"

    def __init__(
        self,
        path: str | Path | None = None,
        threshold: float = THRESHOLD,
        *,
        key: str = "judges.mediapipe.path",
        runner: Runner | None = None,
    ) -> None:
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold={threshold}: must be from 0 to 1")
        self.threshold = threshold
        self._file = None if runner else PACKAGE.find(path, key)
        self._run = runner or _runner(self._file, key)

    def seen(self, images: Tensor) -> Tensor:
        """Whether a face is in each of the images uint8 [n, 3, h, w]: bool [n]."""
        return self.look(images).scores >= self.threshold

    def files(self) -> Sequence[Path]:
        """The archive, or the model file."""
        return _models(self._file, MODEL)

    def look(self, images: Tensor) -> Faces:
        """Find the likeliest face in each of the images uint8 [n, 3, h, w]."""
        height, width = images.shape[2:]
        found = [self._best(image) for image in letterboxed(images, SIZE)]
        scores, boxes = (torch.from_numpy(np.stack(each)) for each in zip(*found, strict=True))
        scale = max(height, width)
        # The square's middle is the image's; its side is the image's longer side.
        origin = torch.tensor([width / 2, height / 2, width / 2, height / 2])
        return Faces(scores, (boxes - 0.5) * scale + origin)

    def _best(self, image: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Score, and box (x0, y0, x1, y1) in units of the square, of the likeliest face."""
        regressions, logits = self._run(image.permute(1, 2, 0)[None].contiguous().numpy())
        index = int(logits[0, :, 0].argmax())
        row, column = divmod(index, SIZE // STRIDE)
        x, y, width, height = regressions[0, index, :4] / SIZE
        x, y = x + (column + 0.5) * STRIDE / SIZE, y + (row + 0.5) * STRIDE / SIZE
        box = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2], np.float32)
        return np.asarray(sigmoid(logits[0, index, 0]), np.float32), box


def letterboxed(images: Tensor, size: int) -> Tensor:
    """Fit images uint8 [n, 3, h, w] into a model's square: float32 [n, 3, size, size] in [-1, 1], -1 beside them."""
    height, width = images.shape[2:]
    scale = size / max(height, width)
    inner = (max(1, round(height * scale)), max(1, round(width * scale)))
    x = functional.interpolate(images.float(), inner, mode="bilinear", antialias=True, align_corners=False) / 127.5 - 1
    top, left = (size - inner[0]) // 2, (size - inner[1]) // 2
    return functional.pad(x, (left, size - inner[1] - left, top, size - inner[0] - top), value=-1.0)


def _models(file: Path | None, *members: str) -> list[Path]:
    if file is None:
        return []
    return [file / member for member in members] if file.is_dir() else [file]


def _runner(file: Path | None, key: str) -> Runner:
    assert file is not None
    boxes, logits = (1, ANCHORS, 16), (1, ANCHORS, 1)
    compute = PACKAGE.load(file, MODEL, [(1, SIZE, SIZE, 3), boxes, logits], key)

    def run(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = compute(image)
        return found[boxes], found[logits]

    return run
