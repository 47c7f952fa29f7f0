"""train.py on the user's own images."""

import json

import numpy as np
import pytest
from PIL import Image

from insetgan.weights.store import load_network


def test_face_is_cropped_from_bodies(train, people, tmp_path, small):
    size = ["data.height=16", "data.width=16"]
    code, text, _ = train("+model=face", people, *size, *small, "trainer.fast_dev_run=true", cwd=tmp_path)
    assert code == 0
    assert "training face: 6 images 16 x 16" in text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("part", ["hands", "feet"])
def test_parts_come_from_bodies_or_a_set_of_their_own(
    train, people, tmp_path, part, assert_one_line, small, write_noise
):
    size = ["data.height=16", "data.width=16"]
    assert_one_line(train(f"+model={part}", people, *size, *small), "no image has a box of")
    write_noise(tmp_path, 5, 20, "jpg")
    own = [f"data.path={tmp_path}", *size, *small, "trainer.fast_dev_run=true"]
    code, text, errors = train(f"+model={part}", *own)
    assert (code, errors) == (0, "")
    assert f"training {part}: 5 images 16 x 16" in text


def test_unusable_images_stop_a_run_or_are_left_out(train, tmp_path, assert_one_line, small, write_noise):
    write_noise(tmp_path, 5, 20, "png")
    (tmp_path / "1.png").write_bytes((tmp_path / "1.png").read_bytes()[:300])
    Image.new("L", (20, 20)).save(tmp_path / "3.png")
    own = [
        "+model=face",
        f"data.path={tmp_path}",
        "data.height=16",
        "data.width=16",
        *small,
        "trainer.fast_dev_run=true",
    ]
    result = train(*own)
    assert_one_line(result, "1.png")
    assert_one_line(result, "3.png")
    assert "data.on_fault=skip" in result[2]
    code, text, _ = train(*own, "data.on_fault=skip")
    assert code == 0
    assert "left out 2 images, the first: 1.png" in text
    assert "training face: 3 images" in text


def test_labels_make_the_networks_conditional(train, tmp_path, assert_one_line, small):
    labels, folder = [], tmp_path / "images"
    folder.mkdir()
    for index in range(6):
        pixels = np.random.default_rng(index).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
        labels.append([f"{index}.png", index % 3])
    own = ["+model=face", f"data.path={folder}", "data.height=16", "data.width=16", *small, "data.labels=true"]
    assert_one_line(train(*own), "has none; its dataset.json must hold them")
    (folder / "dataset.json").write_text(json.dumps({"labels": labels}))
    code, _, errors = train(*own, f"out={tmp_path}/run", "trainer.max_kimg=0.008")
    assert (code, errors) == (0, "")
    assert load_network(tmp_path / "run" / "network-last.safetensors").c_dim == 3
    assert_one_line(
        train(*own, "recipe=projected", f"out={tmp_path}/other"), "c_dim=3: the discriminator takes 0 label values"
    )


def test_one_image_can_be_trained_on_but_not_measured(train, tmp_path, assert_one_line, small):
    Image.new("RGB", (16, 16)).save(tmp_path / "one.png")
    own = ["+model=face", f"data.path={tmp_path / 'one.png'}", "data.height=16", "data.width=16", *small]
    own[1] = f"data.path={tmp_path}"
    assert_one_line(train(*own, "data.mirror=false", f"out={tmp_path}/run"), "more than one image; add features=none")
