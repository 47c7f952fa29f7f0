"""The programs that measure a GPU run here on the CPU, with small networks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run(*arguments):
    return subprocess.run([sys.executable, *arguments], cwd=BENCHMARKS, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_checks_hold_on_the_cpu():
    done = run("gpu_checks.py", "--device", "cpu")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "checks on cpu, 0 failed" in done.stdout


@pytest.mark.slow
def test_every_table_has_figures(tmp_path):
    done = run("gpu_tables.py", "--device", "cpu", "--tiny", "--out", tmp_path / "tables.json")
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stdout
    found = json.loads((tmp_path / "tables.json").read_text())
    assert [len(rows) for rows in found["tables"].values()] == [3, 2, 3, 4, 3]
