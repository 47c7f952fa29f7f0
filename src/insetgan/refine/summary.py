"""Medians over the samples of a refinement."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from insetgan.metrics.measures import MEASURES, Measure


def summarise(records: Sequence[Mapping[str, Any]], measures: Sequence[Measure] = MEASURES) -> dict[str, Any]:
    """Medians over the samples, by part for measures of parts, and how often each status occurred."""
    summary: dict[str, Any] = {}
    for name in (*(key for measure in measures for key in measure.keys), "spread", "objective"):
        known = [record[name] for record in records if record[name] is not None]
        if known and isinstance(known[0], Mapping):
            parts = dict.fromkeys(part for value in known for part in value)
            summary[name] = {part: median([value[part] for value in known]) for part in parts}
        else:
            summary[name] = median(known)
    summary["steps"] = statistics.median(record["steps"] for record in records)
    summary["status"] = {
        status: sum(r["status"] == status for r in records) for status in sorted({r["status"] for r in records})
    }
    return summary


def median(values: Sequence[float | None]) -> float | None:
    """Median of the values that are known; None if none is."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
