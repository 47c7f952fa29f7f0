"""The figure of bodies for given faces, from a tiny run."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from insetgan.completion.generator import CoModGenerator
from insetgan.ops.titles import HEAD
from insetgan.weights.store import save_network

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def figure(monkeypatch):
    spec = importlib.util.spec_from_file_location("body_for_face", ROOT / "experiments" / "body_for_face.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["body_for_face.py", *map(str, arguments)])
        module.main()

    return run


def test_a_folder_of_something_else_is_refused(figure, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        figure(tmp_path, tmp_path / "figure.png")
    assert end.value.code == 2 and "holds no finished run with faces" in capsys.readouterr().err


def test_both_methods_keep_the_face_where_it_is(figure, refine, tmp_path, capsys):
    made = ["mode=body_for_part", "starts=2", "keep=2", "seeds=0-1", f"out={tmp_path}/run"]
    code, _, errors = refine(*made)
    assert code == 0, errors
    refined = np.asarray(Image.open(tmp_path / "run/samples/1-1_refined.png"))
    height, width, _ = refined.shape
    network = CoModGenerator(
        height=height, width=width, z_dim=8, w_dim=8, mapping_layers=2, channel_base=128, channel_max=8
    )
    save_network(tmp_path / "net.safetensors", network, kind="comodgan")
    capsys.readouterr()
    figure(tmp_path / "run", tmp_path / "figure.png", "--weights", tmp_path / "net.safetensors")
    assert "InsetGAN: the bodies of a face differ by " in capsys.readouterr().out
    drawn = np.asarray(Image.open(tmp_path / "figure.png"))
    assert drawn.shape == (HEAD + 2 * height + 4, 5 * (width + 4) - 4, 3)
    for column in (0, 1, 3):
        title = drawn[:HEAD, column * (width + 4) : column * (width + 4) + width]
        assert (title < 100).any(), "the names of the columns"
    second = drawn[HEAD + height + 4 :]  # the row of seed 1: given, two completions, two refined
    given, completed, _, first, _ = (second[:, n * (width + 4) : n * (width + 4) + width] for n in range(5))
    assert np.array_equal(first, refined)
    known = (given != 128).any(2)
    assert 0 < known.sum() < known.size
    assert np.array_equal(completed[known], refined[known])
    assert not np.array_equal(completed, refined)
