"""What refine.py and evaluate.py give to Weights & Biases or TensorBoard: curves, figures, sheets."""

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from insetgan.data.image import read_rgb
from insetgan.evaluation.cell import Cell
from insetgan.refine.gathered import read_curves
from insetgan.refine.refined_samples import RefinedSamples
from insetgan.reports.refinement import SHOWN
from insetgan.runtime.loggers import log_image


def log_refinement(loggers: Sequence[Any], samples: "RefinedSamples", results: Mapping[str, Any]) -> None:
    """Log the curve of each term (the mean over the samples shown), the medians of all samples, and the sheet.

    Args:
        loggers: of Lightning; closed afterwards.
        samples: that were gathered.
        results: from `reports.refinement.gather_results`.
    """
    if not loggers:
        return
    names = [record["name"] for record in results["samples"][:SHOWN]]
    steps = mean_curves([read_curves(samples.tensors(name)) for name in names])
    figures = flat_figures(results["summary"])
    for logger in loggers:
        for step, scalars in enumerate(steps):
            logger.log_metrics({f"objective/{term}": value for term, value in scalars.items()}, step=step)
        logger.log_metrics(figures, step=len(steps))
    _log_sheet(loggers, samples.folder.path / "sheet.png", len(steps))


def log_evaluation(loggers: Sequence[Any], cells: "Sequence[Cell]", sheet: Path) -> None:
    """Log each figure of a table under <region>/<method>-<psi>/<figure>, and the sheet if there is one.

    Args:
        loggers: of Lightning; closed afterwards.
        cells: of the table.
        sheet: file with sample images; it may be missing.
    """
    figures: dict[str, float] = {}
    for cell in cells:
        method = cell.method if cell.trunc is None else f"{cell.method}-{cell.trunc:g}"
        values = {key: figure.value for key, figure in cell.figures.items() if math.isfinite(figure.value)}
        figures |= {f"{cell.region}/{method}/{key}": value for key, value in values.items()}
    for logger in loggers:
        logger.log_metrics(figures, step=0)
    if loggers:
        _log_sheet(loggers, sheet, 0)


def mean_curves(curves: Sequence[Mapping[str, Sequence[float]]]) -> list[dict[str, float]]:
    """Means over samples, step by step: term -> mean of the samples that have the term and took so many steps."""
    length = max((len(values) for curve in curves for values in curve.values()), default=0)
    terms = dict.fromkeys(term for curve in curves for term in curve)
    means: list[dict[str, float]] = []
    for step in range(length):
        known = {term: [curve[term][step] for curve in curves if step < len(curve.get(term, ()))] for term in terms}
        known = {term: [value for value in values if math.isfinite(value)] for term, values in known.items()}
        means.append({term: statistics.fmean(values) for term, values in known.items() if values})
    return means


def flat_figures(summary: Mapping[str, Any], above: str = "") -> dict[str, float]:
    """The numbers of a summary: "seam_after/face" -> value; what is None or no number is left out."""
    figures: dict[str, float] = {}
    for name, value in summary.items():
        if isinstance(value, Mapping):
            figures |= flat_figures(value, f"{above}{name}/")
        elif isinstance(value, (int, float)) and math.isfinite(value):
            figures[f"{above}{name}"] = float(value)
    return figures


def _log_sheet(loggers: Sequence[Any], sheet: Path, step: int) -> None:

    if sheet.is_file():
        image = torch.from_numpy(np.array(read_rgb(sheet)))
        for logger in loggers:
            log_image(logger, "sheet", image, step)
    for logger in loggers:
        logger.finalize("success")
