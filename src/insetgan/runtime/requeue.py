"""A job of Slurm that is told to stop goes back into the queue, and goes on from where it was when its turn comes again.

Slurm requeues by itself only what it kills. A command that saves and leaves within the grace time would be listed as failed,
and its work would be left undone.
"""

import os
import signal
import subprocess
from collections.abc import Mapping

REQUEUED_BY = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)
)  # Windows has the first only
"""Signals by which Slurm announces a preemption or the end of the time limit. An interrupt or a hangup comes from a person."""

SECONDS = 30  # scontrol answers at once, unless the controller is overloaded


def requeue(number: signal.Signals) -> str:
    """Ask Slurm to run this job again, if it is one that Slurm stops before its end.

    Only batch jobs can be requeued. A job that its user cancelled is not, nor one that forbids it (`--no-requeue`). Where a
    job has several tasks the first one asks for all of them.

    Args:
        number: the signal that was received.

    Returns:
        What happened, in words that follow "the work is saved"; empty outside of Slurm, and for signals that a person sends.
    """
    job = job_id()
    if job is None or number not in REQUEUED_BY:
        return ""
    if os.environ.get("SLURM_PROCID", "0") != "0":
        return f"the first task asks Slurm to run job {job} again"
    known = _described(job)
    if not known:
        return f"Slurm does not know job {job}, so that it is not run again"
    if known.get("BatchFlag") != "1":
        return f"job {job} is no batch job, so that Slurm cannot run it again"
    if _is_cancelled(known):
        return f"job {job} was cancelled, so that it is not run again"
    if known.get("Requeue") != "1":
        return f"job {job} may not be run again (--no-requeue)"
    answer = _scontrol("requeue", job)
    if answer is None or answer.returncode:
        why = " ".join(answer.stderr.split()) if answer else "scontrol does not answer"
        return f"Slurm does not run job {job} again: {why}"
    return f"{REQUEUED} {job} again"


REQUEUED = "Slurm runs job"
"""What `requeue` says first where it worked."""


def job_id() -> str | None:
    """The job of Slurm in which this process runs, as scontrol names it; None outside of Slurm."""
    array, task = (os.environ.get(f"SLURM_ARRAY_{name}_ID") for name in ("JOB", "TASK"))
    return f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID")


def _described(job: str) -> dict[str, str]:
    """What Slurm knows of a job; empty where it knows nothing."""
    answer = _scontrol("show", "job", job)
    if answer is None or answer.returncode:
        return {}
    return dict(pair.partition("=")[::2] for pair in answer.stdout.split() if "=" in pair)


def _is_cancelled(known: Mapping[str, str]) -> bool:
    """Whether a person ended the job. While its processes end Slurm calls it COMPLETING, as one at its time limit or preempted.

    These two say why; a job that may use its grace time after a preemption still is RUNNING.
    """
    state = known.get("JobState", "")
    preempted = known.get("PreemptTime", "None") not in ("None", "Unknown")
    return state == "CANCELLED" or (state == "COMPLETING" and known.get("Reason") != "TimeLimit" and not preempted)


def _scontrol(*arguments: str) -> "subprocess.CompletedProcess[str] | None":
    try:
        return subprocess.run(["scontrol", *arguments], capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
