"""Whatever kills a run, and whenever."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors import safe_open

from insetgan.training.checkpoint import read_checkpoint
from insetgan.weights.store import load_network

ROOT = Path(__file__).resolve().parents[2]
TICK, SNAPSHOT = 8, 16  # images; most of the time is then spent in measuring and writing


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twenty_kills_lose_at_most_one_interval_and_leave_no_broken_file(tmp_path):
    out = tmp_path / "run"
    command = [
        sys.executable, str(ROOT / "train.py"), "+model=face", "data.height=16", "data.width=16", "recipe.z_dim=8",
        "recipe.w_dim=8", "recipe.channel_base=128", "recipe.channel_max=8", "batch_size=4", "grid=2", f"out={out}",
        "trainer.num_threads=1", "trainer.max_kimg=1000", f"tick_kimg={TICK / 1000}", f"snapshot_kimg={SNAPSHOT / 1000}",
        f"quality.every_kimg={SNAPSHOT / 1000}", "quality.num=8", "quality.num_real=8",
    ]  # fmt: skip
    chance = random.Random(0)
    reached = stored = 0
    for _ in range(20):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        lines = _until_it_trains(process)
        time.sleep(chance.uniform(0, 3))
        process.send_signal(signal.SIGKILL)
        lines += process.communicate(timeout=60)[0].splitlines()
        assert process.returncode == -signal.SIGKILL, lines[-5:]
        if stored:
            assert any(f"going on from {out / 'last.ckpt'} at {stored / 1000:g} kimg" in line for line in lines)
        reached = max([reached, *(_images(line) for line in lines if line.startswith("kimg"))])
        stored = int(read_checkpoint(out / "last.ckpt")["state_dict"]["cur_nimg"])
        assert stored > reached - SNAPSHOT, "more than one interval is lost"
        for path in (*out.glob("*.safetensors"), *out.glob("best.ckpt")):
            load_network(path) if path.suffix == ".safetensors" else read_checkpoint(path)
        rows = (out / "metrics.csv").read_text().splitlines()
        assert all(row.count(",") == rows[0].count(",") for row in rows)
    assert stored > 4 * SNAPSHOT, "it gets on nevertheless"


def _until_it_trains(process):
    """The lines up to the first that tells of progress beyond the first checkpoint."""
    lines = []
    for line in iter(process.stdout.readline, ""):
        lines.append(line.rstrip())
        if line.startswith("kimg") and _images(line) >= SNAPSHOT:
            return lines
    raise AssertionError(f"it did not train: {lines}")


def _images(line):
    return round(float(line.split()[1].partition("/")[0]) * 1000)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_twenty_kills_inside_blocks_of_a_refinement_cost_five_seconds_each_and_change_no_byte(tiny, tmp_path):
    options = [
        *tiny,
        "seeds=0-1",
        "batch_size=2",
        "steps=1500",
        "drop=[coarse_perceptual,border_perceptual,body_perceptual]",
    ]

    def start(out):
        command = [sys.executable, str(ROOT / "refine.py"), *options, f"out={out}"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    whole = start(tmp_path / "whole")
    text = whole.communicate(timeout=900)[0]
    assert whole.returncode == 0, text
    chance, kills, folder, done = random.Random(0), 0, 0, 0
    while True:
        out = tmp_path / str(folder)
        process = start(out)
        lines = _until_it_refines(process)
        went_on = [line for line in lines if line.startswith("going on with seed 0 and 1 more after step ")]
        assert bool(went_on) == (done > 0), lines
        if went_on:
            assert int(went_on[0].rpartition(" ")[2]) == done, "it goes on from the last save"
        began = time.time()
        time.sleep(chance.uniform(0, 5) if kills < 20 else 0)
        saved = list((out / ".partial").glob("seed-*"))
        if kills < 20 and process.poll() is None:
            number = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)[kills % 3]
            lost = time.time() - max([began, *(path.stat().st_mtime for path in saved)])
            process.send_signal(number)
        text = process.communicate(timeout=900)[0]
        if process.returncode == 0 or list(out.glob("samples/[0-9]*.safetensors")):
            if process.returncode:  # the signal came behind the block, while its samples were written
                again = start(out)
                text = again.communicate(timeout=900)[0]
                assert again.returncode == 0, text
            written = {path.name: path.read_bytes() for path in (out / "samples").iterdir()}
            assert written == {path.name: path.read_bytes() for path in (tmp_path / "whole/samples").iterdir()}
            assert not (out / ".partial").exists()
            if kills >= 20:
                return
            folder, done = folder + 1, 0
            continue
        kills += 1
        assert process.returncode in (-number, 128 + number), text
        assert lost < 5
        done = _step_saved(out / ".partial/seed-0-and-1-more")


def _until_it_refines(process):
    """The lines up to the first that tells of a step."""
    lines = []
    for line in iter(process.stdout.readline, ""):
        lines.append(line.rstrip())
        if line.startswith("refining"):
            return lines
    raise AssertionError(f"it did not refine: {lines}")


def _step_saved(path):
    """The step of the state that is saved, which is whole; 0 without one."""
    if not path.exists():
        return 0
    with safe_open(path, framework="pt") as file:
        return int(file.get_tensor("step"))
