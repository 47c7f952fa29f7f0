"""train.py as a user runs it, on tiny networks and a few pictures."""

import csv
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from insetgan.cli.train import _report, main
from insetgan.files import hold
from insetgan.training.options import RunOptions
from insetgan.training.run import Outcome
from insetgan.weights.store import load_network

ROOT = Path(__file__).resolve().parents[2]
SMALL = [
    "recipe.z_dim=8", "recipe.w_dim=8", "recipe.channel_base=128", "recipe.channel_max=8", "batch_size=4", "grid=2",
    "trainer.num_threads=1", "quality.num=4", "quality.num_real=4",
]  # fmt: skip


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Override naming an archive of six pictures 32 x 16 with a face each."""
    path, entries = tmp_path_factory.mktemp("data") / "people.zip", {}
    with zipfile.ZipFile(path, "w") as file:
        for index in range(6):
            pixels = np.random.default_rng(index).integers(0, 256, (32, 16, 3), dtype=np.uint8)
            name = f"00000/img{index:08d}.png"
            with file.open(name, "w") as target:
                Image.fromarray(pixels).save(target, format="png")
            boxes = {"face": [3, 2, 13, 12], "hand_left": None, "hand_right": None, "feet": None}
            entries[name] = {"boxes": boxes, "masks": {}}
        parts = ["face", "hand_left", "hand_right", "feet"]
        file.writestr("dataset.json", json.dumps({"labels": None}))
        file.writestr("parts.json", json.dumps({"size": [32, 16], "parts": parts, "images": entries}))
    return f"data.path={path}"


@pytest.fixture(scope="module")
def body(people):
    return ["+model=body", people, "data.height=32", "data.width=16", *SMALL]


@pytest.fixture
def train(monkeypatch, capsys):
    """Run train.py in this process, which saves the imports: train(*overrides) -> (exit code, output, errors)."""

    def run(*overrides, cwd=None):
        monkeypatch.setattr(sys, "argv", [str(ROOT / "train.py"), *map(str, overrides)])
        if cwd is not None:
            monkeypatch.chdir(cwd)
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_body_trains_goes_on_and_grows(train, body, tmp_path):
    out = tmp_path / "small"
    small = [*body, f"out={out}", "data.height=16", "data.width=8"]
    code, text, errors = train(*small, "trainer.max_kimg=0.008")
    assert (code, errors) == (0, "")
    assert "training body: 6 pictures 16 x 8" in text
    assert "images/s" in text
    code, text, _ = train(*small, "trainer.max_kimg=0.012")
    assert code == 0
    assert "going on from" in text
    with (out / "metrics.csv").open(newline="") as file:
        assert [row["Progress/kimg"] for row in csv.DictReader(file)] == ["0.008", "0.012"]
    networks = {"last.ckpt", "best.ckpt", "network-last.safetensors", "network-best.safetensors"}
    assert {"config.yaml", "metrics.csv", "samples", *networks} == set(os.listdir(out))
    assert "channel_max: 8" in (out / "config.yaml").read_text()
    assert load_network(out / "network-last.safetensors", kind="generator").height == 16

    grown = ["init_strict=false", f"out={tmp_path}/large", "trainer.max_kimg=0.004"]
    code, text, _ = train(*body, f"init={out}/last.ckpt", *grown)
    assert code == 0
    assert "so new: synthesis.b32" in text
    assert "samples     " in text
    assert text.strip().splitlines()[-1].startswith("best        ")


def test_face_is_cropped_from_bodies(train, people, tmp_path):
    size = ["data.height=16", "data.width=16"]
    code, text, _ = train("+model=face", people, *size, *SMALL, "trainer.fast_dev_run=true", cwd=tmp_path)
    assert code == 0
    assert "training face: 6 pictures 16 x 16" in text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("part", ["hands", "feet"])
def test_parts_are_cropped_from_bodies_or_a_set_of_their_own(train, people, tmp_path, part):
    size = ["data.height=16", "data.width=16"]
    assert_one_line(train(f"+model={part}", people, *size, *SMALL), "no picture has a box of")
    for index in range(5):
        pixels = np.random.default_rng(index).integers(0, 256, (20, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{index}.jpg")
    own = [f"data.path={tmp_path}", *size, *SMALL, "trainer.fast_dev_run=true"]
    code, text, errors = train(f"+model={part}", *own)
    assert (code, errors) == (0, "")
    assert f"training {part}: 5 pictures 16 x 16" in text


def test_unusable_pictures_stop_a_run_or_are_left_out(train, tmp_path):
    for index in range(5):
        pixels = np.random.default_rng(index).integers(0, 256, (20, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    (tmp_path / "1.png").write_bytes((tmp_path / "1.png").read_bytes()[:300])
    Image.new("L", (20, 20)).save(tmp_path / "3.png")
    own = [
        "+model=face",
        f"data.path={tmp_path}",
        "data.height=16",
        "data.width=16",
        *SMALL,
        "trainer.fast_dev_run=true",
    ]
    result = train(*own)
    assert_one_line(result, "1.png")
    assert_one_line(result, "3.png")
    assert "data.on_fault=skip" in result[2]
    code, text, _ = train(*own, "data.on_fault=skip")
    assert code == 0
    assert "left out 2 pictures, the first: 1.png" in text
    assert "training face: 3 pictures" in text


def test_labels_make_the_networks_conditional(train, tmp_path):
    labels, folder = [], tmp_path / "pictures"
    folder.mkdir()
    for index in range(6):
        pixels = np.random.default_rng(index).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
        labels.append([f"{index}.png", index % 3])
    own = ["+model=face", f"data.path={folder}", "data.height=16", "data.width=16", *SMALL, "data.labels=true"]
    assert_one_line(train(*own), "has none; its dataset.json must hold them")
    (folder / "dataset.json").write_text(json.dumps({"labels": labels}))
    code, _, errors = train(*own, f"out={tmp_path}/run", "trainer.max_kimg=0.008")
    assert (code, errors) == (0, "")
    assert load_network(tmp_path / "run" / "network-last.safetensors").c_dim == 3
    assert_one_line(
        train(*own, "recipe=projected", f"out={tmp_path}/other"), "c_dim=3: the discriminator takes 0 label values"
    )


def test_two_processes_train_and_one_goes_on(train, body, command, tmp_path):
    shared = [*body, "trainer.accelerator=cpu", f"out={tmp_path}", "tick_kimg=0.004"]
    result = command("train.py", *shared, "trainer.devices=2", "trainer.max_kimg=0.008")
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("training body") == 1, "one process speaks"
    assert result.stdout.count("kimg 0.01/0.008") == 1
    code, text, _ = train(*shared, "trainer.max_kimg=0.012")
    assert code == 0
    assert "at 0.008 kimg" in text


def test_a_signal_to_one_process_ends_both(body, tmp_path):
    endless = [*body, "trainer.accelerator=cpu", "trainer.devices=2", f"out={tmp_path}", "tick_kimg=0.004"]
    full = [sys.executable, str(ROOT / "train.py"), *endless, "trainer.max_kimg=1000"]
    process = subprocess.Popen(full, stdout=subprocess.PIPE, text=True)
    assert any(line.startswith("kimg") for line in iter(process.stdout.readline, ""))
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "stopped by SIGTERM" in rest
    assert (tmp_path / "last.ckpt").is_file()


def test_without_features_nothing_is_measured(train, body, tmp_path):
    code, text, errors = train(*body, "features=none", f"out={tmp_path}", "trainer.max_kimg=0.004")
    assert (code, errors) == (0, "")
    assert "best" not in text
    assert not (tmp_path / "best.ckpt").exists()


def test_one_picture_can_be_trained_on_but_not_measured(train, tmp_path):
    Image.new("RGB", (16, 16)).save(tmp_path / "one.png")
    own = ["+model=face", f"data.path={tmp_path / 'one.png'}", "data.height=16", "data.width=16", *SMALL]
    own[1] = f"data.path={tmp_path}"
    assert_one_line(train(*own, "data.mirror=false", f"out={tmp_path}/run"), "more than one picture; add features=none")


def test_numbers_that_run_away_are_named_also_before_the_first_checkpoint(train, body, tmp_path):
    wild = [
        *body,
        "lr=1e12",
        "recipe.noise=false",
        f"out={tmp_path}",
        "trainer.precision=32-true",
        "trainer.max_kimg=0.2",
    ]
    result = train(*wild)
    assert_one_line(result, "not finite at")
    assert "there is no checkpoint yet" in result[2]


def test_another_number_of_frozen_layers_cannot_be_resumed(train, body, tmp_path):
    assert train(*body, f"out={tmp_path}", "trainer.max_kimg=0.004")[0] == 0
    said = "was trained with other tensors than the settings ask for (recipe.freeze_d)"
    assert_one_line(train(*body, f"out={tmp_path}", "recipe.freeze_d=2", "trainer.max_kimg=0.008"), said)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_to_the_whole_group_saves_with_workers_too(body, tmp_path, number, code):
    endless = [*body, "data.workers=1", f"out={tmp_path}", "tick_kimg=0.004", "trainer.max_kimg=1000"]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *endless], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert any(line.startswith("kimg") for line in iter(process.stdout.readline, ""))
    os.killpg(process.pid, number)
    rest, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (code, "")
    assert f"stopped by {number.name}" in rest
    assert (tmp_path / "last.ckpt").is_file()


def test_two_commands_do_not_write_into_one_folder(body, tmp_path, monkeypatch, train):
    monkeypatch.setattr(hold.__wrapped__, "__kwdefaults__", {"patience": 0.1})
    with hold(tmp_path):
        assert_one_line(train(*body, f"out={tmp_path}", "trainer.max_kimg=0.004"), "another command is writing there")
    assert train(*body, f"out={tmp_path}", "trainer.max_kimg=0.004")[0] == 0


def test_recipe_projected_trains_and_grows(train, body, tmp_path):
    # In float32: with AMX, oneDNN's bfloat16 convolutions to maps of 2 x 1 read memory that nobody has written.
    projected = [*body, "recipe=projected", "recipe.discriminator.critic_channels=8", "trainer.precision=32-true"]
    small = [*projected, "data.height=16", "data.width=8", "recipe.discriminator.enlarge=2"]
    code, _, errors = train(*small, f"out={tmp_path}/small", "trainer.max_kimg=0.008")
    assert (code, errors) == (0, "")
    code, text, _ = train(
        *projected,
        f"init={tmp_path}/small/last.ckpt",
        "init_strict=false",
        f"out={tmp_path}/large",
        "trainer.max_kimg=0.004",
    )
    assert code == 0
    judged = next(line for line in text.splitlines() if line.startswith("D: "))
    assert "tensors taken over; of another shape, so new: picture_critic" in judged, "its blocks have grown"


def test_wandb_offline(train, body, tmp_path):
    pytest.importorskip("wandb")
    code, _, _ = train(*body, f"out={tmp_path}", "logger=wandb", "trainer.max_kimg=0.004")
    assert code == 0
    assert list(tmp_path.glob("wandb/offline-run-*"))
    assert (tmp_path / "metrics.csv").is_file()


def test_sweep_makes_a_folder_a_run(train, body, tmp_path):
    code, _, _ = train("-m", *body, "lr=0.001,0.002", "trainer.max_kimg=0.004", cwd=tmp_path)
    assert code == 0
    assert len(list(tmp_path.rglob("last.ckpt"))) == 2


def test_sigterm_saves_and_the_same_command_goes_on(train, body, tmp_path):
    endless = [*body, f"out={tmp_path}", "tick_kimg=0.004"]
    full = [sys.executable, str(ROOT / "train.py"), *endless, "trainer.max_kimg=1000"]
    process = subprocess.Popen(full, stdout=subprocess.PIPE, text=True)
    assert any(line.startswith("kimg") for line in iter(process.stdout.readline, ""))
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "stopped by SIGTERM" in rest
    assert (tmp_path / "last.ckpt").is_file()
    code, text, _ = train(*endless, "trainer.max_kimg=0.004")
    assert code == 0
    assert "already trained to" in text


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ([], "model is not given"),
        (["+model=body", "leraning_rate=1"], "leraning_rate"),
        (["+model=body", "data.hieght=64"], "hieght"),
        (["+model=body", "lr=fast"], "lr=fast: must be a number"),
        (["+model=body", "batch_size=0"], "batch_size=0: must be above 0"),
        (["+model=body", "trainer.precision=bf17"], "trainer.precision=bf17: must be one of"),
        (["+model=body", "gamma=nan"], "gamma=nan: must be a number of 0 or more"),
        (["+model=body", "lr=nan"], "lr=nan: must be above 0, and finite"),
        (["+model=body", "trainer.max_kimg=inf"], "trainer.max_kimg=inf: must be above 0, and finite"),
        (["+model=body", "seed=4294967296"], "seed=4294967296: must be from 0 to 4294967295"),
        (["+model=body", "data.width=-4"], "data.width=-4: must be 4 or more"),
        (["+model=body", "trainer.num_threads=-1"], "trainer.num_threads=-1: must be above 0"),
        (["+model=body", "trainer.devices=2", "batch_size=3"], "batch_size=3: must be a multiple of trainer.devices=2"),
        (["+model=body", "batch_gpu=3"], "batch_gpu=3: must divide the 8 images that each process takes"),
        (
            ["+model=body", "recipe=auto", "batch_gpu=6", "batch_size=6"],
            "discriminator.mbstd_group_size=4: must divide",
        ),
        (["+model=body", "data.on_fault=ignore"], "data.on_fault=ignore: must be stop or skip"),
        (["+model=body", "data.workers=-1"], "data.workers=-1: must be 0 or more"),
        (["+model=body", "quality.num=1"], "quality.num=1: must be 2 or more"),
        (["+model=body", "recipe.augment=bgx"], "augment=bgx: must be none or one of"),
        (["+model=body", "out="], "out=: must not be empty"),
        (["+model=body", "data.path="], "data.path=: must not be empty"),
        (["+model=body", "+lrr=3"], "lrr: no such setting; did you mean lr?"),
        (["+model=body", "+data.hight=3"], "data.hight: no such setting; did you mean height?"),
        (["+model=body", "+experiments=foo"], "experiments/foo: no such choice (allowed: paper_coarse, plain_l1)"),
        (["+model=body", "grid=100000000"], "grid=100000000: must be from 1 to 1024"),
        (["+model=body", "model.dataset=null"], "model.dataset: must say what to build"),
        (["+model=nobody"], "nobody"),
        (["+model=body", "+recipe.gama=5"], "recipe.gama: no such setting (allowed: ada_kimg, "),
        (["+model=body", "recipe.conv_clamp=foo"], "conv_clamp=foo: must be a number above 0, or null"),
        (["+model=body", "recipe.pl_batch_shrink=2.5"], "pl_batch_shrink=2.5: must be 1 or more"),
        (["+model=body", "recipe.z_dim=abc"], "z_dim=abc: must be 1 or more, and whole"),
        (["-m", "+model=body", "lr=0.1,0.2", "trainer.devices=2"], "trainer.devices=2: must be 1 in a sweep"),
        (["-m", "+model=body", "lr=0.1,0.2", "out=run"], "out=run: the runs of a sweep need a folder each"),
        (["+model=body", "init=none.ckpt"], "init=none.ckpt: no such file"),
        (["+model=body", "recipe=none"], "recipe/none: no such choice (allowed: auto, insetgan_body"),
        (["+model=body", "data.path=/nowhere/people.zip"], "/nowhere/people.zip"),
    ],
)
def test_mistakes_are_one_line_and_code_2(train, tmp_path, overrides, said):
    assert_one_line(train(*overrides, cwd=tmp_path), said)
    assert not list(tmp_path.rglob("*.ckpt"))


@pytest.mark.parametrize("damage", ["shortened", "random", "pickle", "tensor", "foreign", "clockless"])
def test_checkpoints_that_are_none(train, body, tmp_path, damage):
    path = tmp_path / "wrong.ckpt"
    if damage == "shortened":
        assert train(*body, f"out={tmp_path}", "trainer.max_kimg=0.004")[0] == 0
        path.write_bytes((tmp_path / "last.ckpt").read_bytes()[:20000])
    elif damage == "random":
        path.write_bytes(np.random.default_rng(0).bytes(5000))
    elif damage == "pickle":
        path.write_bytes(pickle.dumps({"state_dict": {"cur_nimg": 8}}))
    else:
        contents = {"tensor": torch.ones(3), "foreign": {"state_dict": {"cur_nimg": torch.tensor(8)}}}
        torch.save(contents.get(damage, {"state_dict": {"cur_nimg": "eight"}}), path)
    assert_one_line(train(*body, f"out={tmp_path}/run", f"resume={path}"), "wrong.ckpt: cut short, or not written by")


def assert_one_line(result, said):
    code, _, errors = result
    assert code == 2
    assert len(errors.strip().splitlines()) == 1
    assert said in errors


def test_mistakes_about_files(train, body, tmp_path):
    assert_one_line(train(*body, f"out={tmp_path}", "init=/nowhere/last.ckpt"), "no such file")
    assert_one_line(train(*body, f"out={tmp_path}", "data.height=30", "data.width=15"), "height=30")
    (tmp_path / "last.ckpt").write_bytes(b"half")
    assert_one_line(train(*body, f"out={tmp_path}"), "last.ckpt: cut short, or not written by")
    (tmp_path / "file").write_text("")
    assert_one_line(train(*body, f"out={tmp_path}/file/run"), "file")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("recipe.style_mixing=2", "style_mixing=2: must be from 0 to 1"),
        ("recipe.z_dim=0", "z_dim=0: must be 1 or more"),
        ("recipe.mapping_layers=0", "mapping_layers=0: must be 1 or more"),
        ("recipe.betas=[2,3]", "betas=[2, 3]: must be two numbers from 0 to below 1"),
        ("recipe.betas=abc", "betas=abc: must be two numbers"),
        ("recipe.noise=abc", "noise=abc: must be true or false"),
        ("recipe.r1_interval=abc", "r1_interval=abc: must be 1 or more"),
        ("recipe.loss=wasserstein", "loss=wasserstein: must be one of logistic, hinge"),
        ("trainer.accelerator=tpu", "trainer: "),
        ("recipe.mbstd_group_size=3", "discriminator.mbstd_group_size=3: must divide the 4 images"),
        ("trainer.accelerator=foo", "trainer: "),
        ("resume=/nowhere/last.ckpt", "no such file"),
    ],
)
def test_a_refused_command_writes_nothing(train, body, tmp_path, override, said):
    out = tmp_path / "run"
    assert_one_line(train(*body, override, f"out={out}"), said)
    assert not out.exists()


def test_the_folder_of_another_run_survives_a_refused_or_finished_command(train, body, tmp_path):
    assert train(*body, f"out={tmp_path}", "trainer.max_kimg=0.004")[0] == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    other = ["recipe.channel_max=4", "grid=1", "trainer.max_kimg=0.008"]
    assert_one_line(train(*body, f"out={tmp_path}", *other), "holds other networks")
    code, text, _ = train(*body, f"out={tmp_path}", "trainer.max_kimg=0.004", "grid=1", "lr=0.1")
    assert code == 0
    assert "already trained" in text
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_parts_need_pictures_and_no_generator(train, people, tmp_path):
    said = "holds 6 pictures, but more than 200 are needed"
    assert_one_line(train("+model=parts", people, f"out={tmp_path}/run"), said)
    fit = ["model.dataset.last=-2", "model.validation.first=-2", f"init={__file__}", f"out={tmp_path}/run"]
    assert_one_line(train("+model=parts", people, *fit), "is for generators")


@pytest.mark.parametrize(("resume", "said"), [("auto", "same command goes"), ("none", "resume=auto goes")])
def test_how_to_go_on_is_said_as_it_is(tmp_path, resume, said):
    text = io.StringIO()
    options = RunOptions(out=tmp_path, max_kimg=1, batch_size=4, resume=resume)
    with pytest.raises(SystemExit):
        _report(Console(file=text, soft_wrap=True), options, Outcome(0.5, 0.5, received=signal.SIGTERM))
    assert said in text.getvalue()
