"""train.py as a user runs it, on tiny networks and a few images."""

import csv
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from insetgan.cli.train import _report
from insetgan.runtime.errors import Stopped
from insetgan.runtime.files import lock_folder
from insetgan.training.options import RunOptions
from insetgan.training.run import Outcome
from insetgan.weights.store import load_network

ROOT = Path(__file__).resolve().parents[2]


def test_body_trains_goes_on_and_grows(train, body, tmp_path):
    out = tmp_path / "small"
    small = [*body, f"out={out}", "data.height=16", "data.width=8"]
    code, text, errors = train(*small, "trainer.max_kimg=0.008")
    assert (code, errors) == (0, "")
    assert "training body: 6 images 16 x 8" in text
    assert "images/s" in text
    code, text, _ = train(*small, "trainer.max_kimg=0.012")
    assert code == 0
    assert "going on from" in text
    with (out / "metrics.csv").open(newline="") as file:
        assert [row["Progress/kimg"] for row in csv.DictReader(file)] == ["0.008", "0.012"]
    networks = {"last.ckpt", "best.ckpt", "network-last.safetensors", "network-best.safetensors"}
    assert {".lock", "config.yaml", "metrics.csv", "samples", "train.log", *networks} == set(os.listdir(out))
    assert "channel_max: 8" in (out / "config.yaml").read_text()
    assert load_network(out / "network-last.safetensors", kind="generator").height == 16

    grown = ["init_strict=false", f"out={tmp_path}/large", "trainer.max_kimg=0.004"]
    code, text, _ = train(*body, f"init={out}/last.ckpt", *grown)
    assert code == 0
    assert "so new: synthesis.b32" in text
    assert "samples     " in text
    assert text.strip().splitlines()[-1].startswith("best        ")


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


def test_two_commands_do_not_write_into_one_folder(body, tmp_path, monkeypatch, train, assert_one_line):
    defaults = lock_folder.__wrapped__.__kwdefaults__
    monkeypatch.setattr(lock_folder.__wrapped__, "__kwdefaults__", {**defaults, "patience": 0.1})
    with lock_folder(tmp_path):
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
    assert "tensors taken over; of another shape, so new: image_critic" in judged, "its blocks have grown"


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


@pytest.mark.parametrize(("resume", "said"), [("auto", "same command goes"), ("none", "resume=auto goes")])
def test_how_to_go_on_is_said_as_it_is(tmp_path, resume, said):
    text = io.StringIO()
    options = RunOptions(out=tmp_path, max_kimg=1, batch_size=4, resume=resume)
    with pytest.raises(Stopped):
        _report(Console(file=text, soft_wrap=True), options, Outcome(0.5, 0.5, received=signal.SIGTERM))
    assert said in text.getvalue()


def test_variables_of_a_cluster_count_only_where_they_are_asked_for(train, body, tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_NTASKS", "4")
    monkeypatch.setenv("SLURM_PROCID", "3")
    monkeypatch.setattr("lightning_fabric.utilities.rank_zero.rank_zero_only.rank", 3)  # as guessed on being imported
    code, text, errors = train(*body, f"out={tmp_path}/run", "trainer.max_kimg=0.004", "features=none")
    assert (code, errors) == (0, "")
    assert "SLURM_NTASKS=4 is not used" in text
    assert (tmp_path / "run" / "network-last.safetensors").is_file()
    for name, value in {
        "RANK": 0,
        "WORLD_SIZE": 1,
        "LOCAL_RANK": 0,
        "MASTER_ADDR": "localhost",
        "MASTER_PORT": 1,
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("SLURM_NTASKS")
    elastic = ["trainer.cluster=torchelastic", "trainer.max_kimg=0.004", "features=none"]
    code, _, errors = train(*body, f"out={tmp_path}/elastic", *elastic)
    assert (code, errors) == (0, "")
    assert (tmp_path / "elastic" / "network-last.safetensors").is_file()
