"""What all tests share, and `pytest --doubled`: which comparisons would pass with twice the expected value?"""

import logging
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping

import pytest

if (
    signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
):  # under nohup our commands leave the signal ignored, which has a test
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # two pytest workers on two cores; commands that tests start inherit it
os.environ.setdefault("WANDB_MODE", "offline")
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(
    prefix="insetgan-cache-"
)  # verdicts about images do not outlive the tests

import numpy as np
import torch

from insetgan.runtime.signals import STOP_SIGNALS
from insetgan.runtime.torchvision_guard import guard

guard()
torch.set_num_threads(1)

COMPARED, STILL_PASS = Counter(), Counter()  # by file and line


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _signals():
    """A command that a test calls in this process handles the signals that stop it, and ignores them when it was stopped."""
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


@pytest.fixture(scope="session")
def tiny_networks(tmp_path_factory):
    """Overrides of refine.py that put tiny random networks in the place of the embedded ones, by what they are."""
    from insetgan.detection.parts_net import PartsNet
    from insetgan.networks import Generator
    from insetgan.weights.store import save_network

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("weights")
    shape = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 128, "channel_max": 8}
    save_network(folder / "body.safetensors", Generator(height=64, width=32, **shape), kind="generator")
    save_network(folder / "face.safetensors", Generator(height=16, width=16, **shape), kind="generator")
    parts = PartsNet(working_height=64)
    torch.nn.init.constant_(parts.heat.bias, 1.0)  # an untrained detector that says yes
    save_network(folder / "parts.safetensors", parts, kind="parts")
    return {
        "canvas": f"canvas.weights={folder}/body.safetensors",
        "face": f"parts.face.weights={folder}/face.safetensors",
        "detector": f"detector.network.name_or_path={folder}/parts.safetensors",
        "perceptual": f"perceptual.name_or_path={folder}/parts.safetensors",
    }


@pytest.fixture(autouse=True)
def _root_logger_kept():
    """Take away what a test, or a library that it imports, adds to the root logger: its stream is closed after the test."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    for handler in list(root.handlers):
        if handler not in before and not type(handler).__module__.startswith("_pytest"):
            root.removeHandler(handler)
    root.setLevel(level)


def pytest_addoption(parser):
    parser.addoption("--doubled", action="store_true", help="repeat comparisons with twice the expected value")


def twice(value):
    """Twice a number, tensor or array, or all that a list or dictionary holds."""
    if isinstance(value, Mapping):
        return {key: twice(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(twice, value))
    return None if value is None else value * 2


def has_values(value):
    """Whether anything in it is neither zero nor infinite: only then is twice the value another value."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return any(map(has_values, value))
    if value is None:
        return False
    values = value if torch.is_tensor(value) else torch.as_tensor(np.asarray(value))
    return values.dtype != torch.bool and bool(((values != 0) & values.isfinite()).any())


def note(expected, passes):
    """Count the comparison of the line of the test, and whether `passes()` with twice the expected value."""
    if not has_values(expected):
        return
    frame = sys._getframe()
    while frame and ("/tests/" not in frame.f_code.co_filename or frame.f_code.co_filename == __file__):
        frame = frame.f_back
    place = f"{os.path.relpath(frame.f_code.co_filename)}:{frame.f_lineno}" if frame else "elsewhere"
    COMPARED[place] += 1
    STILL_PASS[place] += passes()


def succeeds(compare, *args, **settings):
    try:
        return compare(*args, **settings) is not False
    except AssertionError:
        return False


class Approx:
    """`pytest.approx`, which asks the comparison a second time with twice the value."""

    __array_ufunc__ = None  # so that an array on the left leaves the comparison to it, as pytest's own does

    def __init__(self, approx, expected, *args, **settings):
        self.expected, self.once = expected, approx(expected, *args, **settings)
        self.again = lambda: approx(twice(expected), *args, **settings)

    def __eq__(self, found):
        if self.once != found:
            return False
        note(self.expected, lambda: self.again() == found)
        return True

    __hash__ = None

    def __repr__(self):
        return repr(self.once)


@pytest.fixture(autouse=True)
def _doubled(request, monkeypatch):
    if not request.config.getoption("--doubled"):
        return
    close, approx = torch.testing.assert_close, pytest.approx

    def assert_close(actual, expected, *args, **settings):
        close(actual, expected, *args, **settings)
        note(expected, lambda: succeeds(close, actual, twice(expected), *args, **settings))

    def allclose(original):
        def compare(found, expected, *args, **settings):
            near = original(found, expected, *args, **settings)
            if near:
                note(expected, lambda: original(found, twice(expected), *args, **settings))
            return near

        return compare

    monkeypatch.setattr(torch.testing, "assert_close", assert_close)
    monkeypatch.setattr(torch, "allclose", allclose(torch.allclose))
    monkeypatch.setattr(np, "allclose", allclose(np.allclose))
    monkeypatch.setattr(pytest, "approx", lambda *args, **settings: Approx(approx, *args, **settings))


def pytest_terminal_summary(terminalreporter, config):
    if not config.getoption("--doubled"):
        return
    terminalreporter.section("comparisons that pass with twice the expected value")
    for place, count in sorted(STILL_PASS.items()):
        if count:
            terminalreporter.line(f"{place}: {count} of {COMPARED[place]}")
    terminalreporter.line(f"{COMPARED.total()} comparisons on {len(COMPARED)} lines were repeated")
