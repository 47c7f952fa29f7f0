"""The records of a result: how each sample ended, and its measures, taken on the images as they are saved."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from insetgan.metrics.measures import MEASURES, Composites, Measure
from insetgan.ops.images import to_uint8
from insetgan.refine.problem import Result


def measure(result: Result, measures: Sequence[Measure] = MEASURES) -> list[dict[str, Any]]:
    """Measure every sample of a result.

    "Before" is the naive paste on the start canvas, "after" the paste of the result, however it is blended in the end.

    Args:
        result: of a block.
        measures: what is measured.

    Returns:
        A record for each sample: `status`, how it ended; `missing`, the parts that are not on its canvas; `steps`, updates
        made; `objective` of the kept state at full weights; `box` by part, (x0, y0, x1, y1) on the refined canvas; and the
        numbers by `Measure.keys`, by part where there may be several. Where nothing could be refined, box and numbers are
        None, and so is the seam of a box that has no border on the canvas.
    """
    before, after = _before(result), _after(result)
    numbers: dict[str, Tensor | Mapping[str, Tensor]] = {}
    for each in measures:
        if not each.of_change:
            numbers[each.key("before")] = each.compute(before)
        numbers[each.key("after")] = each.compute(after)
    records = []
    for index, status in enumerate(result.status):
        there = [part for part, present in result.present.items() if present[index]]
        started = bool(result.started[index])
        box = {part: tuple(boxes[index].tolist()) for part, boxes in after.boxes.items() if part in there}
        record: dict[str, Any] = {
            "status": status,
            "missing": tuple(part for part in result.present if part not in there),
            "steps": int(result.steps[index]),
            "objective": _number(result.total[index]),
            "box": box if started else None,
        }
        record |= {key: _of_sample(values, index, there) if started else None for key, values in numbers.items()}
        records.append(record)
    return records


def spread(canvases: Tensor) -> float:
    """How different images are: mean absolute difference, 0 to 255, of all pairs.

    Args:
        canvases: uint8 [n, H, W, 3] with n of 2 or more.
    """
    exact = canvases.double()
    pairs = [(exact[i] - exact[j]).abs().mean() for i in range(len(exact)) for j in range(i)]
    return float(torch.stack(pairs).mean())


def _before(result: Result) -> Composites:
    start, insets = to_uint8(result.start_canvas), _images(result.start_insets)
    boxes, present = _on_cpu(result.start_boxes), _on_cpu(result.present)
    paste, interiors = to_uint8(result.paste), _on_cpu(result.interiors)
    return Composites(start, start, paste, boxes, present, insets, insets, interiors)


def _after(result: Result) -> Composites:
    start, insets = to_uint8(result.start_canvas), _images(result.insets)
    boxes, present = _on_cpu(result.boxes), _on_cpu(result.present)
    canvas, fitted, interiors = to_uint8(result.canvas), to_uint8(result.fitted), _on_cpu(result.interiors)
    return Composites(start, canvas, fitted, boxes, present, insets, _images(result.start_insets), interiors)


def _images(images: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {part: to_uint8(each) for part, each in images.items()}


def _on_cpu(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {part: each.cpu() for part, each in tensors.items()}


def _of_sample(values: Tensor | Mapping[str, Tensor], index: int, there: Sequence[str]) -> Any:
    if isinstance(values, Mapping):
        return {part: _number(each[index]) if part in there else None for part, each in values.items()}
    return _number(values[index])


def _number(value: Tensor) -> float | None:
    return float(value) if bool(value.isfinite()) else None
