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


def test_damaged_rows_are_counted_in_a_line(tmp_path, capsys):
    log = MetricsCSV(tmp_path)
    for kimg in (1.0, 2.0, 3.0):
        log.log_metrics({CLOCK: kimg, "a": kimg})
    path = tmp_path / "metrics.csv"
    good = path.read_text()
    again = MetricsCSV(tmp_path)
    again.start(2.0)
    assert capsys.readouterr().err == "", "a row behind the checkpoint is not damaged"
    path.write_text(good + "4,4,4\nnan,4\n2\nwords,1\n2.")
    again.start(2.0)
    assert capsys.readouterr().err == f"{path}: 5 of 8 rows are damaged and left out\n"
    again.log_metrics({CLOCK: 2.5, "a": 9.0})
    assert [row[CLOCK] for row in rows(path)] == ["1", "2", "2.5"]
