"""A composition of the page is a run of refine.py: the command that the page shows makes the same bytes."""

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from insetgan.cli.demo_refiner import PageRefiner
from insetgan.runtime.errors import UserError
from insetgan.studio.job import Job
from insetgan.studio.line import Line
from insetgan.studio.outcome import Outcome
from insetgan.studio.preview import Halted, PreviewMaker
from insetgan.studio.wish import Wish

ROOT = Path(__file__).resolve().parents[2]


def quiet():
    return PreviewMaker(lambda preview: None, lambda: False)


def command_line(job, always, folder):
    """Run what the page shows, with the tiny networks, in a process of its own."""
    words = [sys.executable, str(ROOT / "refine.py"), *job.words(), *always, "out=out"]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=200)


@pytest.mark.parametrize("pictures", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_command_makes_the_same_bytes(refiner, always, tmp_path, pictures):
    own = {}
    if pictures:
        always = [*always, "invert.start=mean", "invert.steps=2"]
        refiner = PageRefiner(always)
        pixels = np.random.RandomState(0).randint(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "own face.png")
        own = {"face": tmp_path / "own face.png"}
    mode = "montage" if pictures else "joint"
    job = Job(Wish(body=3, face=5, psi=0.6, steps=6, mode=mode), own, {name: path.name for name, path in own.items()})
    overrides = job.wish.overrides({name: str(path) for name, path in own.items()})
    seen = []
    folder = refiner(overrides, tmp_path / "page", PreviewMaker(seen.append, lambda: False), job.say)
    outcome = Outcome.of(folder)
    assert seen[-1].step == 6 and job.words() == job.wish.overrides({name: path.name for name, path in own.items()})
    assert shlex.split(shlex.join(job.words())) == job.words()
    result = command_line(job, always, tmp_path)
    assert result.returncode == 0, result.stderr
    theirs = tmp_path / "out" / "samples" / "3_refined.png"
    assert Image.open(theirs).size == (32, 64)
    if pictures:  # a text chunk of the file names the run, and the run's settings hold the path
        assert np.array_equal(np.asarray(Image.open(theirs)), np.asarray(Image.open(outcome.after)))
    else:
        assert theirs.read_bytes() == outcome.after.read_bytes()
        assert {file.name for file in outcome.files} == {
            "3_refined.png", "latents.safetensors", "config.yaml", "results.json"
        }  # fmt: skip
        assert "face: seam" in outcome.figures()
        settings = (folder / "config.yaml").read_text()
        assert "# command: refine.py " in settings and " mode=joint seeds=3 " in settings.splitlines()[1]
    assert Image.open(outcome.before).size == (32, 64) and outcome.change().startswith(b"\x89PNG")


def test_what_the_command_refuses_is_one_line(refiner, tmp_path):
    with pytest.raises(UserError, match=r"canvas.image=.*nothing.png") as caught:
        refiner(Wish().overrides({"canvas": str(tmp_path / "nothing.png")}), tmp_path / "page", quiet(), print)
    assert "\n" not in str(caught.value)


def test_a_stop_comes_through_the_trainer(refiner, tmp_path):
    with pytest.raises(Halted):
        refiner(Wish(steps=50).overrides(), tmp_path / "page", PreviewMaker(lambda preview: None, lambda: True), print)


def test_the_line_carries_it_out_in_its_own_thread(refiner, tmp_path):
    line = Line(refiner, tmp_path)
    job = line.join(Job(Wish(steps=2)))
    line._thread.join(timeout=0.01)
    while not job.over:
        line._thread.join(timeout=0.05)
    line.close()
    assert job.state == "done", job.problem
    assert any("left out by mode=joint" in line for line in job.said)
