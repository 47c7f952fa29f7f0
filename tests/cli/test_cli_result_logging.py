"""Curves, figures and sheets of refine.py and evaluate.py reach the loggers."""

import math

import pytest
from PIL import Image

from insetgan.cli.result_logging import flat_figures, log_evaluation, mean_curves
from insetgan.evaluation.cell import Cell, Figure


class Recorder:
    """A logger that keeps what it is given."""

    def __init__(self):
        self.metrics, self.images, self.closed = [], [], 0

    def log_metrics(self, metrics, step):
        self.metrics.append((step, metrics))

    def log_image(self, name, images, step):
        self.images.append((name, images[0].shape, step))

    def finalize(self, status):
        self.closed += 1


def test_curves_are_means_over_the_samples_that_took_the_step():
    curves = [{"total": [4.0, 2.0, 1.0], "border": [1.0, math.nan, 0.0]}, {"total": [2.0, 4.0]}]
    assert mean_curves(curves) == [{"total": 3.0, "border": 1.0}, {"total": 3.0}, {"total": 1.0, "border": 0.0}]
    assert mean_curves([]) == []


def test_a_summary_becomes_flat_numbers():
    summary = {"seam_after": {"face": 1.1, "feet": None}, "spread": None, "status": {"ok": 2}, "objective": math.inf}
    assert flat_figures(summary) == {"seam_after/face": 1.1, "status/ok": 2.0}


def test_an_evaluation_logs_each_figure_by_region_method_and_psi(tmp_path):
    cells = [
        Cell("joint", 0.7, "face", 4, 0, {"frechet_parts": Figure(0.5), "seam": Figure(math.nan)}),
        Cell("folder", None, "body", 4, 0, {"frechet_parts": Figure(2.0, 1.0, 3.0)}),
    ]
    Image.new("RGB", (6, 4)).save(tmp_path / "sheet.png")
    logger = Recorder()
    log_evaluation([logger], cells, tmp_path / "sheet.png")
    assert logger.metrics == [(0, {"face/joint-0.7/frechet_parts": 0.5, "body/folder/frechet_parts": 2.0})]
    assert logger.images == [("sheet", (4, 6, 3), 0)] and logger.closed == 1


@pytest.mark.parametrize("loggers", [[], [Recorder()]])
def test_a_missing_sheet_is_no_error(loggers, tmp_path):
    log_evaluation(loggers, [], tmp_path / "none.png")
    assert all(logger.closed == 1 and not logger.images for logger in loggers)
