"""Generators of other families than StyleGAN2 in every command that draws: composed, interrupted, walked, resumed, drawn."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from families import ZNet
from PIL import Image
from safetensors.torch import load_file

from insetgan.refine.gathered import read_curves
from insetgan.weights.store import save_network

SOURCE = Path(__file__).resolve().parents[1] / "support" / "families.py"
Z = ["parts.face.weights=null", "+parts.face.generator={_target_: my_families.ZNet, size: 16}"]
MAP = ["canvas.weights=null", "canvas.generator={_target_: my_families.MapDecoder, height: 64, width: 32}"]
PLUGIN = "plugins=[my_families]"


@pytest.fixture
def families(tmp_path):
    shutil.copy(SOURCE, tmp_path / "my_families.py")


def latents(tmp_path, out="run"):
    found = load_file(tmp_path / out / "latents.safetensors")
    return {name: tuple(tensor.shape) for name, tensor in found.items()}


def test_an_inset_of_z_alone_on_a_stylegan_canvas(families, refine, tmp_path):
    result = refine(PLUGIN, *Z, "parts.face.trunc=0.5", without=["face"])
    assert result.returncode == 0, result.stderr
    # The canvas moves in w*, the usual space of a StyleGAN, and the inset in z, its own usual one.
    expected = {"canvas.shared": (1, 8), "canvas.delta": (1, 10, 8), "face.z": (1, 8), "face.features": (1, 8, 8, 8)}
    assert latents(tmp_path) == {"seeds": (1,), **expected}
    found = load_file(tmp_path / "run" / "latents.safetensors")
    assert found["canvas.delta"].any() and not found["face.features"].any()
    curves = read_curves(tmp_path / "run" / "samples" / "0.safetensors")
    assert len(curves["border_l1"]) == 3 and torch.isfinite(torch.tensor(curves["mean_inset"])).all()
    record = json.loads((tmp_path / "run" / "results.json").read_text())["samples"][0]
    assert record["status"] in ("ok", "part_lost") and record["seam_after"]
    again = refine(PLUGIN, *Z, "parts.face.trunc=0.5", without=["face"])
    assert "all of them were finished before" in again.stdout, again.stderr


def test_a_canvas_of_a_map_and_features_beside_z_with_a_start_from_that_run(families, refine, tmp_path):
    result = refine(PLUGIN, *Z, *MAP, "parts.face.space=z+features", without=["canvas", "face"])
    assert result.returncode == 0, result.stderr
    shapes = latents(tmp_path)
    assert (shapes["canvas.map"], shapes["face.features"]) == ((1, 4, 8, 4), (1, 8, 8, 8))
    assert load_file(tmp_path / "run" / "latents.safetensors")["face.features"].any()
    starts = ["canvas.start=run", "parts.face.start=run", "canvas.trunc=0"]
    result = refine(PLUGIN, *Z, *MAP, *starts, "out=next", without=["canvas", "face"])
    assert result.returncode == 0, result.stderr
    ended, began = (
        np.asarray(Image.open(tmp_path / path)) for path in ("run/samples/0_canvas.png", "next/samples/0_paste.png")
    )
    assert (ended == began).all(2).mean() > 0.5, "outside the box the second run begins where the first ended"


def test_a_walk_is_resumed_in_the_middle(families, refine, tmp_path):
    walk = [PLUGIN, *Z, *MAP, "walk=2", "seeds=[1,2]"]
    assert refine(*walk, without=["canvas", "face"]).returncode == 0
    first = load_file(tmp_path / "run" / "latents.safetensors")
    for path in (tmp_path / "run" / "samples").glob("2*"):
        path.unlink()
    result = refine(*walk, without=["canvas", "face"])
    assert result.returncode == 0, result.stderr
    second = load_file(tmp_path / "run" / "latents.safetensors")
    assert len(first["canvas.map"]) == 3 and all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["parts.face.space=w"], "error: parts.face.space=w: must be one of z, z+features for parts.face"),
        (
            ["spaces.inset=w+"],
            "error: spaces.inset=w+: must be one of z, z+features for parts.face; parts.face.space= says another",
        ),
        (
            ["parts.face.trunc=[0.9,0.5]"],
            "error: parts.face: trunc=[0.9, 0.5]: the generator has 1 layer; give one value",
        ),
        (
            ["parts.face.start=run"],
            "error: parts.face: start=run: holds latents delta 6 x 8, shared 8, but the generator takes "
            "features 8 x 8 x 8, z 8",
        ),
        (["parts.face.label=3"], "error: parts.face.label=3: this generator has no labels; leave the setting away"),
    ],
)
def test_what_a_family_does_not_have_is_one_line(families, refine, tmp_path, arguments, says):
    if "parts.face.start=run" in arguments:
        assert refine().returncode == 0
    result = refine(PLUGIN, *Z, *arguments, "out=other", without=["face"])
    assert (result.returncode, result.stderr) == (2, says + "\n")
    assert not (tmp_path / "other").exists()


def test_a_class_that_lacks_a_method_is_refused_by_it(write, refine):
    write("my_families.py", "class ZNet:\n    def __init__(self, size):\n        self.height = self.width = size\n")
    result = refine(PLUGIN, *Z, without=["face"])
    said = "must be a Synthesiser, and has no method distance, and has no method offsets, and has no method render, and has no"
    assert result.returncode == 2 and said in result.stderr and len(result.stderr.strip().splitlines()) == 1


@pytest.fixture
def file(families, tmp_path, monkeypatch):
    """A weights file of ZNet, as a training of it would write."""
    monkeypatch.setattr(ZNet, "__module__", "my_families")
    network = ZNet(16)
    save_network(tmp_path / "z.safetensors", network, kind="generator")
    return network


def test_a_file_of_another_family_is_drawn_and_walked(file, command, tmp_path):
    result = command("generate", PLUGIN, "weights=z.safetensors", "seeds=0-1", "trunc=0.5,1", "out=drawn")
    assert result.returncode == 0, result.stderr
    assert len(list((tmp_path / "drawn" / "images").glob("*.png"))) == 4
    for space in ("z", "w"):
        walked = command(
            "generate", PLUGIN, "weights=z.safetensors", "walk=[0,1]", "frames=2", f"space={space}", f"out={space}"
        )
        assert walked.returncode == 0, walked.stderr
    ends = [[(tmp_path / space / "images" / f"frame0000{end}.png").read_bytes() for end in (0, 2)] for space in "zw"]
    assert ends[0] == ends[1]
    middle = [(tmp_path / space / "images" / "frame00001.png").read_bytes() for space in "zw"]
    assert middle[0] != middle[1]
    mixed = command("generate", PLUGIN, "weights=z.safetensors", "mix=[0,1]", "out=mixed")
    said = "error: mix=: styles are mixed layer by layer, and weights=z.safetensors has no layers of its own\n"
    assert (mixed.returncode, mixed.stderr) == (2, said)
    refused = command("generate", "weights=z.safetensors", "out=refused")
    assert refused.returncode == 2 and "plugins=[my_families]" in refused.stderr


def test_a_file_of_another_family_is_an_inset(file, refine, tmp_path):
    result = refine(PLUGIN, "parts.face.weights=z.safetensors", without=["face"])
    assert result.returncode == 0, result.stderr
    assert "face.z" in latents(tmp_path)


def test_an_evaluation_refines_with_it_as_inset_and_takes_a_canvas_of_a_file(families, command, networks, tmp_path):
    pieces = [networks[name] for name in ("canvas", "detector", "perceptual")]
    inner = ",".join(f'"{setting}"' for setting in [*pieces, *Z, "steps=2", "schedule.block=1"])
    features = f"features.network.name_or_path={networks['folder']}/parts.safetensors"
    small = ["num=4", "batch_size=2", "bootstrap=2", "shown=0", "data.num=4", "trunc=0.7"]
    run = [PLUGIN, f"refine=[{inner}]", features, "method=[unconditional,joint]", "regions=[body,face]", *small]
    result = command("evaluate", *run, "metrics=[fid]", "out=found")
    assert result.returncode == 0, result.stderr
    table = (tmp_path / "found" / "table" / "table.md").read_text()
    assert "nconditional" in table

    inner = ",".join(f'"{setting}"' for setting in [networks["face"], *pieces[1:], *MAP])
    result = command("evaluate", PLUGIN, f"refine=[{inner}]", features, "metrics=[fid]", *small, "out=canvas")
    said = "error: refine: canvas.generator: an evaluation takes canvas.weights, which say how large images are\n"
    assert (result.returncode, result.stderr) == (2, said)
