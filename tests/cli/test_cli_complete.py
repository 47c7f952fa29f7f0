"""complete.py as a user runs it, on a tiny network."""

import json
import os
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from insetgan.completion.generator import CoModGenerator
from insetgan.weights.store import save_network


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "comodgan.safetensors"
    net = CoModGenerator(height=32, width=16, z_dim=8, w_dim=8, mapping_layers=2, channel_base=128, channel_max=8)
    save_network(path, net, kind="comodgan")
    return f"weights={path}"


@pytest.fixture
def complete(in_process, weights, people):
    """Run complete.py on six images: complete(*overrides) -> (exit code, output, errors)."""
    return partial(in_process, "complete", weights, people)


def pixels(path):
    with Image.open(path) as image:
        return np.array(image)


def test_images_are_completed_with_every_seed_and_the_run_goes_on(complete, tmp_path):
    code, text, errors = complete("hole=face", "seeds=0-1", f"out={tmp_path}")
    assert (code, errors) == (0, "")
    assert "12 completions, 12 completed" in text
    names = set(os.listdir(tmp_path))
    assert {".lock", "complete.log", "results.json", "sheet.png", "config.yaml", "settings.txt", "samples"} == names
    results = json.loads((tmp_path / "results.json").read_text())
    assert [each["name"] for each in results["samples"][:3]] == ["000000-0", "000000-1", "000001-0"]
    assert 0.3 < results["summary"]["hole"] < 0.8
    before = {path.name: path.read_bytes() for path in (tmp_path / "samples").iterdir()}
    (tmp_path / "samples" / "000002-1.png").unlink()
    code, text, _ = complete("hole=face", "seeds=0-1", f"out={tmp_path}")
    assert "1 completed" in text
    assert {path.name: path.read_bytes() for path in (tmp_path / "samples").iterdir()} == before
    assert "all of them were finished before" in complete("hole=face", "seeds=0-1", f"out={tmp_path}")[1]


def test_known_pixels_stay_and_a_part_of_the_images_gives_the_same(complete, tmp_path, people):
    complete("hole=surroundings", f"out={tmp_path}/all")
    complete("hole=surroundings", "data.last=2", f"out={tmp_path}/two")
    for index in (4, 5):
        made, known = (pixels(tmp_path / "all" / "samples" / f"00000{index}-0{end}.png") for end in ("", "-known"))
        image = np.random.default_rng(index).integers(0, 256, (32, 16, 3), dtype=np.uint8)
        assert np.array_equal(made[known > 0], image[known > 0])
        assert not np.array_equal(made[known == 0], image[known == 0])
        assert np.array_equal(made, pixels(tmp_path / "two" / "samples" / f"00000{index}-0.png"))


def test_masks_of_ones_own(complete, tmp_path):
    masks = tmp_path / "masks" / "00000"
    masks.mkdir(parents=True)
    for index in range(6):
        mask = np.full((64, 32), 255, np.uint8)  # twice as large as the images
        mask[20:40, 10:20] = 0
        Image.fromarray(mask).save(masks / f"img{index:08d}.png")
    code, _, errors = complete("hole=masks", f"data.masks={tmp_path}/masks", f"out={tmp_path}/out")
    assert (code, errors) == (0, "")
    known = pixels(tmp_path / "out" / "samples" / "000000-0-known.png")
    assert (known == 0).sum() == 10 * 5
    assert not known[10:20, 5:10].any()
    mask[:] = 255
    mask[:2] = 0
    Image.fromarray(mask).save(masks / "img00000003.png")
    assert "1 completed" in complete("hole=masks", f"data.masks={tmp_path}/masks", f"out={tmp_path}/out")[1]
    assert (pixels(tmp_path / "out" / "samples" / "000003-0-known.png") == 0).sum() == 16


def test_images_without_a_face_are_left_out(complete, weights, in_process, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    Image.fromarray(np.full((32, 16, 3), 128, np.uint8)).save(folder / "grey.png")
    given = (weights, f"data.path={folder}", f"out={tmp_path}/out")
    code, _, errors = in_process("complete", *given, "data.score=1")
    assert code == 2
    assert "data.part=face: is in none of the 1 images; hole=free needs none" in errors
    code, _, errors = in_process("complete", *given, "hole=free")
    assert (code, errors) == (0, "")
    fixed = ["detector=fixed", "+detector.boxes.face=[4,4,12,12]"]
    assert in_process("complete", *given, "hole=face", *fixed, "overwrite=true")[0] == 0


def test_mistakes_end_in_one_line(complete, assert_one_line, tmp_path):
    for override, said in [
        ("hole=nose", "hole=nose: must be one of face, surroundings, body, free, masks"),
        ("hole=masks", "masks belong to hole=masks"),
        ("trunc=3", "trunc=3: must be at most 2"),
        ("data.last=0", "data.last=0: must be at least 1"),
        ("weights=body", "holds generator, expected comodgan"),
        ("weights=nowhere.safetensors", "no file"),
        ("data.path=nowhere", "no such file or folder"),
        ("data.part=nose", "part=nose: must be one of"),
        ("seeds=x", "neither a seed nor a range"),
        ("sedes=1", "did you mean seeds?"),
        ("device=tpu", "device=tpu: must be one of"),
    ]:
        assert_one_line(complete(override, f"out={tmp_path}/new"), said)
    assert complete("hole=free", f"out={tmp_path}/out")[0] == 0
    assert_one_line(complete("hole=face", f"out={tmp_path}/out"), "holds completions of other settings")
    masks = tmp_path / "masks"
    masks.mkdir()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(masks / "other.png")
    assert_one_line(
        complete("hole=masks", f"data.masks={masks}", f"out={tmp_path}/new"), "no mask for 00000/img00000000.png"
    )


def test_other_settings_replace_when_asked(complete, tmp_path):
    assert complete("hole=free", f"out={tmp_path}")[0] == 0
    assert complete("hole=face", f"out={tmp_path}", "data.last=1", "overwrite=true")[0] == 0
    assert sorted(os.listdir(tmp_path / "samples")) == ["000005-0-known.png", "000005-0.json", "000005-0.png"]


def test_images_that_are_skipped_are_named(complete, tmp_path):
    (tmp_path / "data").mkdir()
    for index in range(2):
        Image.new("RGB", (16, 32), (index, 9, 9)).save(tmp_path / f"data/{index}.png")
    whole = (tmp_path / "data/1.png").read_bytes()
    (tmp_path / "data/1.png").write_bytes(whole[: len(whole) - 20])
    given = [f"data.path={tmp_path}/data", "hole=free", "data.on_fault=skip", f"out={tmp_path}/out"]
    code, text, errors = complete(*given)
    assert (code, errors) == (0, "")
    assert "skipped 1 faulty images, the first: 1.png" in text
