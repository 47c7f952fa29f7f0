"""Each benchmark runs to its end at its smallest, so that the commands of benchmarks/README.md go on working."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

SMALLEST = {
    "augment.py": ["--size", "16", "--batch", "2", "--repeats", "1"],
    "data.py": ["--size", "64", "--seconds", "0.1", "--busy"],
    "evaluate.py": ["--part", "extractors", "--images", "8"],
    "generate.py": ["--images", "32", "--turns", "1"],
    "networks.py": ["--size", "64", "--repeats", "1"],
    "published.py": ["--canvas", "1024x512", "--face", "256", "--precision", "bf16", "--steps", "1"],
    "refine.py": ["--steps", "1", "--rounds", "1"],
    "threads.py": ["--busy", "1", "--seconds", "0.2", "--rounds", "1"],
    "train.py": ["--case", "64", "--types", "fp32", "--repeats", "1"],
}
ELSEWHERE = {
    "inversion.py": "needs held-out people: tests/inversion",
    "onepass.py": "needs a composer, and takes minutes: tests/cli/test_cli_composer.py",
}
"""Programs that a command alone cannot run."""


def test_no_benchmark_is_forgotten():
    programs = {path.name for path in BENCHMARKS.glob("*.py") if "def main(" in path.read_text()}
    assert {name for name in programs if not name.startswith("gpu")} == {*SMALLEST, *ELSEWHERE}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALLEST)
def test_it_runs(name):
    done = subprocess.run(
        [sys.executable, name, *SMALLEST[name]], cwd=BENCHMARKS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert any(character.isdigit() for character in done.stdout)


def test_the_benchmark_of_refinement_builds_what_the_command_builds(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("benchmark_of_refinement", BENCHMARKS / "refine.py")
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    assert benchmark.built().schedule.steps == 300
