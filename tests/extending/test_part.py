"""A part of the user's own, in one file: it is trained, its file remembers how, and the refinement compares."""

import json
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

import insetgan
from insetgan.data.part_crop import PartCrop
from insetgan.detection.parts_detector import PartsDetector
from insetgan.ops.images import encode_png
from insetgan.weights.store import load_network, read_metadata

EARS = """
    # Ears, the right one flipped, so that both look like left ones.
    ear_left:
      weights: trained/network-last.safetensors
      placement: {_target_: insetgan.detection.placement.SquarePlacement, margin: 0.25}
    ear_right:
      weights: trained/network-last.safetensors
      mirror: true
      placement: {_target_: insetgan.detection.placement.SquarePlacement, margin: 0.25}
"""
TINY = ["recipe.z_dim=8", "recipe.w_dim=8", "recipe.channel_base=128", "recipe.channel_max=8", "batch_size=4", "grid=2"]
SHORT = ["features=none", "data.height=16", "data.width=16", "trainer.max_kimg=0.008", "out=trained"]
BOXES = {"ear_left": [2, 4, 12, 14], "ear_right": [18, 4, 28, 14]}


@pytest.fixture
def heads(tmp_path):
    """Six images with two ears each."""
    path = tmp_path / "heads.zip"
    with zipfile.ZipFile(path, "w") as file:
        for index in range(6):
            image = np.full((32, 32, 3), 90 + index, np.uint8)
            file.writestr(f"{index}.png", encode_png(image))
        entries = {f"{index}.png": {"boxes": BOXES} for index in range(6)}
        file.writestr("parts.json", json.dumps({"size": [32, 32], "parts": list(BOXES), "images": entries}))
    return path


@pytest.fixture
def trained(write, command, heads, tmp_path):
    write("mine/parts/ears.yaml", EARS)
    result = command("train", "--config-dir", "mine", "+model=part", "part=ears", f"data.path={heads}", *TINY, *SHORT)
    assert result.returncode == 0, result.stderr
    (weights,) = (tmp_path / "trained").glob("network-last.safetensors")
    return weights, result


def test_it_is_trained_by_its_definition_and_the_refinement_says_what_differs(trained, command, networks, tmp_path):
    weights, result = trained
    assert "training ears: 12 images 16 x 16" in " ".join(result.stdout.split())
    assert "mirror: false" in (tmp_path / "trained" / "config.yaml").read_text()
    crop = PartCrop.of_metadata(read_metadata(weights))
    assert crop == PartCrop(("ear_left", "ear_right"), ("ear_right",), 0.25)

    parts = [f"parts.{ear}.weights={weights}" for ear in BOXES]
    boxes = "++detector.boxes={ear_left: [2,4,12,14], ear_right: [18,4,28,14]}"
    run = [
        "--config-dir",
        "mine",
        "parts=[ears]",
        *parts,
        "detector=fixed",
        boxes,
        networks["canvas"],
        networks["perceptual"],
    ]
    short = ["seeds=0", "steps=2", "schedule.block=1"]
    agreed = command("refine", *run, *short, "out=agreed")
    assert agreed.returncode == 0, agreed.stderr
    assert "has learned" not in agreed.stdout
    changed = ["parts.ear_left.placement.margin=0.1", "parts.ear_right.mirror=false"]
    said = " ".join(command("refine", *run, *short, *changed, "out=changed").stdout.split())
    assert (
        f"parts.ear_left: not what parts.ear_left.weights={weights} has learned: placement.margin=0.1, learned 0.25"
        in said
    )
    assert (
        f"parts.ear_right: not what parts.ear_right.weights={weights} has learned: mirror=false, learned true" in said
    )

    # The library places and mirrors as the header says.
    canvas, ears = (insetgan.load(path) for path in (networks["folder"] / "body.safetensors", weights))
    told = insetgan.FixedBoxes(BOXES)
    found = insetgan.compose(canvas, dict.fromkeys(BOXES, ears), 3, detector=told, steps=0)
    drawn = insetgan.draw(ears, 3, 0.7)
    assert found.result.boxes["ear_left"].tolist() == [[0, 2, 15, 17]]  # 2 + 12 = 14, a side of 15 round 7
    assert (found.result.insets["ear_right"] - drawn.flip(3)).abs().max() < 1e-5
    with pytest.raises(insetgan.UserError, match="has learned ear_left and ear_right, not face; give a Part"):
        insetgan.compose(canvas, {"face": ears}, detector=insetgan.FixedBoxes({"face": [1, 1, 9, 9]}), steps=0)


def test_a_network_that_finds_it_is_trained_and_its_header_says_what_it_knows(command, heads, networks, tmp_path):
    own = ["model.module.network.parts=[ear_left,ear_right]", "model.module.network.masks=false"]
    size = ["data.height=32", "data.width=32", "model.dataset.last=null", "model.validation.first=-4"]
    run = ["batch_size=2", "trainer.max_kimg=0.004", "out=finder"]
    result = command("train", "+model=parts", f"data.path={heads}", *own, *size, *run)
    assert result.returncode == 0, result.stderr
    weights = tmp_path / "finder" / "parts-last.safetensors"
    network = load_network(weights, kind="parts")
    assert read_metadata(weights)["architecture"]["parts"] == ["ear_left", "ear_right"]
    found = PartsDetector(network).detect(torch.zeros(1, 3, 32, 32))
    assert set(found) == {"ear_left", "ear_right"} and found["ear_left"].boxes.shape == (1, 4)
    refused = command(
        "refine", networks["canvas"], networks["face"], f"detector.network.name_or_path={weights}", "out=no"
    )
    assert refused.returncode == 2 and "parts.face: the detector knows ear_left, ear_right" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "error: part is not given: add part=NAME, one of conf/parts (allowed: blossom, ears, face, feet, hands"),
        (["part=nose"], "error: part=nose: no such part in conf/parts (allowed: blossom, ears, face"),
        (["part=../secret"], "error: part=../secret: no such part in conf/parts"),
        (["part=odd"], "error: part=odd: the parts of "),
    ],
)
def test_mistakes_are_one_line(write, command, heads, arguments, said):
    write("mine/parts/ears.yaml", EARS)
    write("mine/parts/odd.yaml", EARS.replace("margin: 0.25", "margin: 0.3", 1))
    result = command("train", "--config-dir", "mine", "+model=part", f"data.path={heads}", *arguments, *TINY, *SHORT)
    assert result.returncode == 2
    assert result.stderr.startswith(said) and len(result.stderr.strip().splitlines()) == 1, result.stderr


def test_a_set_without_boxes_trains_a_part_of_any_name(write, command, tmp_path):
    write("mine/parts/ears.yaml", EARS)
    (tmp_path / "crops").mkdir()
    for index in range(4):
        Image.new("RGB", (16, 16), (index * 40, 9, 9)).save(tmp_path / "crops" / f"{index}.png")
    own = ["part=ears", "data.path=crops", *TINY, *SHORT, "trainer.fast_dev_run=true"]
    result = command("train", "--config-dir", "mine", "+model=part", *own)
    assert result.returncode == 0, result.stderr
    assert "training ears: 4 images" in " ".join(result.stdout.split())
