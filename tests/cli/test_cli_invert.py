"""invert.py as a user runs it, on tiny networks."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from insetgan.inversion.encoder import encoder_for
from insetgan.networks import Generator
from insetgan.weights.store import load_network, save_network


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A tiny generator, an encoder of it, and images."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("invert")
    shape = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 128, "channel_max": 8}
    generator = Generator(height=16, width=16, **shape).eval().requires_grad_(False)
    save_network(folder / "g.safetensors", generator, kind="generator")
    encoder = encoder_for(generator, rows=16, channels=4, channels_max=8, hidden=8, passes=2)
    save_network(folder / "e.safetensors", encoder, kind="encoder")
    (folder / "images").mkdir()
    for index in range(3):
        pixels = torch.randint(0, 256, (16, 16, 3), dtype=torch.uint8)
        Image.fromarray(pixels.numpy()).save(folder / "images" / f"f{index}.png")
    return folder


@pytest.fixture
def invert(in_process, files, tmp_path, tiny_networks):
    """Run invert.py: invert(*overrides) -> (exit code, output, errors); results in tmp_path / "out"."""
    tiny = [
        f"weights={files}/g.safetensors",
        f"out={tmp_path}/out",
        "perceptual=parts_net",
        tiny_networks["perceptual"],
    ]

    def run(*overrides):
        detector = [tiny_networks["detector"]] if "align=part" in overrides else []
        return in_process("invert", *tiny, *detector, *overrides)

    return run


def test_the_encoder_comes_first_and_then_the_steps(invert, files, tmp_path):
    code, output, errors = invert(f"image={files}/images", f"encoder={files}/e.safetensors", "steps=3")
    assert (code, errors) == (0, "")
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [row["method"] for row in results["summary"]] == ["encoder", "encoder + 3 steps"]
    assert [sample["name"] for sample in results["samples"]] == ["f0", "f1", "f2"]
    best = [sample["methods"][1]["mae"] <= sample["methods"][0]["mae"] * 1.05 for sample in results["samples"]]
    assert all(best) and "PSNR" in output and (tmp_path / "out" / "sheet.png").is_file()
    for name in ("f0_original.png", "f0_encoder.png", "f0_projected.png"):
        assert (tmp_path / "out" / "samples" / name).is_file()


def test_the_same_command_makes_nothing_again(invert, files, tmp_path):
    command = (f"image={files}/images", "start=mean", "steps=2", "batch_size=2")
    assert invert(*command)[0] == 0
    (tmp_path / "out" / "samples" / "f2_projected.png").unlink()
    before = (tmp_path / "out" / "samples" / "f0.json").stat().st_mtime_ns
    _, output, _ = invert(*command)
    assert "1 inverted" in output
    assert (tmp_path / "out" / "samples" / "f0.json").stat().st_mtime_ns == before
    assert "finished before" in invert(*command)[1]


def test_tuning_leaves_a_generator_that_draws_the_image(invert, files, tmp_path):
    code, _, errors = invert(
        f"image={files}/images/f0.png", "start=mean", "steps=2", "tuning.steps=30", "tuning.rate=0.01"
    )
    assert (code, errors) == (0, "")
    methods = json.loads((tmp_path / "out" / "results.json").read_text())["samples"][0]["methods"]
    assert methods[1]["method"] == "tuned" and methods[1]["mse"] < methods[0]["mse"]
    tuned = load_network(tmp_path / "out" / "samples" / "f0_tuned.safetensors", kind="generator")
    latents = load_file(tmp_path / "out" / "samples" / "f0.safetensors")
    drawn = tuned.render({name: latents[f"inverted.{name}"][None] for name in ("shared", "delta")})
    with Image.open(tmp_path / "out" / "samples" / "f0_tuned.png") as saved:
        wanted = torch.from_numpy(np.array(saved)).permute(2, 0, 1) / 127.5 - 1
    assert (drawn[0].clamp(-1, 1) - wanted).abs().mean() < 0.02  # its weights are stored in half precision


def test_what_was_found_starts_a_refinement(invert, files, tmp_path, in_process, tiny_networks):
    assert invert(f"image={files}/images/f1.png", "start=mean", "steps=2")[0] == 0
    found = tmp_path / "out" / "samples" / "f1.safetensors"
    code, _, errors = in_process(
        "refine",
        *tiny_networks.values(),
        f"parts.face.weights={files}/g.safetensors",
        f"parts.face.start={found}",
        "seeds=0",
        "steps=1",
        f"out={tmp_path}/refined",
    )
    assert (code, errors) == (0, "")
    assert invert(f"image={files}/images/f1.png", "start=mean", "steps=2", "space=w+f", "overwrite=true")[0] == 0
    code, _, errors = in_process(
        "refine",
        *tiny_networks.values(),
        f"parts.face.weights={files}/g.safetensors",
        f"parts.face.start={found}",
        "seeds=0",
        "steps=1",
        f"out={tmp_path}/again",
    )
    assert code == 2 and "space=w+f" in errors


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], "image is not given"),
        (["image=IMAGES"], "start=encoder: no embedded encoder knows"),
        (["image=IMAGES", "encoder=weights"], "no file"),
        (["image=nowhere.png", "start=mean"], "image=nowhere.png: no image there"),
        (["image=IMAGES", "start=mean", "passes=2"], "passes=2: belongs to start=encoder"),
        (["image=IMAGES", "start=mean", "space=w+f", "tuning.steps=1"], "not space=w+f"),
        (["image=IMAGES", "start=mean", "projector.rate=0"], "projector.rate"),
        (
            ["image=IMAGES", "start=mean", "weights=body"],
            "is 16 x 16 (height x width), and the generator draws 256 x 128",
        ),
    ],
)
def test_mistakes_are_one_line(invert, files, overrides, message):
    code, _, errors = invert(*(each.replace("IMAGES", f"{files}/images") for each in overrides))
    assert code == 2 and message in errors and len(errors.strip().splitlines()) == 1


def test_images_that_cannot_be_used_are_left_out_when_asked(invert, files, tmp_path):
    (tmp_path / "in").mkdir()
    Image.new("RGB", (16, 16)).save(tmp_path / "in" / "good.png")
    Image.new("RGB", (32, 16)).save(tmp_path / "in" / "wide.png")
    (tmp_path / "in" / "bad.png").write_bytes(b"no image")
    command = (f"image={tmp_path}/in", "start=mean", "steps=1")
    code, _, errors = invert(*command)
    assert code == 2 and "bad.png" in errors
    code, output, _ = invert(*command, "on_fault=skip")
    assert code == 0 and output.count("left out") == 2
    assert len(json.loads((tmp_path / "out" / "results.json").read_text())["left_out"]) == 2
