"""generate.py as a user runs it, on tiny networks and on those of the reference vectors."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from insetgan.generation import plan
from insetgan.networks import Generator
from insetgan.ops.images import to_uint8
from insetgan.runtime.store import ResultFolder
from insetgan.weights.store import save_network

ROOT = Path(__file__).resolve().parents[2]
PARITY = ROOT / "tests" / "assets" / "parity"
SHAPES = {
    "square_32": {"width": 32, "c_dim": 0, "mapping_layers": 3},
    "rect_32x16": {"width": 16, "c_dim": 0, "mapping_layers": 3},
    "conditional_32": {"width": 32, "c_dim": 3, "mapping_layers": 2},
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "g.safetensors"
    shape = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 128, "channel_max": 8}
    save_network(path, Generator(height=32, width=16, **shape), kind="generator")
    return f"weights={path}"


@pytest.fixture
def generate(in_process, weights):
    """Run generate.py on a tiny network: generate(*overrides) -> (exit code, output, errors)."""
    return partial(in_process, "generate", weights)


def content(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "images").iterdir())}


def pixels(path):
    with Image.open(path) as image:
        return torch.from_numpy(np.array(image)).int()


@pytest.mark.parametrize("name", SHAPES)
def test_images_are_the_reference_implementations(name, in_process, monkeypatch, tmp_path):
    with np.load(PARITY / f"{name}.npz") as archive:
        values = {key: torch.from_numpy(archive[key]) for key in archive.files if archive[key].dtype.kind == "f"}
    network = Generator(height=32, z_dim=32, w_dim=32, channel_base=512, channel_max=24, **SHAPES[name])
    network.load_state_dict({key[2:]: value for key, value in values.items() if key.startswith("G/")})
    save_network(tmp_path / "g.safetensors", network, kind="generator")
    monkeypatch.setattr(plan, "seeded_latents", lambda seeds, _: values["in/z"][list(seeds)])
    chosen = range(4)
    if "in/c" in values:  # one label a run: the images of that label
        label = int(values["in/c"][0].argmax())
        chosen = [row for row in range(4) if int(values["in/c"][row].argmax()) == label]
        options = [f"label={label}"]
    else:
        options = []
    expected = to_uint8(values["out/img_const"]).int()
    code, _, errors = in_process(
        "generate", f"weights={tmp_path}/g.safetensors", "seeds=0-3", "trunc=1", f"out={tmp_path}/out", *options
    )
    assert (code, errors) == (0, "")
    for row in chosen:
        found = pixels(tmp_path / "out" / "images" / f"seed000{row}.png")
        assert (found - expected[row]).abs().max() <= 1
        assert (found != expected[row]).float().mean() < 0.01
    assert not torch.equal(expected[0], expected[1])


def test_every_seed_with_every_psi_and_a_grid(generate, tmp_path):
    code, text, errors = generate("seeds=3,5-6", "trunc=0.5,1", f"out={tmp_path}")
    assert (code, errors) == (0, "")
    assert "6 images, 6 drawn" in text and f"grid:     {tmp_path}/grid.png" in text
    names = sorted(path.name for path in (tmp_path / "images").glob("*.png"))
    assert names[:2] == ["seed0003-trunc0.5.png", "seed0003-trunc1.png"] and len(names) == 6
    records = json.loads((tmp_path / "results.json").read_text())["images"]
    assert records[3] == {"name": "seed0005-trunc1", "seed": 5, "trunc": 1.0}
    with Image.open(tmp_path / "grid.png") as grid:
        assert grid.width > 3 * 64 and grid.height > 2 * 128
    generate("seeds=5", "trunc=[0.5,1]", f"out={tmp_path}/again")
    assert content(tmp_path)["seed0005-trunc1.png"] == content(tmp_path / "again")["seed0005-trunc1.png"]


def test_batches_change_nothing_that_can_be_seen(generate, tmp_path):
    for size in (1, 3, 8):
        assert generate("seeds=0-7", f"batch_size={size}", f"out={tmp_path}/{size}")[0] == 0
    for seed in range(8):
        one, three, eight = (pixels(tmp_path / size / "images" / f"seed000{seed}.png") for size in "138")
        assert (one - eight).abs().max() <= 1 and (three - eight).abs().max() <= 1
    first, last = (pixels(tmp_path / "8" / "images" / f"seed000{seed}.png") for seed in (0, 7))
    assert (first - last).abs().max() > 8


def test_what_was_interrupted_or_damaged_is_made_again_to_the_byte(generate, tmp_path, monkeypatch):
    options = ["seeds=0-10", "batch_size=4"]
    generate(*options, f"out={tmp_path}/whole")
    expected = content(tmp_path / "whole")
    added = []

    def fail(folder, key, pieces, **rest):
        if added:
            raise KeyboardInterrupt
        added.append(key)
        original(folder, key, pieces, **rest)

    original = ResultFolder.add
    with monkeypatch.context() as broken:
        broken.setattr(ResultFolder, "add", fail)
        assert generate(*options, f"out={tmp_path}/killed")[0] == 130
    assert len(list((tmp_path / "killed" / "images").glob("*.png"))) == 4
    code, text, _ = generate(*options, f"out={tmp_path}/killed")
    assert code == 0 and "11 images, 7 drawn" in text
    assert content(tmp_path / "killed") == expected
    (tmp_path / "killed" / "images" / "seed0002.png").write_bytes(b"half")
    assert "4 drawn" in generate(*options, f"out={tmp_path}/killed")[1]
    assert content(tmp_path / "killed") == expected
    assert "all of them were finished before" in generate(*options, f"out={tmp_path}/killed")[1]
    assert "4 drawn" in generate("seeds=0-11", "batch_size=4", f"out={tmp_path}/killed")[1], (
        "two blocks are found again"
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_killed_process_goes_on_to_the_same_bytes(weights, tmp_path):
    options = [sys.executable, str(ROOT / "generate.py"), weights, "seeds=0-1999", "batch_size=8"]
    subprocess.run([*options, f"out={tmp_path}/whole"], check=True, stdout=subprocess.DEVNULL)
    out = tmp_path / "killed"
    for least in (1, 60, 120):
        process = subprocess.Popen([*options, f"out={out}"], stdout=subprocess.DEVNULL)
        while process.poll() is None and len(list(out.glob("images/block-*.json"))) < least:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run([*options, f"out={out}"], check=True, stdout=subprocess.DEVNULL)
    assert content(out) == content(tmp_path / "whole")


def test_mixing_and_its_grid(generate, tmp_path):
    code, text, errors = generate("mix=[[0,2],8-9]", "layers=1,3-4", f"out={tmp_path}")
    assert (code, errors) == (0, "") and "8 images" in text
    names = {path.stem for path in (tmp_path / "images").glob("*.png")}
    assert {"mix-seed0000", "mix-seed0008", "mix-seed0002-seed0009"} < names
    record = json.loads((tmp_path / "results.json").read_text())["images"][-1]
    assert record == {
        "name": "mix-seed0002-seed0009", "seed": 2, "style_seed": 9, "layers": [1, 3, 4], "trunc": 0.7,
    }  # fmt: skip
    whole = tmp_path / "whole"
    generate("mix=[0,8]", "layers=0-7", f"out={whole}")
    mixed, eight = (pixels(whole / "images" / f"{name}.png") for name in ("mix-seed0000-seed0008", "mix-seed0008"))
    assert (mixed - eight).abs().max() <= 1, "all layers of the column's seed are that seed"


def test_a_walk_leaves_a_film(generate, tmp_path):
    imageio = pytest.importorskip("imageio.v3")
    code, text, errors = generate("walk=[3,8,3]", "frames=3", "space=w", f"out={tmp_path}")
    assert (code, errors) == (0, "") and f"film:     {tmp_path}/walk.mp4" in text
    frames = imageio.imread(tmp_path / "walk.mp4", plugin="FFMPEG")
    assert frames.shape[1:] == (512, 256, 3) and len(frames) == 7 + 12
    first, last = (pixels(tmp_path / "images" / f"frame0000{number}.png") for number in (0, 6))
    assert (first - last).abs().max() <= 1


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["trunc=0.5,3"], "trunc=0.5,3: '3' must be a number from 0 to 2"),
        (["trunc=much"], "trunc=much: 'much' must be a number"),
        (["trunc=1,1.0"], "1 is named twice"),
        (["mix=[0-3]"], "mix=[0-3]: must be two lists of seeds"),
        (["mix=[0,a]"], "mix[1]=a: 'a' is neither a seed nor a range"),
        (["mix=[0,1]", "layers=4-8"], "layers=4-8: this generator has 8 layers, 0 to 7"),
        (["mix=[0,1]", "layers=x"], "is neither a layer nor a range"),
        (["mix=[0,1]", "trunc=0.5,1"], "must be one value"),
        (["layers=2"], "layers=2: belongs to style mixing"),
        (["walk=[3]"], "walk=[3]: needs two seeds or more"),
        (["walk=[3,3]"], "3 follows itself"),
        (["walk=[3,8]", "mix=[0,1]"], "goes without mix="),
        (["label=1"], "this generator has no labels"),
        (["seeds=5-2"], "runs backwards"),
        (["weights=parts"], "holds parts, expected generator"),
        (["frames=0"], "frames=0: must be at least 1"),
        (["device=cuda"], "no such device here"),
    ],
)
def test_mistakes_are_one_line(generate, assert_one_line, overrides, says, tmp_path):
    if overrides == ["device=cuda"] and torch.cuda.is_available():
        return
    assert_one_line(generate(*overrides, f"out={tmp_path}"), says)
    assert not os.listdir(tmp_path), "nothing is begun"


def test_another_run_in_the_folder_is_not_touched(generate, assert_one_line, tmp_path):
    generate("seeds=0", f"out={tmp_path}")
    assert_one_line(generate("seeds=0", "trunc=1", f"out={tmp_path}"), "holds images of other settings")
    assert generate("seeds=0", "trunc=1", "overwrite=true", f"out={tmp_path}")[0] == 0
    shutil.rmtree(tmp_path / "images")
    assert "1 drawn" in generate("seeds=0", "trunc=1", f"out={tmp_path}")[1]
