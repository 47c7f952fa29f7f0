"""The figures of a result, measured on the pictures as they are saved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from insetgan.metrics.seam import band, body_change, part_change, seam
from insetgan.ops.images import to_uint8
from insetgan.refine.problem import Result


@dataclass(frozen=True)
class Measures:
    """The figures of one sample, by part where there may be several.

    "Before" is the naive paste on the start canvas, "after" the paste of the result, however it is blended in the end.
    Where nothing could be refined all figures are None, and so is the seam of a box that has no border on the canvas.

    Attributes:
        status: how the sample ended.
        missing: the parts that are not on its canvas.
        steps: updates made.
        objective: of the kept state, at full weights.
        box: (x0, y0, x1, y1) on the refined canvas.
        seam_before: step across the border, composite over canvas; 1 is perfect.
        seam_after: the same of the result.
        band_before: difference of inset and canvas in the border band, 0 to 255.
        band_after: the same of the result.
        part_change: change of the inset in its interior R^I, in its own pixels, 0 to 255.
        body_change: change of the canvas outside the boxes, 0 to 255.
    """

    status: str
    missing: tuple[str, ...]
    steps: int
    objective: float | None
    box: Mapping[str, tuple[int, ...]] | None
    seam_before: Mapping[str, float | None] | None
    seam_after: Mapping[str, float | None] | None
    band_before: Mapping[str, float | None] | None
    band_after: Mapping[str, float | None] | None
    part_change: Mapping[str, float | None] | None
    body_change: float | None


def measure(result: Result) -> list[Measures]:
    """Measure every sample of a result."""
    start, paste, canvas, refined = (
        to_uint8(images) for images in (result.start_canvas, result.paste, result.canvas, result.fitted)
    )
    before = {part: boxes.cpu() for part, boxes in result.start_boxes.items()}
    after = {part: boxes.cpu() for part, boxes in result.boxes.items()}
    figures = {
        "seam_before": {part: seam(start, paste, boxes) for part, boxes in before.items()},
        "seam_after": {part: seam(canvas, refined, boxes) for part, boxes in after.items()},
        "band_before": {part: band(start, paste, boxes) for part, boxes in before.items()},
        "band_after": {part: band(canvas, refined, boxes) for part, boxes in after.items()},
    }
    figures["part_change"] = {
        part: part_change(to_uint8(result.start_insets[part]), to_uint8(inset), result.interiors[part].cpu())
        for part, inset in result.insets.items()
    }
    change = body_change(start, canvas, [boxes * result.present[part].cpu()[:, None] for part, boxes in after.items()])
    rows = []
    for index, status in enumerate(result.status):
        there = [part for part, present in result.present.items() if present[index]]
        known: dict[str, Any] = dict.fromkeys(["box", "body_change", *figures])
        if result.started[index]:
            for key, by_part in figures.items():
                known[key] = {part: _number(v[index]) if part in there else None for part, v in by_part.items()}
            known["box"] = {part: tuple(boxes[index].tolist()) for part, boxes in after.items() if part in there}
            known["body_change"] = _number(change[index])
        missing = tuple(part for part in result.present if part not in there)
        steps, objective = int(result.steps[index]), _number(result.total[index])
        rows.append(Measures(status=status, missing=missing, steps=steps, objective=objective, **known))
    return rows


def spread(canvases: Tensor) -> float:
    """How different pictures are: mean absolute difference, 0 to 255, of all pairs.

    Args:
        canvases: uint8 [n, H, W, 3] with n of 2 or more.
    """
    exact = canvases.double()
    pairs = [(exact[i] - exact[j]).abs().mean() for i in range(len(exact)) for j in range(i)]
    return float(torch.stack(pairs).mean())


def _number(value: Tensor) -> float | None:
    return float(value) if bool(value.isfinite()) else None
