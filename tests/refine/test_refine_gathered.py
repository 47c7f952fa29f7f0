import csv
import math
import tracemalloc

import pytest
import torch
from safetensors.torch import load_file, safe_open, save_file

from insetgan.refine.gathered import read_curves, write_curves, write_latents


def write_sample(path, value, steps=3, w_dim=4, dtype=torch.float32):
    tensors = {}
    for index, name in enumerate(("canvas", "face")):
        tensors[f"{name}.shared"] = torch.full((w_dim,), float(value + index), dtype=dtype)
        tensors[f"{name}.delta"] = torch.arange(3 * w_dim, dtype=dtype).reshape(3, w_dim) + value
    for term in ("total", "border_l1"):
        tensors[f"curve.{term}"] = torch.arange(steps + 1).float() + value
    save_file(tensors, path, metadata={"sample": "{}"})
    return path


def test_latents_are_what_stacking_in_memory_gives(tmp_path):
    samples = [write_sample(tmp_path / f"{i}.safetensors", 10 * i, steps=i + 1) for i in range(5)]
    write_latents(tmp_path / "latents.safetensors", samples, [7, 2**40, 0, 3, 1])
    stacked = load_file(tmp_path / "latents.safetensors")
    assert stacked.pop("seeds").tolist() == [7, 2**40, 0, 3, 1]
    assert set(stacked) == {"canvas.shared", "canvas.delta", "face.shared", "face.delta"}
    for name, tensor in stacked.items():
        assert torch.equal(tensor, torch.stack([load_file(path)[name] for path in samples])), name
    with safe_open(tmp_path / "latents.safetensors", framework="pt") as file:
        assert file.get_slice("face.delta")[1:3, :, 2].shape == (2, 3)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_types_are_kept(tmp_path, dtype):
    write_latents(tmp_path / "all", [write_sample(tmp_path / "0", 1, w_dim=3, dtype=dtype)], [0])
    assert load_file(tmp_path / "all")["canvas.delta"].dtype == dtype


def test_other_networks_are_refused_and_leave_nothing(tmp_path):
    samples = [write_sample(tmp_path / "0", 0), write_sample(tmp_path / "1", 0, w_dim=5)]
    with pytest.raises(ValueError, match="other shapes"):
        write_latents(tmp_path / "all", samples, [0, 1])
    with pytest.raises(ValueError, match="1 samples for 2 seeds"):
        write_latents(tmp_path / "all", samples[:1], [0, 1])
    assert {path.name for path in tmp_path.iterdir()} == {"0", "1"}


def test_curves(tmp_path):
    samples = [(f"3-{i}", write_sample(tmp_path / str(i), i, steps=i + 1)) for i in range(3)]
    assert read_curves(samples[1][1]) == {"border_l1": [1, 2, 3], "total": [1, 2, 3]}
    write_curves(tmp_path / "curves.csv", samples)
    rows = list(csv.DictReader((tmp_path / "curves.csv").open()))
    assert [row["name"] for row in rows] == ["3-0"] * 2 + ["3-1"] * 3 + ["3-2"] * 4
    assert list(rows[0]) == ["name", "step", "border_l1", "total"]
    assert [row["step"] for row in rows[2:5]] == ["0", "1", "2"]
    assert [row["total"] for row in rows[5:]] == ["2", "3", "4", "5"]


def test_curves_without_a_number_stay_readable(tmp_path):
    save_file({"curve.total": torch.tensor([math.nan, math.inf, 1e-9])}, tmp_path / "0")
    write_curves(tmp_path / "curves.csv", [("0", tmp_path / "0")])
    assert (tmp_path / "curves.csv").read_text() == "name,step,total\n0,0,nan\n0,1,inf\n0,2,1e-09\n"


def test_memory_does_not_grow_with_the_run(tmp_path):
    few = [write_sample(tmp_path / f"{i}.safetensors", i, steps=9, w_dim=256) for i in range(20)]
    peaks = []
    for count in (200, 3000):
        samples = few * (count // 20)
        tracemalloc.start()
        write_latents(tmp_path / "latents", samples, range(count))
        write_curves(tmp_path / "curves.csv", [(str(i), path) for i, path in enumerate(samples)])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    written = (tmp_path / "latents").stat().st_size
    assert written == pytest.approx(3000 * (8 + 2 * 4 * 256 * 4), rel=0.01)
    assert peaks[1] - peaks[0] < 3e6, "24 MB were written; what grows is the list of samples itself"
    assert load_file(tmp_path / "latents")["canvas.shared"][:, 0].tolist() == [i % 20 for i in range(3000)]
