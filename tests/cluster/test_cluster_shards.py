"""Many samples in shards by four commands, of which two are killed: the same bytes as by one, in the same memory."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import webdataset

from insetgan.data.archive import Archive

ROOT = Path(__file__).resolve().parents[2]
MORE_MEMORY = 100  # MB that ten times as many samples may take more


def command(networks, out, samples, shards):
    settings = [*networks.values(), "steps=1", "batch_size=50", f"seeds=0-{samples - 1}", f"shards={shards}"]
    return [sys.executable, str(ROOT / "refine.py"), *settings, f"out={out}"]


def start(*arguments):
    return subprocess.Popen(command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def end(process):
    """Wait for a command; gives the most memory that it took, in MB."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_maxrss / 1024


def tars(folder):
    return sorted((folder / "shards").glob("refine-*.tar"))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("samples", "shards"), [(2_000, 8), (20_000, 40)])
def test_four_commands_of_which_two_are_killed(tiny_networks, tmp_path, samples, shards):
    few = start(tiny_networks, tmp_path / "few", samples // 10, shards // 4)
    little = end(few)
    one = start(tiny_networks, tmp_path / "one", samples, shards)
    much = end(one)
    assert (few.returncode, one.returncode) == (0, 0), few.stderr.read() + one.stderr.read()
    assert much - little < MORE_MEMORY, "memory does not grow with the samples"

    out = tmp_path / "four"
    workers = [start(tiny_networks, out, samples, shards) for _ in range(4)]
    for victim, after in ((workers[0], 1), (workers[1], 3)):
        while len(tars(out)) < after:
            time.sleep(0.05)
        victim.send_signal(signal.SIGKILL)
        end(victim)
    assert not (out / "results.json").exists(), "they were killed in the middle"
    for worker in workers[2:]:
        end(worker)
        assert worker.returncode == 0, worker.stderr.read()

    for ours, theirs in zip(tars(out), tars(tmp_path / "one"), strict=True):
        assert ours.read_bytes() == theirs.read_bytes(), ours.name
    assert len(tars(out)) == shards
    for name in ("index.jsonl", "SHA256SUMS", "sheet.png"):
        assert (out / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    with (out / "index.jsonl").open() as lines:
        assert [json.loads(line)["seed"] for line in lines] == list(range(samples)), "each sample is there once"
    assert json.loads((out / "results.json").read_text())["count"] == samples
    _read_back(out, samples, shards)


def _read_back(out, samples, shards):
    archive = Archive(out / "shards")
    assert len(archive) == samples and archive.parts == ("face",)
    pattern = f"{out}/shards/refine-{{000000..{shards - 1:06d}}}.tar"
    plain = webdataset.WebDataset(pattern, shardshuffle=False).decode("pil").to_tuple("__key__", "refined.png", "json")
    seeds = []
    for number, (key, image, said) in enumerate(plain):
        seeds.append(said["seed"])
        assert key == str(said["seed"]) and image.size == (32, 64)
        if number % 500 == 0:
            index = archive.names.index(f"refine-{number * shards // samples:06d}/{key}.refined.png")
            assert (archive.image(index) == image.convert("RGB")).all()
            assert archive.boxes(index) == {"face": tuple(said["box"]["face"])}
    assert seeds == list(range(samples))
