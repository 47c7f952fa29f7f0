import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from insetgan.refine.latent_file import read_codes
from insetgan.runtime.errors import UserError


def codes(value):
    return {"canvas.shared": torch.full((4,), value), "canvas.delta": torch.zeros(3, 4)}


@pytest.fixture
def run(tmp_path):
    (tmp_path / "samples").mkdir()
    for name, value in (("0", 0.0), ("3-1", 3.1), ("3-2", 3.2)):
        save_file(codes(value), tmp_path / "samples" / f"{name}.safetensors")
    both = {"seeds": torch.tensor([0, 3, 3]), "canvas.shared": torch.tensor([[0.0] * 4, [3.1] * 4, [3.2] * 4])}
    save_file({**both, "canvas.delta": torch.zeros(3, 3, 4)}, tmp_path / "latents.safetensors")
    return tmp_path


def value(read, seed):
    return round(float(read[seed]["shared"][0]), 2)


def test_a_folder_gives_each_seed_its_own_or_one_to_all(run):
    read = read_codes(str(run), "canvas", [0, 3], key="canvas.start")
    assert [value(read, 0), value(read, 3)] == [0, 3.1], "the best of several"
    read = read_codes(f"{run}#3-2", "canvas", [0, 7], key="canvas.start")
    assert [value(read, 0), value(read, 7)] == [3.2, 3.2]


def test_files_of_many_and_of_one(run):
    read = read_codes(f"{run}/latents.safetensors", "canvas", [3, 0], key="canvas.start")
    assert [value(read, 0), value(read, 3)] == [0, 3.1]
    assert value(read_codes(f"{run}/latents.safetensors#3", "canvas", [9], key="canvas.start"), 9) == 3.1
    assert value(read_codes(f"{run}/samples/3-2.safetensors", "canvas", [9], key="canvas.start"), 9) == 3.2


def test_a_projection_becomes_its_mean_and_offsets(tmp_path):
    ws = np.random.RandomState(0).randn(1, 5, 4).astype(np.float32)
    np.savez(tmp_path / "projected_w.npz", w=ws)
    found = read_codes(str(tmp_path / "projected_w.npz"), "face", [0], key="parts.face.start")[0]
    shared, delta = found["shared"], found["delta"]
    assert torch.allclose(shared + delta, torch.from_numpy(ws[0]), atol=1e-6)
    assert delta.mean(0).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("source", "generator", "seeds", "says"),
    [
        ("nowhere", "canvas", [0], "no such file or folder"),
        ("{run}", "canvas", [7], "holds no sample 7"),
        ("{run}", "face", [0], "holds no latents of face"),
        ("{run}/latents.safetensors", "canvas", [7], "holds no sample 7"),
        ("{run}/text.safetensors", "canvas", [0], "holds no latents of canvas"),
        ("{run}/flat.npz", "canvas", [0], r"w must be \[1, layers, w_dim\]"),
    ],
)
def test_what_cannot_be_read_is_named(run, source, generator, seeds, says):
    (run / "text.safetensors").write_text("nothing")
    np.savez(run / "flat.npz", w=np.zeros((3, 4)))
    with pytest.raises(UserError, match=f"^canvas.start={source.format(run=run)}.*{says}"):
        read_codes(source.format(run=run), generator, seeds, key="canvas.start")
