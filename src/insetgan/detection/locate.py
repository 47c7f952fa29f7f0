"""Where all parts are on a batch of canvases."""

from collections.abc import Iterable, Mapping

from torch import Tensor

from insetgan.detection.detector import Detection
from insetgan.detection.part import Part
from insetgan.detection.placement import Placement


def locate_parts(
    canvas: Tensor, parts: Iterable[Part], previous: Mapping[str, Placement] | None = None
) -> dict[str, Placement]:
    """Detect and place every part.

    Args:
        canvas: [n, 3, H, W] in [-1, 1].
        parts: what to place; each distinct detector runs once.
        previous: where the parts were, by name; None the first time.

    Returns:
        Where the parts are now, by name.

    Raises:
        ValueError: a detector does not know a part.
    """
    height, width = canvas.shape[2:]
    by_detector: dict[int, Mapping[str, Detection]] = {}
    placements = {}
    for part in parts:
        if id(part.detector) not in by_detector:
            by_detector[id(part.detector)] = part.detector.detect(canvas.detach())
        detections = by_detector[id(part.detector)]
        if part.name not in detections:
            raise ValueError(f"the detector of part {part.name!r} knows only {sorted(detections)}")
        before = previous[part.name] if previous else None
        placements[part.name] = part.placement.place(detections[part.name], height, width, before)
    return placements
