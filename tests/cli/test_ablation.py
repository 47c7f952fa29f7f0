"""The table of the ablation, from two tiny runs."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from insetgan.weights.store import load_network

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ablation():
    spec = importlib.util.spec_from_file_location("ablation", ROOT / "experiments" / "ablation.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_folder_of_something_else_is_refused(ablation, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["ablation.py", str(tmp_path)])
    with pytest.raises(SystemExit) as end:
        ablation.main()
    assert end.value.code == 2 and "holds no finished run of the ablation" in capsys.readouterr().err


def test_each_run_is_a_row_of_medians(ablation, refine, tiny, tmp_path, monkeypatch, capsys):
    for number, drop in enumerate(("null", "border")):
        code, _, errors = refine("seeds=0-2", f"drop={drop}", f"out='{tmp_path}/sweep/{number}_drop={drop}'")
        assert code == 0, errors
    monkeypatch.setattr("sys.argv", ["ablation.py", str(tmp_path / "sweep")])
    capsys.readouterr()
    ablation.main()
    head, _, *rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()]
    assert head[:5] == ["without", "seam", "band", "inside", "canvas change"]
    assert [row[0] for row in rows] == ["null", "border"]
    run = tmp_path / "sweep" / "1_drop=border"
    differences = []
    for sample in json.loads((run / "results.json").read_text())["samples"]:
        x0, y0, x1, y1 = sample["box"]["face"]
        canvas, refined = (
            np.asarray(Image.open(run / f"samples/{sample['seed']}_{name}.png"), float)
            for name in ("canvas", "refined")
        )
        assert np.abs(canvas - refined).sum() == pytest.approx(np.abs(canvas - refined)[y0:y1, x0:x1].sum())
        differences.append(np.abs(canvas - refined)[y0:y1, x0:x1].mean())
    assert float(rows[1][3]) == pytest.approx(np.median(differences), abs=0.006)
    weights = next(override.partition("=")[2] for override in tiny if override.startswith("canvas.weights="))
    codes = load_file(run / "latents.safetensors")
    away = np.linalg.norm(codes["canvas.shared"] - load_network(weights).mapping.w_avg, axis=-1)
    assert float(rows[1][5]) == pytest.approx(np.median(away), abs=0.006)
    assert float(rows[1][6]) == pytest.approx(
        np.median(codes["canvas.delta"].square().sum(-1).sqrt().sum(-1)), abs=0.006
    )
