import csv

from insetgan.training.metrics_log import CLOCK, MetricsCSV


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_rows_are_appended_and_late_columns_join(tmp_path):
    log = MetricsCSV(tmp_path)
    log.log_metrics({CLOCK: 1.0, "a": 2.0})
    log.log_metrics({CLOCK: 2.0, "a": 3.0, "b": 4.0})
    log.log_metrics({CLOCK: 3.0})
    found = rows(tmp_path / "metrics.csv")
    assert [row["a"] for row in found] == ["2", "3", ""]
    assert [row["b"] for row in found] == ["", "4", ""]


def test_resuming_drops_rows_after_the_checkpoint(tmp_path):
    first = MetricsCSV(tmp_path)
    for kimg in (1.0, 2.0, 3.0):
        first.log_metrics({CLOCK: kimg, "a": kimg})
    second = MetricsCSV(tmp_path)
    second.start(2.0)
    second.log_metrics({CLOCK: 2.5, "a": 9.0})
    second.log_metrics({CLOCK: 3.0, "a": 9.0})
    assert [row[CLOCK] for row in rows(tmp_path / "metrics.csv")] == ["1", "2", "2.5", "3"]


def test_a_new_run_starts_a_new_file(tmp_path):
    MetricsCSV(tmp_path).log_metrics({CLOCK: 1.0})
    log = MetricsCSV(tmp_path)
    log.start(0.0)
    log.log_metrics({CLOCK: 0.5})
    assert [row[CLOCK] for row in rows(tmp_path / "metrics.csv")] == ["0.5"]
