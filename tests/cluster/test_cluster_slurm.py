"""Sweeps and plain jobs on a real Slurm of one machine, which preempts, cancels, ends and loses them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from slurm import running_slurm

ROOT = Path(__file__).resolve().parents[2]
TRAIN = [
    "+model=face", "data.height=16", "data.width=16", "recipe.z_dim=8", "recipe.w_dim=8", "recipe.channel_base=128",
    "recipe.channel_max=8", "batch_size=4", "grid=2", "trainer.num_threads=1", "trainer.max_kimg=1.2", "tick_kimg=0.02",
    "snapshot_kimg=0.2", "features=none",
]  # fmt: skip
SLURM = ["hydra/launcher=submitit_slurm", "hydra.launcher.partition=low", "hydra.launcher.cpus_per_task=1"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    try:
        with running_slurm(tmp_path_factory.mktemp("slurm")) as found:
            yield found
    except RuntimeError as error:
        pytest.skip(str(error))


@pytest.fixture
def refine(tiny_networks, slurm):
    """Settings of a refinement of tiny networks."""
    return [*tiny_networks.values(), "trainer.num_threads=1"]


def start(slurm, folder, script, *arguments):
    folder.mkdir(exist_ok=True)
    with (folder / "out.txt").open("w") as out:
        return subprocess.Popen(
            [sys.executable, str(ROOT / script), *arguments], cwd=folder, env=environment(slurm), stdout=out, stderr=out
        )


def environment(slurm):
    return {**slurm.environment, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}


def submit(slurm, folder, options, script, *arguments):
    """A plain job: what users write into a file for sbatch."""
    folder.mkdir(exist_ok=True)
    line = " ".join(f"'{each}'" for each in (sys.executable, str(ROOT / script), *arguments))
    (folder / "job.sh").write_text(f"#!/bin/sh\nexec srun {line}\n")
    command = [
        "sbatch",
        "--parsable",
        "-p",
        "low",
        "-o",
        str(folder / "out.txt"),
        "--open-mode=append",
        *options,
        "job.sh",
    ]
    return subprocess.run(
        command, cwd=folder, env=environment(slurm), check=True, capture_output=True, text=True
    ).stdout.strip()


def until(done, what, seconds=300, each=lambda: None):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        each()
        time.sleep(0.5)


def preempt(slurm):
    """A short job of the partition that goes before."""
    command = ["sbatch", "--parsable", "-p", "high", "-n", str(slurm.cpus), "-o", "/dev/null", "--wrap", "sleep 1"]
    return subprocess.run(command, env=slurm.environment, check=True, capture_output=True, text=True).stdout.strip()


def end_of(slurm, job, seconds=300):
    """The end of a job that may be requeued on its way; it need not wait for two minutes each time."""
    ends = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED")
    state = {}

    def ended():
        state.update(slurm.job(job))
        if state.get("JobState") == "PENDING" and state.get("Restarts") != "0":
            slurm.release(job)
        return state.get("JobState") in ends

    until(ended, f"the end of job {job}", seconds)
    return state


def pieces(folder):
    """What a refinement made, without what differs by its nature, such as times."""
    return {path.name: path.read_bytes() for path in sorted((folder / "samples").glob("*.png"))}


def at_work(folder):
    return list(folder.glob("**/.partial/*"))


def test_a_sweep_of_twelve_is_one_array_one_folder_and_one_page(slurm, refine, tmp_path):
    values = ",".join(f"0.{number}" for number in range(12, 24))
    sweep = start(slurm, tmp_path / "a", "refine.py", "-m", *SLURM, "seeds=0", "steps=3", f"trunc={values}", *refine)
    assert sweep.wait(600) == 0, (tmp_path / "a/out.txt").read_text()[-2000:]
    (folder,) = (tmp_path / "a/outputs/sweeps").iterdir()
    assert len(list(folder.glob("*/results.json"))) == 12
    assert (folder / "sweep.html").is_file()
    states = [json.loads(note.read_text())["state"] for note in (folder / ".runs").glob("*.json")]
    assert states == ["completed"] * 12
    assert len(list((folder / ".submitit").glob("*/*_submission.sh"))) == 1, "one array"


def test_a_preempted_sweep_goes_on_by_itself_and_arrives_at_the_same_bytes(slurm, refine, tmp_path):
    arguments = ["seeds=3", "steps=1500", *refine]
    whole = start(slurm, tmp_path / "whole", "refine.py", *arguments, "trunc=0.6", f"out={tmp_path}/whole/out")
    assert whole.wait(600) == 0
    sweep = start(slurm, tmp_path / "b", "refine.py", "-m", *SLURM, *arguments, "trunc=0.6,0.7")
    until(lambda: at_work(tmp_path / "b"), "a saved state")
    ahead = preempt(slurm)
    (script,) = (tmp_path / "b").glob("outputs/sweeps/*/.submitit/*/*_submission.sh")
    array = script.parent.name
    for task in (0, 1):
        state = end_of(slurm, f"{array}_{task}")
        assert (state["JobState"], state["ExitCode"]) == ("COMPLETED", "0:0"), state
    assert slurm.job(f"{array}_0")["Restarts"] != "0" or slurm.job(f"{array}_1")["Restarts"] != "0"
    assert end_of(slurm, ahead)["JobState"] == "COMPLETED"
    assert sweep.wait(120) == 0, (tmp_path / "b/out.txt").read_text()[-2000:]
    (run,) = (tmp_path / "b").glob("outputs/sweeps/*/0_*")
    assert pieces(run) == pieces(tmp_path / "whole/out")


def test_a_plain_training_is_preempted_and_gives_the_weights_of_an_unbroken_one(slurm, tmp_path):
    whole = start(slurm, tmp_path / "whole", "train.py", *TRAIN, f"out={tmp_path}/whole/out")
    assert whole.wait(600) == 0, (tmp_path / "whole/out.txt").read_text()[-2000:]
    job = submit(slurm, tmp_path / "t", [], "train.py", *TRAIN, "resume=none", f"out={tmp_path}/t/out")
    until(lambda: (tmp_path / "t/out/last.ckpt").exists(), "a checkpoint")
    preempt(slurm)
    state = end_of(slurm, job)
    assert (state["JobState"], state["Restarts"]) == ("COMPLETED", "1"), state
    said = (tmp_path / "t/out.txt").read_text()
    assert f"Slurm runs job {job} again" in said
    assert "resume=none: was for the first time" in said
    made, wanted = (load_file(tmp_path / name / "out/network-last.safetensors") for name in ("t", "whole"))
    assert made.keys() == wanted.keys()
    assert all(torch.equal(made[name], wanted[name]) for name in wanted)


def test_a_time_limit_ends_a_turn_and_not_the_work(slurm, refine, tmp_path):
    """A job of a minute, told 30 seconds before its end; it takes longer than that, and may still be starting then."""
    options = ["--time=1", "--signal=USR2@30"]
    job = submit(slurm, tmp_path / "l", options, "refine.py", "seeds=0-5", "steps=6000", "out=out", *refine)
    state = end_of(slurm, job, 600)
    assert (state["JobState"], state["ExitCode"]) == ("COMPLETED", "0:0"), state
    assert int(state["Restarts"]) >= 1
    assert (tmp_path / "l/out/results.json").is_file()


def test_a_cancelled_job_is_not_run_again(slurm, refine, tmp_path):
    job = submit(slurm, tmp_path / "c", [], "refine.py", "seeds=0-3", "steps=100000", "out=out", *refine)
    until(lambda: at_work(tmp_path / "c"), "a saved state")
    slurm.ask("scancel", job)
    state = end_of(slurm, job, 60)
    assert state["JobState"] == "CANCELLED"
    assert state["Restarts"] == "0"
    time.sleep(3)
    assert slurm.job(job)["JobState"] == "CANCELLED"
    assert "was cancelled, so that it is not run again" in (tmp_path / "c/out.txt").read_text()


def test_work_goes_on_after_the_daemon_of_its_machine_was_killed(slurm, refine, tmp_path):
    job = submit(slurm, tmp_path / "k", [], "refine.py", "seeds=1", "steps=2000", "out=out", *refine)
    until(lambda: at_work(tmp_path / "k"), "a saved state")
    os.kill(slurm.slurmd.pid, signal.SIGKILL)
    slurm.slurmd.wait(10)
    slurm.start_slurmd()
    assert end_of(slurm, job)["JobState"] == "COMPLETED"
    assert (tmp_path / "k/out/results.json").is_file()
