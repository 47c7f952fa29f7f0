"""The programs that measure a GPU run here on the CPU, with small networks."""

import io
import json
import subprocess
import sys
import tarfile
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
def test_trainings_are_stopped_in_time_and_packed(tmp_path):
    tiny = "+model=body data.height=16 data.width=8 recipe.channel_base=128 recipe.channel_max=8 recipe.noise=false"
    rest = "features=none recipe.graphs=true trainer.max_kimg=9999 snapshot_kimg=0.1"
    (tmp_path / "trainings.yaml").write_text(f"one: {tiny} {rest}\n")
    arguments = ["gpu.py", "--device", "cpu", "--no-checks", "--tables", "0", "--seconds", "70", "--every", "10"]
    arguments += ["--out", tmp_path / "out", "--work", tmp_path / "work", "--trainings", tmp_path / "trainings.yaml"]
    done = run(*arguments, "--checkpoints", "one", "--piece", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "one: exit code 143: stopped by SIGTERM" in done.stdout
    whole = io.BytesIO(b"".join(path.read_bytes() for path in sorted((tmp_path / "out").glob("trained.tar.*"))))
    with tarfile.open(fileobj=whole) as tar:
        assert {"one.log", "one/last.ckpt", "one/network-last.safetensors", "one/metrics.csv"} <= set(tar.getnames())
    log = (tmp_path / "work" / "one.log").read_text()
    assert "recipe.graphs=true has no effect: this run has no GPU" in log


@pytest.mark.slow
def test_every_table_has_figures(tmp_path):
    done = run("gpu_tables.py", "--device", "cpu", "--tiny", "--out", tmp_path / "tables.json")
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stdout
    found = json.loads((tmp_path / "tables.json").read_text())
    assert [len(rows) for rows in found["tables"].values()] == [3, 2, 3, 4, 3]
