"""Single-shot detectors of MediaPipe: one box and some points at each anchor, joined where they overlap."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from insetgan.detection.litert import FACE, PALM, PERSON, Model, sigmoid
from insetgan.detection.square import Square

Numbers = npt.NDArray[np.float64]
Runner = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""float32 [1, size, size, 3] -> regressions [1, anchors, 4 + 2 points] and logits [1, anchors, 1]."""

THRESHOLD = 0.5
"""MediaPipe's default of the score from which on something counts."""
OVERLAP = 0.3
"""MediaPipe's default of the overlap (IoU) from which on two boxes are one thing."""


@dataclass(frozen=True)
class Found:
    """Something that a detector found.

    Attributes:
        score: 0..1.
        box: (x0, y0, x1, y1) in pixels of the image; of a turned square, the upright box round the turned one.
        points: float64 [n, 2], (x, y) in pixels of the image.
    """

    score: float
    box: tuple[float, float, float, float]
    points: Numbers


class SingleShot:
    """A detector of the family of BlazeFace (Bazarevsky et al. 2019).

    Args:
        model: the model.
        grids: of its anchors: cells of a side, and anchors a cell.
        signed: whether its input is in [-1, 1]; else in [0, 1].
        runner: computes the model in its place; for tests.

    Attributes:
        anchors: centres (x, y) of the anchors in units of the square, float64 [n, 2].
    """

    def __init__(
        self, model: Model, grids: Sequence[tuple[int, int]], *, signed: bool, runner: Runner | None = None
    ) -> None:
        self.model, self.signed, self.size = model, signed, model.given[1]
        self.anchors = _anchors(grids)
        self._runner = runner

    def find(
        self, image: Tensor, square: Square | None = None, *, threshold: float = THRESHOLD, most: int = 16
    ) -> list[Found]:
        """Everything that it finds, the likeliest first.

        Args:
            image: uint8 [3, h, w].
            square: where to look; None takes the whole image.
            threshold: of the score, 0..1.
            most: things that are found at most.
        """
        square, scores, boxes, points = self._look(image, square)
        chosen = np.flatnonzero(scores >= threshold)
        chosen = chosen[np.argsort(-scores[chosen], kind="stable")][:200]
        found: list[Found] = []
        while len(chosen) and len(found) < most:
            alike = overlaps(boxes[chosen[0]], boxes[chosen]) > OVERLAP
            alike[0] = True
            group, weights = chosen[alike], scores[chosen[alike]]
            box = np.average(boxes[group], axis=0, weights=weights)
            where = np.average(points[group], axis=0, weights=weights)
            found.append(_found(square, float(scores[chosen[0]]), box, where))
            chosen = chosen[~alike]
        return found

    def best(self, image: Tensor) -> Found:
        """The likeliest thing in the whole image uint8 [3, h, w], however unlikely; not joined with its neighbours."""
        square, scores, boxes, points = self._look(image, None)
        index = int(scores.argmax())
        return _found(square, float(scores[index]), boxes[index], points[index])

    def _look(self, image: Tensor, square: Square | None) -> tuple[Square, Numbers, Numbers, Numbers]:
        """The square, and for each anchor the score, the box [4] and the points [p, 2] in units of the square."""
        square = square or Square.around(image.shape[1], image.shape[2])
        view = square.view(image, self.size)
        view = view * 2 - 1 if self.signed else view
        regressions, logits = self._run(view.permute(1, 2, 0)[None].contiguous().numpy())
        numbers = regressions[0].astype(np.float64) / self.size
        centres, sides = numbers[:, :2] + self.anchors, numbers[:, 2:4] / 2
        points = numbers[:, 4:].reshape(len(numbers), -1, 2) + self.anchors[:, None]
        return square, sigmoid(logits[0, :, 0]), np.concatenate([centres - sides, centres + sides], axis=1), points

    def _run(self, view: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self._runner is not None:
            return self._runner(view)
        found = self.model.load()(view)
        boxes, logits = self.model.found
        return found[boxes], found[logits]


def face_finder(runner: Runner | None = None) -> SingleShot:
    """Faces up to 5 metres away; points: right eye, left eye, nose, mouth, right ear, left ear, the person's own."""
    return SingleShot(FACE, [(48, 1)], signed=True, runner=runner)


def palm_finder(runner: Runner | None = None) -> SingleShot:
    """Palms; points: wrist, then where index, middle, ring and little finger begin, then two of the thumb."""
    return SingleShot(PALM, [(24, 2), (12, 6)], signed=False, runner=runner)


def body_finder(runner: Runner | None = None) -> SingleShot:
    """Bodies by their faces; points: middle of the hips, one above it on the circle round the body, and two more."""
    return SingleShot(PERSON, [(28, 2), (14, 2), (7, 6)], signed=True, runner=runner)


def overlaps(box: Numbers, boxes: Numbers) -> Numbers:
    """Intersection over union of a box [4] with boxes [n, 4]: float64 [n]; 0 for empty ones."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    areas = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
    union = np.prod(np.maximum(box[2:] - box[:2], 0)) + areas - shared
    return np.asarray(shared / np.maximum(union, 1e-12), np.float64)


def _anchors(grids: Sequence[tuple[int, int]]) -> Numbers:
    found = []
    for side, count in grids:
        places = (np.arange(side) + 0.5) / side
        y, x = np.meshgrid(places, places, indexing="ij")
        found.append(np.repeat(np.stack([x.ravel(), y.ravel()], 1), count, axis=0))
    return np.concatenate(found)


def _found(square: Square, score: float, box: Numbers, points: Numbers) -> Found:
    x0, y0, x1, y1 = box
    corners = square.to_image(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]))
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return Found(score, (left, top, right, bottom), square.to_image(points))
