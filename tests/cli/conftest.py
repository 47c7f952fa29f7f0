"""Commands in processes of their own, and weights small enough for them."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

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
def tiny(tmp_path_factory):
    """Overrides of refine.py that put tiny random networks in the place of the embedded ones."""
    from insetgan.networks import Generator
    from insetgan.networks.parts_net import PartsNet
    from insetgan.weights.store import save_network

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("weights")
    shape = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 128, "channel_max": 8}
    save_network(folder / "body.safetensors", Generator(height=64, width=32, **shape), kind="generator")
    save_network(folder / "face.safetensors", Generator(height=16, width=16, **shape), kind="generator")
    parts = PartsNet(working_height=64)
    torch.nn.init.constant_(parts.heat.bias, 1.0)  # an untrained detector that says yes
    save_network(folder / "parts.safetensors", parts, kind="parts")
    return [
        f"canvas.weights={folder}/body.safetensors",
        f"parts.face.weights={folder}/face.safetensors",
        f"detector.network.name_or_path={folder}/parts.safetensors",
        f"perceptual.name_or_path={folder}/parts.safetensors",
    ]
