"""The figures of a result, measured on the pictures as they are saved."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from insetgan.metrics.seam import band, body_change, seam
from insetgan.ops.images import to_uint8
from insetgan.refine.problem import Result


@dataclass(frozen=True)
class Measures:
    """One sample. "Before" is the naive paste on the start canvas; by part where there may be several.

    Where nothing could be refined all figures are None, and so is the seam of a box that has no border on the canvas.

    Attributes:
        status: how the sample ended.
        steps: updates made.
        box: (x0, y0, x1, y1) on the refined canvas.
        seam_before: step across the border, composite over canvas; 1 is perfect.
        seam_after: the same of the result.
        band_before: difference of inset and canvas in the border band, 0 to 255.
        band_after: the same of the result.
        body_change: change of the canvas outside the boxes, 0 to 255.
    """

    status: str
    steps: int
    box: Mapping[str, tuple[int, ...]] | None
    seam_before: Mapping[str, float | None] | None
    seam_after: Mapping[str, float | None] | None
    band_before: Mapping[str, float | None] | None
    band_after: Mapping[str, float | None] | None
    body_change: float | None


def measure(result: Result) -> list[Measures]:
    """Measure every sample of a result."""
    start, paste, canvas, refined = (
        to_uint8(images) for images in (result.start_canvas, result.paste, result.canvas, result.refined)
    )
    before = {part: boxes.cpu() for part, boxes in result.start_boxes.items()}
    after = {part: boxes.cpu() for part, boxes in result.boxes.items()}
    figures = {
        "seam_before": {part: seam(start, paste, boxes) for part, boxes in before.items()},
        "seam_after": {part: seam(canvas, refined, boxes) for part, boxes in after.items()},
        "band_before": {part: band(start, paste, boxes) for part, boxes in before.items()},
        "band_after": {part: band(canvas, refined, boxes) for part, boxes in after.items()},
    }
    change = body_change(start, canvas, after.values())
    rows = []
    for index, status in enumerate(result.status):
        if not result.started[index]:
            rows.append(Measures(status, result.steps, None, None, None, None, None, None))
            continue
        parts = {key: {part: _number(v[index]) for part, v in by_part.items()} for key, by_part in figures.items()}
        box = {part: tuple(boxes[index].tolist()) for part, boxes in after.items()}
        rows.append(Measures(status=status, steps=result.steps, box=box, body_change=_number(change[index]), **parts))
    return rows


def _number(value: Tensor) -> float | None:
    return float(value) if bool(value.isfinite()) else None
