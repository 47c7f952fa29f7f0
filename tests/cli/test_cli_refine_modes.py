"""The modes, insets, starts and outputs of refine.py, on tiny random networks."""

import csv
import itertools
import json
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from insetgan.refine.module import StepProgress
from insetgan.runtime.errors import Stopped

ROOT = Path(__file__).resolve().parents[2]


def samples(out):
    return json.loads((Path(out) / "results.json").read_text())["samples"]


@pytest.mark.parametrize("mode", ["part", "joint", "body_for_part", "montage"])
def test_modes_move_what_they_say(refine, tmp_path, mode):
    code, _, errors = refine(f"mode={mode}", "seeds=0-1", f"out={tmp_path}/run", "schedule.block=1")
    assert code == 0, errors
    latents = load_file(tmp_path / "run" / "latents.safetensors")
    assert bool(latents["canvas.delta"].any()) == (mode != "part")
    assert latents["face.delta"].any()
    curves = set(next(csv.DictReader((tmp_path / "run" / "curves.csv").open())))
    families = {"part": "", "joint": "body", "body_for_part": "part", "montage": "body part"}[mode].split()
    assert ("body_l1" in curves, "part_l1" in curves) == ("body" in families, "part" in families)
    assert all(sample["body_change"] == 0 for sample in samples(tmp_path / "run")) == (mode == "part")


@pytest.mark.parametrize("preset", ["official", "official_broken", "stylegan_human"])
def test_presets_run(refine, tmp_path, preset):
    code, _, errors = refine(f"preset={preset}", "seeds=0", "steps=8", f"out={tmp_path}/run", "drop=mean_canvas")
    assert code == 0, errors
    if preset != "stylegan_human":  # the canvas in W, the inset in W+
        latents = load_file(tmp_path / "run" / "latents.safetensors")
        assert not latents["canvas.delta"].any()


def test_several_starts_leave_the_best_with_their_difference(refine, tmp_path):
    code, text, errors = refine("mode=body_for_part", "starts=3", "keep=2", "seeds=[4,7]", f"out={tmp_path}/run")
    assert code == 0, errors
    rows = samples(tmp_path / "run")
    assert [row["name"] for row in rows] == ["4-1", "4-2", "7-1", "7-2"]
    assert rows[0]["objective"] <= rows[1]["objective"] and rows[0]["spread"] == rows[1]["spread"] > 0
    first, second = (np.asarray(Image.open(tmp_path / f"run/samples/4-{k}_refined.png"), float) for k in (1, 2))
    assert np.abs(first - second).mean() == pytest.approx(rows[0]["spread"])
    assert re.search(r"spread +│ +│ +\d", text), text
    again = refine("mode=body_for_part", "starts=3", "keep=2", "seeds=[4,7]", f"out={tmp_path}/run")
    assert "finished before" in again[1]


def test_hands_are_two_placements_of_one_generator(refine, tiny, tmp_path):
    face = next(override for override in tiny if override.startswith("parts.face.weights=")).partition("=")[2]
    weights = [f"parts.{part}.weights={face}" for part in ("hand_left", "hand_right", "feet")]
    code, _, errors = refine("parts=[face,hands,feet]", *weights, "seeds=0-1", f"out={tmp_path}/run")
    assert code == 0, errors
    for row in samples(tmp_path / "run"):
        assert set(row["seam_after"]) == {"face", "hand_left", "hand_right", "feet"}


def test_a_run_goes_on_from_another(refine, tmp_path):
    assert refine("seeds=3-4", f"out={tmp_path}/first")[0] == 0
    code, _, errors = refine("seeds=3-4", f"resume_from={tmp_path}/first", "steps=1", f"out={tmp_path}/second")
    assert code == 0, errors
    first, second = (samples(tmp_path / name) for name in ("first", "second"))
    for before, after in zip(first, second, strict=True):
        assert after["objective"] <= before["objective"] * 1.2 + 1e-3
    refined = (
        np.asarray(Image.open(tmp_path / f"first/samples/3_{name}.png"), float) for name in ("refined", "canvas")
    )
    paste = np.asarray(Image.open(tmp_path / "second/samples/3_paste.png"), float)
    assert np.abs(next(refined) - paste).mean() < 0.5, "it begins where the first one ended"
    given = f"{tmp_path}/first#4"
    code, _, errors = refine(
        "seeds=3", "mode=montage", f"parts.face.start='{given}'", "canvas.start=9", f"out={tmp_path}/third"
    )
    assert code == 0, errors


def test_a_run_that_goes_on_from_another_may_grow_and_follows_it(refine, tmp_path):
    first = ("seeds=3-5", f"out={tmp_path}/first", "batch_size=1")
    assert refine(*first)[0] == 0
    onward = (f"resume_from={tmp_path}/first", "steps=1", f"out={tmp_path}/second", "batch_size=1")
    assert refine("seeds=3-4", *onward)[0] == 0
    code, text, errors = refine("seeds=3-5", *onward)
    assert code == 0 and "1 refined" in text, errors
    assert refine(*first, "trunc=0.4", "overwrite=true")[0] == 0
    code, text, errors = refine("seeds=3-5", *onward)
    assert code == 0 and "3 refined" in text, errors


