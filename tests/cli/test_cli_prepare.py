"""prepare.py: what it refuses, what it leaves alone, and that a kill costs nothing but time."""

import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("embreex")
pytest.importorskip("anny")

from insetgan.data.archive import Archive
from insetgan_renderers.people import dataset

ROOT = Path(__file__).resolve().parents[2]
TINY = ["+source=people", "data.height=32", "data.num_images=2", "data.workers=1", "data.image_format=png"]


@pytest.fixture
def prepare(in_process, tmp_path):
    """Run prepare.py in this process and an empty folder: prepare(*overrides) -> (exit code, output, errors)."""
    return partial(in_process, "prepare", cwd=tmp_path)


def rendered(*_):
    raise AssertionError("rendered")


@pytest.fixture
def renders_nothing(monkeypatch):
    monkeypatch.setattr(dataset, "_render_one", rendered)


def assert_refused(result, says):
    code, _, errors = result
    assert code == 2
    assert len(errors.strip().splitlines()) == 1
    assert errors.startswith(f"error: {says}"), errors


def test_the_same_command_again_renders_nothing(prepare, monkeypatch, tmp_path):
    code, text, _ = prepare(*TINY)
    assert code == 0
    path = tmp_path / "outputs" / "data" / "people-32x16.zip"
    assert "people-32x16.zip: 2 images of 32 x 16" in text
    before = path.read_bytes()
    monkeypatch.setattr(dataset, "_render_one", rendered)
    code, text, _ = prepare(*TINY)
    assert code == 0
    assert "people-32x16.zip: already made, 2 images of 32 x 16" in text
    assert "rendering" not in text
    assert path.read_bytes() == before


def test_another_archive_is_replaced_only_when_asked(prepare, tmp_path):
    (tmp_path / "a.zip").write_text("mine")
    assert_refused(prepare(*TINY, "out=a.zip"), "out=a.zip: exists already, made otherwise; ")
    assert (tmp_path / "a.zip").read_text() == "mine"
    assert prepare(*TINY, "out=a.zip", "overwrite=true")[0] == 0
    assert len(Archive(tmp_path / "a.zip")) == 2
    refused = prepare(*TINY, "out=a.zip", "data.seed=7")
    assert_refused(refused, "out=a.zip: exists already, made with source=people version=")
    assert "overwrite=true" in refused[2]
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.parametrize("out", ["folder.zip", "file/a.zip", "/proc/none/a.zip", "a.tar"])
def test_an_impossible_out_is_refused_before_rendering(prepare, renders_nothing, tmp_path, out):
    (tmp_path / "folder.zip").mkdir()
    (tmp_path / "file").touch()
    assert_refused(prepare(*TINY, f"out={out}", "overwrite=true"), f"out={out}: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.zip"]


@pytest.mark.parametrize("out", ["out=", "out=' '"])
def test_an_empty_out_is_refused(prepare, renders_nothing, tmp_path, out):
    assert_refused(prepare(*TINY, out), "out=")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "setting",
    [
        "data.num_images=99999999999999999999", "data.num_images=10000001", "data.height=8193", "data.width=8193",
        "data.width=0", "data.workers=0", "data.seed=-1", "data.seed=4294967295",
    ],
)  # fmt: skip
def test_a_number_out_of_its_range_is_refused_before_anything_is_built(prepare, renders_nothing, tmp_path, setting):
    above = setting.endswith(("99999999999999999999", "10000001", "8193"))
    assert_refused(prepare(*TINY, setting), f"{setting}: must be at {'most' if above else 'least'} ")
    assert not list(tmp_path.iterdir())


def test_a_killed_run_goes_on_to_the_same_bytes(command, tmp_path):
    settings = ["+source=people", "data.num_images=6", "data.height=64"]
    assert command("prepare.py", *settings, "data.workers=1", "out=whole.zip", cwd=tmp_path).returncode == 0
    cut = [*settings, "data.workers=2", "out=cut.zip"]
    process = subprocess.Popen([sys.executable, ROOT / "prepare.py", *cut], cwd=tmp_path, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 100
    while len(list(tmp_path.glob("cut.zip.partial/*.webp.json"))) < 2 and time.monotonic() < until:
        assert process.poll() is None, "ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "cut.zip").exists()
    result = command("prepare.py", *cut, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "cut.zip").read_bytes() == (tmp_path / "whole.zip").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.zip", "whole.zip"]


def test_flowers_are_square_and_lie_under_a_name_of_their_own(prepare, tmp_path):
    flowers = ["+source=flowers", *TINY[1:]]
    code, text, _ = prepare(*flowers)
    assert code == 0
    assert "flowers-32x32.zip: 2 images of 32 x 32" in text
    archive = Archive(tmp_path / "outputs" / "data" / "flowers-32x32.zip")
    assert (archive.size, archive.parts, archive.has_boxes) == ((32, 32), ("blossom",), True)
    assert "already made" in prepare(*flowers)[1]
    assert_refused(prepare(*flowers, "data.width=15"), "data.width=15: must be at least ")
