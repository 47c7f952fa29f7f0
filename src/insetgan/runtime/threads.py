"""Processor threads: how many compute, and what they do while they wait."""

import os


def let_waiting_threads_sleep() -> None:
    """Ask OpenMP to let threads sleep while they wait for one another, unless the environment says otherwise.

    By default they spin, and on a machine that others use a spinning thread holds the processor that the thread it waits for
    needs: beside ten busy programs on two processors a step of refinement then takes six times as long
    (benchmarks/README.md). It must be called before torch computes for the first time, since OpenMP reads the environment
    when it is loaded; commands call it before they import torch.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def processors() -> int:
    """How many processors this process may use, at least 1; a cluster may lend it some of the machine's."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


def limit_threads(number: int | None) -> None:
    """Compute with so many threads, also in the processes that Lightning starts; None leaves it to torch.

    Args:
        number: 1 or more.
    """
    if number is not None:
        import torch  # not at the top: commands set the policy before torch is loaded

        torch.set_num_threads(number)
        os.environ["OMP_NUM_THREADS"] = str(number)
