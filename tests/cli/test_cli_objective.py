"""What a command returns to a sweeper of Hydra, such as Optuna's: one number to minimise."""

import csv
import json
import math
import statistics

import pytest

from insetgan.cli import evaluate as evaluate_command
from insetgan.cli import refine as refine_command
from insetgan.cli import train as train_command


@pytest.fixture
def returned(monkeypatch):
    """What the job of a command gave back, by a wrapper round its `run`."""
    values = []
    for command in (evaluate_command, refine_command, train_command):
        run = command.run
        monkeypatch.setattr(command, "run", lambda config, run=run: values.append(run(config)) or values[-1])
    return values


def test_training_returns_the_best_distance_also_when_it_was_finished_before(train, body, returned, tmp_path):
    shared = (*body, f"out={tmp_path}/run", "trainer.max_kimg=0.008", "snapshot_kimg=0.004", "quality.every_kimg=0.004")
    for _ in range(2):
        code, _, errors = train(*shared)
        assert code == 0, errors
    with (tmp_path / "run" / "metrics.csv").open(newline="") as file:
        measured = [float(row["Metrics/frechet_parts"]) for row in csv.DictReader(file) if row["Metrics/frechet_parts"]]
    assert returned == [pytest.approx(min(measured), rel=1e-4)] * 2


def test_refining_returns_the_median_seam(refine, returned, tmp_path):
    code, _, errors = refine("seeds=0-2", f"out={tmp_path}/run")
    assert code == 0, errors
    samples = json.loads((tmp_path / "run" / "results.json").read_text())["samples"]
    assert returned == [pytest.approx(statistics.median(sample["seam_after"]["face"] for sample in samples))]


def test_of_several_parts_the_mean_counts_and_of_none_nothing_does():
    assert refine_command.objective({"seam_after": {"face": 1.0, "feet": 2.0}}) == 1.5
    assert refine_command.objective({"seam_after": None}) == math.inf


def test_evaluating_returns_the_first_figure(evaluate, returned, tmp_path):
    code, _, errors = evaluate("method=unconditional", "regions=[body]", "trunc=[0.7]", f"out={tmp_path}/run")
    assert code == 0, errors
    (path,) = (tmp_path / "run").glob("*/results.json")
    results = json.loads(path.read_text())
    first = next(iter(results["metrics"]))
    assert returned == [pytest.approx(results["cells"][0]["figures"][first]["value"])]


def test_hydra_hands_the_number_to_its_sweeper(in_process, tiny, monkeypatch, tmp_path):
    """A sweeper reads `return_value` of each job."""
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    seen, sweep = [], BasicSweeper.sweep
    monkeypatch.setattr(
        BasicSweeper,
        "sweep",
        lambda self, arguments: seen.extend(job.return_value for job in sweep(self, arguments)[0]),
    )
    monkeypatch.chdir(tmp_path)
    settings = ("steps=4", "seeds=0", "trunc=0.5,0.7", f"hydra.sweep.dir={tmp_path}/sweep")
    code, _, errors = in_process("refine", "-m", *tiny, *settings)
    assert code == 0, errors
    assert len(seen) == 2 and all(isinstance(value, float) and math.isfinite(value) for value in seen)
