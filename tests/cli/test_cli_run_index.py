"""The index of runs."""

import csv
import sys
from pathlib import Path

import pytest

from insetgan.cli.run_index import indexed


def rows():
    return list(csv.DictReader(Path("outputs/runs.csv").open()))


def test_each_command_has_a_line_with_its_state(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("outputs").mkdir()
    monkeypatch.setattr(sys, "argv", ["/x/refine.py", "seeds=[0,1]", "out=outputs/a b"])
    with indexed(Path("outputs/a b")):
        pass
    for error in (KeyboardInterrupt, ValueError):
        with pytest.raises(error), indexed(tmp_path / "outputs/refine/x"):
            raise error
    assert [row["state"] for row in rows()] == ["finished", "stopped", "failed"]
    assert [row["folder"] for row in rows()] == ["a b", "refine/x", "refine/x"]
    assert rows()[0]["command"] == "refine.py 'seeds=[0,1]' 'out=outputs/a b'"


def test_folders_elsewhere_are_not_listed_and_an_index_that_cannot_be_written_ends_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with indexed(Path("elsewhere/run")):
        pass
    with indexed(Path("outputs/run")):  # which does not exist
        pass
    assert not list(tmp_path.iterdir())


def test_a_refinement_is_listed(refine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert refine("seeds=0")[0] == 0
    (row,) = rows()
    assert row["state"] == "finished"
    assert (Path("outputs") / row["folder"] / "results.json").is_file()