def test_a_walk_leaves_its_images_and_a_film(refine, tmp_path):
    code, text, errors = refine("walk=3", "seeds=[3,8]", f"out={tmp_path}/run")
    assert code == 0, errors
    assert [row["name"] for row in samples(tmp_path / "run")] == ["3", "3-to-8-1", "3-to-8-2", "8"]
    assert [row["seed"] for row in samples(tmp_path / "run")] == [3, None, None, 8]
    assert load_file(tmp_path / "run/latents.safetensors")["seeds"].tolist() == [3, -1, -1, 8]
    assert [row["steps"] for row in samples(tmp_path / "run")] == [4, 1, 1, 1]
    assert (tmp_path / "run/walk.mp4").stat().st_size > 1000 and "walk.mp4" in text
    summary = json.loads((tmp_path / "run/results.json").read_text())["summary"]
    assert set(summary["walk"]) == {"before", "after"} and "neighbours differ by" in text
    whole = {path.name: path.read_bytes() for path in (tmp_path / "run/samples").iterdir()}
    for path in (tmp_path / "run/samples").glob("3-to-8-2*"):
        path.unlink()
    code, text, errors = refine("walk=3", "seeds=[3,8]", f"out={tmp_path}/run")
    assert code == 0 and "1 refined" in text, errors
    assert {path.name: path.read_bytes() for path in (tmp_path / "run/samples").iterdir()} == whole


def test_a_video_of_the_optimisation(refine, tmp_path):
    code, _, errors = refine("video=true", "seeds=0-1", f"out={tmp_path}/run")
    assert code == 0, errors
    for seed in (0, 1):
        assert (tmp_path / f"run/samples/{seed}.mp4").stat().st_size > 1000


def test_masks_from_parts_net(refine, tmp_path):
    code, _, errors = refine("region=mask", "composite=mask", "seeds=0-1", f"out={tmp_path}/run")
    assert code == 0, errors


def test_feathers_leave_the_outside_alone(refine, tmp_path):
    code, _, errors = refine("composite=feather", "seeds=0", f"out={tmp_path}/run")
    assert code == 0, errors
    (row,) = samples(tmp_path / "run")
    x0, y0, x1, y1 = row["box"]["face"]
    canvas, refined = (
        np.asarray(Image.open(tmp_path / f"run/samples/0_{n}.png"), float) for n in ("canvas", "refined")
    )
    inside = np.zeros((64, 32), bool)
    inside[y0:y1, x0:x1] = True
    assert (canvas[~inside] == refined[~inside]).all()


@pytest.mark.parametrize(("box", "status"), [("[8,8,20,20]", "ok"), ("[80,80,99,99]", "no_part_found")])
def test_a_fixed_box_and_one_outside_the_canvas(refine, tmp_path, box, status):
    fixed = [
        "~detector.network",
        "detector._target_=insetgan.detection.detector.FixedBoxes",
        f"+detector.boxes.face={box}",
    ]
    code, _, errors = refine("detector=parts_net", *fixed, "seeds=0", f"out={tmp_path}/run")
    assert code == 0, errors
    (row,) = samples(tmp_path / "run")
    assert row["status"] == status
    assert row["box"] == ({"face": [6, 6, 22, 22]} if status == "ok" else None)


def test_replacing_a_walk_takes_its_film_away(refine, tmp_path):
    assert refine("walk=1", "seeds=[3,8]", f"out={tmp_path}/run")[0] == 0
    code, text, errors = refine("seeds=0", f"out={tmp_path}/run", "overwrite=true")
    assert code == 0, errors
    assert "film" not in text and not (tmp_path / "run/walk.mp4").exists()


@pytest.mark.parametrize("extra", [["video=true"], ["walk=2"]], ids=["film", "walk"])
def test_an_interrupted_block_goes_on_from_its_own_step(refine, tmp_path, monkeypatch, extra):
    pytest.importorskip("imageio_ffmpeg")
    monkeypatch.setattr("insetgan.refine.block_state.EVERY", 0.0)  # a save at every step
    options = ["seeds=0-1", "steps=12", "schedule.block=2", *extra]
    assert refine(*options, f"out={tmp_path}/whole")[0] == 0
    passed, real = itertools.count(1), StepProgress._step

    def interrupted(self, step):
        real(self, step)
        if next(passed) in (5, 8):
            raise Stopped(signal.SIGTERM)

    monkeypatch.setattr(StepProgress, "_step", interrupted)
    word = "image 0" if extra == ["walk=2"] else "seed 0 and 1 more"
    said = []
    for code in (143, 143, 0):
        found, output, errors = refine(*options, f"out={tmp_path}/broken")
        assert found == code, errors
        said += [line for line in output.splitlines() if line.startswith("going on")]
    assert said == [f"going on with {word} after step {step}" for step in (5, 8)]
    ours, theirs = (
        {path.name: path.read_bytes() for path in (tmp_path / name / "samples").iterdir()}
        for name in ("broken", "whole")
    )
    assert ours == theirs and len(ours) >= 8
    assert not (tmp_path / "broken" / ".partial").exists()


def test_what_a_stopped_command_leaves_is_removed_once_another_batch_size_has_finished_it(
    refine, tmp_path, monkeypatch
):
    monkeypatch.setattr("insetgan.refine.block_state.EVERY", 0.0)  # a save at every step
    real = StepProgress._step

    def interrupted(self, step):
        real(self, step)
        if step.index == 2:
            raise Stopped(signal.SIGTERM)

    options = ["seeds=0-1", f"out={tmp_path}/run"]
    with monkeypatch.context() as changed:
        changed.setattr(StepProgress, "_step", interrupted)
        assert refine(*options, "batch_size=2")[0] == 143
    assert [path.name for path in (tmp_path / "run" / ".partial").iterdir()] == ["seed-0-and-1-more"]
    code, output, errors = refine(*options, "batch_size=1")
    assert code == 0, errors
    assert "1 half-done block of another batch_size removed" in output
    assert not (tmp_path / "run" / ".partial").exists()
