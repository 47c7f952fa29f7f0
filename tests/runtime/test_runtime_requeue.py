"""What is asked of Slurm when it stops a job; a scontrol of the test's own answers."""

import signal

import pytest

from insetgan.runtime.requeue import REQUEUED, job_id, requeue

RUNNING = "JobId=7 JobState=RUNNING Reason=None Requeue=1 Restarts=0 BatchFlag=1 ExitCode=0:0 PreemptTime=None"
ENDING = RUNNING.replace("RUNNING", "COMPLETING")
LIMIT = ENDING.replace("Reason=None", "Reason=TimeLimit")
PREEMPTED = ENDING.replace("PreemptTime=None", "PreemptTime=2026-11-28T10:15:04")


@pytest.fixture
def scontrol(monkeypatch, tmp_path):
    """Puts a scontrol on the path, by what it answers to `show job` and the exit code of `requeue`; gives its calls."""
    for name in ("SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    calls = tmp_path / "calls"

    def install(described, code=0):
        program = tmp_path / "scontrol"
        program.write_text(
            f'#!/bin/sh\necho "$@" >> {calls}\n'
            f"[ $1 = requeue ] && {{ echo refused >&2; exit {code}; }}\necho '{described}'\n"
        )
        program.chmod(0o755)
        return calls

    return install


@pytest.mark.parametrize("described", [RUNNING, LIMIT, PREEMPTED], ids=["grace", "limit", "preempted"])
def test_a_stopped_batch_job_is_run_again(scontrol, described):
    """In the words of Slurm 22.05 for a job that is preempted with a grace time, at its limit, or preempted without."""
    calls = scontrol(described)
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        assert requeue(number) == f"{REQUEUED} 7 again"
    assert calls.read_text().splitlines() == ["show job 7", "requeue 7"] * 3


@pytest.mark.parametrize(
    ("described", "said"),
    [
        (RUNNING.replace("RUNNING", "CANCELLED"), "job 7 was cancelled, so that it is not run again"),
        (ENDING, "job 7 was cancelled, so that it is not run again"),  # what scancel leaves while processes end
        (RUNNING.replace("Requeue=1", "Requeue=0"), "job 7 may not be run again (--no-requeue)"),
        (RUNNING.replace("BatchFlag=1", "BatchFlag=0"), "job 7 is no batch job, so that Slurm cannot run it again"),
        ("", "Slurm does not know job 7, so that it is not run again"),
    ],
)
def test_what_may_not_be_run_again_is_left_alone(scontrol, described, said):
    calls = scontrol(described)
    assert requeue(signal.SIGTERM) == said
    assert "requeue" not in calls.read_text()


def test_what_slurm_refuses_is_said(scontrol):
    scontrol(RUNNING, code=1)
    assert requeue(signal.SIGUSR2) == "Slurm does not run job 7 again: refused"


def test_a_person_is_obeyed_and_one_task_asks_for_all(scontrol, monkeypatch):
    calls = scontrol(RUNNING)
    assert requeue(signal.SIGINT) == requeue(signal.SIGHUP) == ""
    monkeypatch.setenv("SLURM_PROCID", "1")
    assert requeue(signal.SIGTERM) == "the first task asks Slurm to run job 7 again"
    assert not calls.exists()
    monkeypatch.delenv("SLURM_JOB_ID")
    assert requeue(signal.SIGTERM) == ""


def test_a_job_of_an_array_is_named_by_both_numbers(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "10")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    assert job_id() == "10_2"


def test_a_machine_without_scontrol_is_told_of(monkeypatch, tmp_path):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert requeue(signal.SIGTERM) == "Slurm does not know job 7, so that it is not run again"
