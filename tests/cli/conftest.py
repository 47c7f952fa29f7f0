"""Commands in processes of their own, and weights small enough for them."""

import json
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from insetgan.cli.app import entry

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def command():
    """Run a script of the project: command("refine.py", "trunc=0.7", cwd=...) -> CompletedProcess."""

    def run(*arguments, cwd=ROOT, timeout=200):
        script, *rest = map(str, arguments)
        full = [sys.executable, str(ROOT / script), *rest]
        return subprocess.run(full, cwd=cwd, capture_output=True, text=True, timeout=timeout)

    return run


@pytest.fixture(scope="session")
def mistake(command):
    """Run a script that must fail as a user's mistake; gives the one line it printed."""

    def run(*arguments, **options):
        result = command(*arguments, **options)
        assert result.returncode == 2, result.stdout + result.stderr
        lines = result.stderr.strip().splitlines()
        assert len(lines) == 1, result.stderr
        assert "Traceback" not in result.stdout + result.stderr
        return lines[0]

    return run


@pytest.fixture(scope="session")
def tiny(tiny_networks):
    """Overrides of refine.py that put tiny random networks in the place of the embedded ones."""
    return list(tiny_networks.values())


@pytest.fixture(scope="session")
def small():
    """Overrides of train.py that make it quick."""
    return [
        "recipe.z_dim=8", "recipe.w_dim=8", "recipe.channel_base=128", "recipe.channel_max=8", "batch_size=4", "grid=2",
        "trainer.num_threads=1", "quality.num=4", "quality.num_real=4",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def people(tmp_path_factory):
    """Override naming an archive of six images 32 x 16 with a face each."""
    path, entries = tmp_path_factory.mktemp("data") / "people.zip", {}
    with zipfile.ZipFile(path, "w") as file:
        for index in range(6):
            pixels = np.random.default_rng(index).integers(0, 256, (32, 16, 3), dtype=np.uint8)
            name = f"00000/img{index:08d}.png"
            with file.open(name, "w") as target:
                Image.fromarray(pixels).save(target, format="png")
            boxes = {"face": [3, 2, 13, 12], "hand_left": None, "hand_right": None, "feet": None}
            entries[name] = {"boxes": boxes, "masks": {}}
        parts = ["face", "hand_left", "hand_right", "feet"]
        file.writestr("dataset.json", json.dumps({"labels": None}))
        file.writestr("parts.json", json.dumps({"size": [32, 16], "parts": parts, "images": entries}))
    return f"data.path={path}"


@pytest.fixture(scope="session")
def body(people, small):
    """Overrides of train.py that train bodies on them."""
    return ["+model=body", people, "data.height=32", "data.width=16", *small]


@pytest.fixture
def in_process(monkeypatch, capsys):
    """Run a script in this process, which saves the imports: in_process("train", *overrides) -> (code, output, errors)."""

    def run(name, *overrides, cwd=None):
        monkeypatch.setattr(sys, "argv", [str(ROOT / f"{name}.py"), *map(str, overrides)])
        if cwd is not None:
            monkeypatch.chdir(cwd)
        try:
            entry(name)
            code = 0
        except SystemExit as end:
            code = end.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def called(in_process):
    """Like `command`, in this process, which saves the imports: for tests of what a command leaves, not of how it ends."""

    def run(script, *arguments):
        code, said, errors = in_process(script.removesuffix(".py"), *arguments)
        return subprocess.CompletedProcess([script, *arguments], code, said, errors)

    return run


@pytest.fixture
def train(in_process):
    """Run train.py: train(*overrides) -> (exit code, output, errors)."""
    return partial(in_process, "train")


@pytest.fixture
def refine(in_process, tiny):
    """Run four steps of refine.py on tiny networks: refine(*overrides) -> (exit code, output, errors)."""

    def run(*overrides):
        fixed = any(str(override).endswith("FixedBoxes") for override in overrides)
        shorter = [override for override in tiny if not (fixed and override.startswith("detector."))]
        return in_process("refine", *shorter, "steps=4", *overrides)

    return run


@pytest.fixture(scope="session")
def quick(tiny, people):
    """Overrides of evaluate.py that make it quick: tiny networks, six real images, six generated ones in three blocks."""
    parts = next(override.partition("=")[2] for override in tiny if override.startswith("detector."))
    settings = ",".join(f'"{override}"' for override in [*tiny, "steps=4", "schedule.block=1"])
    networks = [f"features.network.name_or_path={parts}", f"distance.network.name_or_path={parts}"]
    return [f"refine=[{settings}]", *networks, people, "num=6", "batch_size=2", "bootstrap=4", "shown=3"]


@pytest.fixture
def evaluate(in_process, quick):
    """Run evaluate.py on tiny networks: evaluate(*overrides) -> (exit code, output, errors)."""
    return partial(in_process, "evaluate", *quick)


@pytest.fixture(scope="session")
def assert_one_line():
    """Check what `train` gave back for a mistake: one line, which says something."""

    def check(result, said):
        code, _, errors = result
        assert code == 2
        assert len(errors.strip().splitlines()) == 1
        assert said in errors

    return check


@pytest.fixture(scope="session")
def write_noise():
    """Write images of noise, size x size, into a folder: 0.<suffix>, 1.<suffix>, ..."""

    def write(folder, count, size, suffix="png"):
        for index in range(count):
            pixels = np.random.default_rng(index).integers(0, 256, (size, size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{index}.{suffix}")

    return write
