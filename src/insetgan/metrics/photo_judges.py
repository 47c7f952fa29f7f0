"""Judges that learnt photographs and took no part in any training: does a face detector see a face?"""

import math
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from insetgan.runtime.errors import UserError

SIZE, STRIDE = 192, 4  # of the model's picture, and between its anchors, in pixels
ANCHORS = (SIZE // STRIDE) ** 2
MODEL = "face_detection_full_range.tflite"
THRESHOLD = 0.5  # MediaPipe's default for a face that counts
_MOST_BYTES = 2**26
_HELP = (
    f"'npm pack @mediapipe/face_detection' fetches an archive that holds {MODEL}; name that archive, or the file in it"
)

Runner = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""float32 [1, SIZE, SIZE, 3] in [-1, 1] -> regressions [1, ANCHORS, 16] and logits [1, ANCHORS, 1]."""


class Faces(NamedTuple):
    """The likeliest face of each picture.

    Attributes:
        scores: float32 [n], 0..1.
        boxes: float32 [n, 4], (x0, y0, x1, y1) in pixels of the picture; says little where the score is low.
    """

    scores: Tensor
    boxes: Tensor


class FaceJudge:
    """MediaPipe's full-range face detector (BlazeFace, Bazarevsky et al. 2019, for faces up to 5 metres away), by LiteRT.

    It learnt photographs, so that a face which it sees is one that people would call a face. Pictures are fitted into its
    square whole, with black beside them, as MediaPipe does it.

    Args:
        path: the model file, or the archive of the npm package @mediapipe/face_detection, which holds it.
        key: what the setting is called, for messages.
        runner: computes the model in its place; for tests.

    Raises:
        UserError: no such file, another model, or LiteRT is not installed.
    """

    def __init__(self, path: str | Path | None, *, key: str = "path", runner: Runner | None = None) -> None:
        self._run = _runner(path, key) if runner is None else runner

    def look(self, images: Tensor) -> Faces:
        """Find the likeliest face in each of the pictures uint8 [n, 3, h, w]."""
        height, width = images.shape[2:]
        found = [self._best(picture) for picture in letterboxed(images)]
        scores, boxes = (torch.from_numpy(np.stack(each)) for each in zip(*found, strict=True))
        scale = max(height, width)
        # The square's middle is the picture's; its side is the picture's longer side.
        origin = torch.tensor([width / 2, height / 2, width / 2, height / 2])
        return Faces(scores, (boxes - 0.5) * scale + origin)

    def _best(self, picture: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Score, and box (x0, y0, x1, y1) in units of the square, of the likeliest face."""
        regressions, logits = self._run(picture.permute(1, 2, 0)[None].contiguous().numpy())
        index = int(logits[0, :, 0].argmax())
        row, column = divmod(index, SIZE // STRIDE)
        x, y, width, height = regressions[0, index, :4] / SIZE
        x, y = x + (column + 0.5) * STRIDE / SIZE, y + (row + 0.5) * STRIDE / SIZE
        score = 1 / (1 + math.exp(-min(max(float(logits[0, index, 0]), -100.0), 100.0)))
        box = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2], np.float32)
        return np.asarray(score, np.float32), box


def face_share(judge: FaceJudge, pictures: Iterable[Tensor], threshold: float = THRESHOLD) -> float:
    """The share of pictures in which the judge sees a face.

    Args:
        judge: of faces.
        pictures: batches uint8 [n, 3, h, w].
        threshold: the score, 0..1, from which on a face counts.

    Raises:
        ValueError: no picture.
    """
    seen = [judge.look(batch).scores >= threshold for batch in pictures if len(batch)]
    if not seen:
        raise ValueError("there are no pictures to look for faces in")
    return float(torch.cat(seen).double().mean())


def letterboxed(images: Tensor) -> Tensor:
    """Fit pictures uint8 [n, 3, h, w] into the model's square: float32 [n, 3, SIZE, SIZE] in [-1, 1], -1 beside them."""
    height, width = images.shape[2:]
    scale = SIZE / max(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    x = functional.interpolate(images.float(), size, mode="bilinear", antialias=True, align_corners=False) / 127.5 - 1
    top, left = (SIZE - size[0]) // 2, (SIZE - size[1]) // 2
    return functional.pad(x, (left, SIZE - size[1] - left, top, SIZE - size[0] - top), value=-1.0)


def _runner(path: str | Path | None, key: str) -> Runner:
    """The model in a file, computed by LiteRT on one thread."""
    model = _model(path, key)
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise UserError(f"{key}={path}: needs ai-edge-litert: pip install -e '.[photos]'") from error
    try:
        interpreter: Any = Interpreter(model_content=model, num_threads=1)
        interpreter.allocate_tensors()
        (given,), found = interpreter.get_input_details(), interpreter.get_output_details()
        by_columns = {int(each["shape"][-1]): each["index"] for each in found}
        shapes = sorted(tuple(map(int, each["shape"])) for each in [given, *found])
    except (ValueError, RuntimeError) as error:
        raise UserError(f"{key}={path}: is no model that LiteRT can run; {_HELP}") from error
    if shapes != [(1, SIZE, SIZE, 3), (1, ANCHORS, 1), (1, ANCHORS, 16)]:
        raise UserError(f"{key}={path}: is another model, with tensors {shapes}; {_HELP}")

    def run(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        interpreter.set_tensor(given["index"], picture)
        interpreter.invoke()
        return interpreter.get_tensor(by_columns[16]), interpreter.get_tensor(by_columns[1])

    return run


def _model(path: str | Path | None, key: str) -> bytes:
    """The bytes of the model."""
    if path is None or not str(path).strip():
        raise UserError(f"{key}={path}: {_HELP}")
    file = Path(path).expanduser()
    if not file.is_file():
        raise UserError(f"{key}={path}: no such file; {_HELP}")
    try:
        if file.suffix not in (".tgz", ".gz"):
            with file.open("rb") as stream:
                return stream.read(_MOST_BYTES)
        with tarfile.open(file, "r:gz") as archive:
            member = archive.extractfile(f"package/{MODEL}")
            assert member is not None
            with member:
                return member.read(_MOST_BYTES)
    except (OSError, KeyError, EOFError, AssertionError, tarfile.TarError) as error:
        raise UserError(f"{key}={path}: holds no readable {MODEL}; {_HELP}") from error
