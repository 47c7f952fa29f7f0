"""What all tests share."""

import os
import tempfile

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two pytest workers on two cores; commands that tests start inherit it
os.environ.setdefault("WANDB_MODE", "offline")
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(
    prefix="insetgan-cache-"
)  # verdicts about pictures do not outlive the tests

import torch

from insetgan.runtime.torchvision_guard import guard

guard()
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)
