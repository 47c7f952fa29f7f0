"""How many threads compute, and that waiting ones sleep."""

import json
import os
import subprocess
import sys

import pytest
import torch

from insetgan.runtime.threads import let_waiting_threads_sleep, limit_threads, processors


def test_waiting_threads_sleep_unless_the_user_says_otherwise(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    let_waiting_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    let_waiting_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


def test_commands_set_the_policy_before_torch_is_loaded():
    code = (
        "import json, os, sys; sys.argv = ['refine.py', '--version']; from insetgan.cli.app import entry; entry('refine');"
        "print(json.dumps([os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules]))"
    )
    environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    said = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True)
    assert json.loads(said.splitlines()[-1]) == ["PASSIVE", False]


@pytest.fixture
def threads():
    before, named = torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS")
    yield before
    torch.set_num_threads(before)
    os.environ.pop("OMP_NUM_THREADS", None)
    if named is not None:
        os.environ["OMP_NUM_THREADS"] = named


def test_threads_are_limited_here_and_in_processes_that_are_started(threads):
    limit_threads(threads + 1)
    assert torch.get_num_threads() == threads + 1
    assert os.environ["OMP_NUM_THREADS"] == str(threads + 1)
    limit_threads(None)
    assert torch.get_num_threads() == threads + 1


def test_processors_are_those_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert processors() == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    assert processors() == 64
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processors() == 1
