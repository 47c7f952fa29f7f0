"""refine.py as a user runs it, on tiny random networks."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def finished(command, tiny, tmp_path_factory):
    out = tmp_path_factory.mktemp("refine") / "run"
    result = command("refine.py", *tiny, "steps=6", "seeds=[4,0-1]", "batch_size=2", f"out={out}")
    assert result.returncode == 0, result.stderr
    return out, result.stdout


@pytest.fixture
def refine(monkeypatch, capsys, tiny):
    """Run refine.py in this process, which saves the imports: refine(*overrides) -> (exit code, output, errors)."""

    def run(*overrides):
        fixed = any(str(override).endswith("FixedBoxes") for override in overrides)
        shorter = [*(override for override in tiny if not (fixed and override.startswith("detector."))), "steps=4"]
        monkeypatch.setattr(sys, "argv", [str(ROOT / "refine.py"), *shorter, *map(str, overrides)])
        try:
            from insetgan.cli.refine import main

            main()
            code = 0
        except SystemExit as end:
            code = end.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_terminal_ends_with_a_table_and_the_folder(finished):
    out, text = finished
    assert "seam, face" in text
    assert "steps/s" in text
    assert text.strip().endswith(f"folder:   {out}")


def test_results_have_the_documented_keys(finished):
    results = json.loads((finished[0] / "results.json").read_text())
    figures = ["seam_before", "seam_after", "band_before", "band_after"]
    assert [sample["seed"] for sample in results["samples"]] == [4, 0, 1]
    for sample in results["samples"]:
        beside = {
            "name",
            "seed",
            "status",
            "missing",
            "steps",
            "objective",
            "box",
            "part_change",
            "body_change",
            "spread",
        }
        assert set(sample) == {*beside, *figures}
        assert sample["status"] in {"ok", "part_lost"}
        assert sample["steps"] == 6
        assert all(set(sample[name]) == {"face"} for name in ["box", *figures])
    for name in figures:
        values = sorted(sample[name]["face"] for sample in results["samples"])
        assert results["summary"][name]["face"] == values[1], "the summary is the median"


def test_every_file_is_there(finished):
    out, _ = finished
    assert {path.name for path in out.iterdir()} == {
        "config.yaml", "curves.csv", "curves.png", "latents.safetensors", "report.html", "results.json", "samples",
        "settings.txt", "sheet.png",
    }  # fmt: skip
    for seed in (4, 0, 1):
        for name in ("canvas", "paste", "refined"):
            assert Image.open(out / f"samples/{seed}_{name}.png").size == (32, 64)
    latents = load_file(out / "latents.safetensors")
    assert latents["seeds"].tolist() == [4, 0, 1]
    assert latents["canvas.shared"].shape == (3, 8)
    assert latents["face.delta"].shape == (3, 6, 8)
    rows = list(csv.DictReader((out / "curves.csv").open()))
    assert len(rows) == 3 * 7
    assert {"name", "step", "total", "border_l1"} <= set(rows[0])


def test_pictures_agree_with_the_figures(finished):
    out, _ = finished
    sample = json.loads((out / "results.json").read_text())["samples"][0]
    canvas, refined = (np.asarray(Image.open(out / f"samples/4_{name}.png"), float) for name in ("canvas", "refined"))
    x0, y0, x1, y1 = sample["box"]["face"]
    outside = np.ones((64, 32), bool)
    outside[y0:y1, x0:x1] = False
    assert (canvas[outside] == refined[outside]).all()
    thick = max(1, round((x1 - x0) / 8))
    outside[y0 + thick : y1 - thick, x0 + thick : x1 - thick] = True
    assert np.abs(canvas - refined)[~outside].mean() == pytest.approx(sample["band_after"]["face"])


def test_the_same_command_redoes_nothing_and_runs_are_alike(finished, command, tiny, tmp_path):
    out, _ = finished
    before = {path: path.stat().st_mtime_ns for path in (out / "samples").iterdir()}
    again = command("refine.py", *tiny, "steps=6", "seeds=[4,0-1]", "batch_size=2", f"out={out}")
    assert "finished before" in again.stdout
    assert {path: path.stat().st_mtime_ns for path in (out / "samples").iterdir()} == before
    other = command("refine.py", *tiny, "steps=6", "seeds=[4,0-1]", "batch_size=2", f"out={tmp_path}/b")
    assert other.returncode == 0
    for name in ("samples/4_refined.png", "samples/1_refined.png", "curves.csv", "sheet.png"):
        assert (tmp_path / "b" / name).read_bytes() == (out / name).read_bytes(), name


def test_other_settings_do_not_mix(finished, mistake, command, tiny):
    out, _ = finished
    assert "overwrite=true" in mistake("refine.py", *tiny, "steps=5", f"out={out}")


def test_killed_in_the_middle(tiny, command, tmp_path):
    out = tmp_path / "run"
    arguments = [*tiny, "steps=12", "seeds=0-5", "batch_size=1", f"out={out}"]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "refine.py"), *arguments], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while len(list(out.glob("samples/*.safetensors"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    whole = {path: path.stat().st_mtime_ns for path in out.glob("samples/[0-9]*.safetensors")}
    assert 2 <= len(whole) < 6
    for path in whole:
        load_file(path)
        assert Image.open(out / f"samples/{path.stem}_refined.png").load() is not None
    result = command("refine.py", *arguments)
    assert result.returncode == 0, result.stderr
    assert f"{6 - len(whole)} refined" in result.stdout
    assert {path: path.stat().st_mtime_ns for path in whole} == whole
    assert len(json.loads((out / "results.json").read_text())["samples"]) == 6


@pytest.mark.parametrize(("number", "word"), [(signal.SIGTERM, "stopped by SIGTERM"), (signal.SIGINT, "interrupted")])
def test_a_signal_ends_it_and_what_is_done_stands(tiny, tmp_path, number, word):
    out = tmp_path / "run"
    arguments = [*tiny, "steps=12", "seeds=0-99", "batch_size=1", f"out={out}"]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "refine.py"), *arguments],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(out.glob("samples/*.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert errors == f"{word}; what is finished is kept, and the same command goes on from there\n"
    assert not list(out.rglob("*.tmp"))
    assert all(load_file(path) for path in out.glob("samples/*.safetensors"))


def test_a_reader_that_leaves_and_a_full_disk_stop_only_the_talking(tiny, tmp_path):
    arguments = [sys.executable, str(ROOT / "refine.py"), *tiny, "steps=2", "seeds=0-1", "batch_size=1"]
    read, write = os.pipe()
    os.close(read)
    outputs = {"pipe": write}
    if os.path.exists("/dev/full"):
        outputs["full"] = os.open("/dev/full", os.O_WRONLY)
    for name, output in outputs.items():
        process = subprocess.run(
            [*arguments, f"out={tmp_path}/{name}"], stdout=output, stderr=subprocess.PIPE, text=True
        )
        os.close(output)
        assert (process.returncode, process.stderr) == (0, ""), name
        assert (tmp_path / name / "results.json").is_file()


def test_two_processes_share_the_blocks(finished, command, tiny, tmp_path):
    out, _ = finished
    shared = ["trainer.devices=2", "trainer.accelerator=cpu"]
    result = command("refine.py", *tiny, "steps=6", "seeds=[4,0-1]", "batch_size=2", f"out={tmp_path}/b", *shared)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("folder: ") == 1
    for name in ("samples/4_refined.png", "samples/1_refined.png", "results.json", "sheet.png"):
        assert (tmp_path / "b" / name).read_bytes() == (out / name).read_bytes(), name


def test_a_sample_of_another_block_or_without_its_pictures_is_made_again(finished, command, tiny, tmp_path):
    out, _ = finished
    same = [*tiny, "steps=6", "batch_size=2", f"out={tmp_path}"]
    assert command("refine.py", *same, "seeds=0").returncode == 0
    assert command("refine.py", *same, "seeds=[4,0-1]").returncode == 0
    (tmp_path / "samples/1_canvas.png").unlink()
    result = command("refine.py", *same, "seeds=[4,0-1]")
    assert "1 refined" in result.stdout, result.stdout
    for path in (out / "samples").iterdir():
        assert (tmp_path / "samples" / path.name).read_bytes() == path.read_bytes(), path.name


def test_overwriting_touches_only_what_a_refinement_wrote(command, mistake, tiny, tmp_path):
    same = [*tiny, "seeds=0", f"out={tmp_path}"]
    assert command("refine.py", *same, "steps=2").returncode == 0
    (tmp_path / "samples/mine.txt").write_text("kept")
    assert command("refine.py", *same, "steps=3", "overwrite=true").returncode == 0
    assert (tmp_path / "samples/mine.txt").read_text() == "kept"
    (tmp_path / "other").mkdir()
    (tmp_path / "other/config.yaml").write_text("of a training")
    assert "holds another run" in mistake("refine.py", *tiny, f"out={tmp_path}/other")


def test_a_box_that_covers_the_canvas_has_no_seam(command, tiny, tmp_path):
    face = tiny[1].partition("=")[2]
    whole = ["parts.face.placement.margin=30", "parts.face.placement.min_score=0", f"canvas.weights={face}"]
    result = command("refine.py", *tiny, *whole, "steps=2", "seeds=0-1", f"out={tmp_path}")
    assert result.returncode == 0, result.stderr
    results = json.loads((tmp_path / "results.json").read_text(), parse_constant=pytest.fail)
    assert results["summary"]["seam_after"] == {"face": None}
    assert results["summary"]["body_change"] is None


def test_sweep_makes_its_runs_in_one_folder(command, tiny, tmp_path):
    sweep = ["trunc=0.5,0.7", "objective.border_l1.weight=5,25"]
    for said in ("2 refined in", "finished before"):  # the same command finds its folder again
        result = command("refine.py", "-m", *tiny, "steps=2", "seeds=0-1", *sweep, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert result.stdout.count(said) == 4
        (folder,) = (tmp_path / "outputs" / "sweeps").iterdir()
        assert folder.name.startswith("refine-")
        runs = [path.parent for path in folder.glob("*/results.json")]
        assert len(runs) == 4
        assert all((run / "sheet.png").exists() for run in runs)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["trunk=0.7"], "trunk: no such setting; did you mean trunc?"),
        (["trunc=abc"], "trunc=abc: must be a number"),
        (["trunc=-1"], "trunc=-1: must be between 0"),
        (["seeds=9-3"], "runs backwards"),
        (["steps=0"], "steps=0: must be at least 1"),
        (["batch_size=0"], "batch_size=0: must be at least 1"),
        (["objective.bordr_l1.weight=3"], "objective.bordr_l1"),
        (["objective.border_l1.weight=-3"], "objective.border_l1.weight=-3"),
        (["schedule.block=0"], "schedule.block=0"),
        (["+trunk=0.7"], "trunk: no such setting; did you mean trunc?"),
        (["+experiments=foo"], "experiments/foo: no such choice (allowed: ablation, "),
        (["out="], "out=: must not be empty"),
        (["trainer.presicion=16"], "trainer.presicion"),
        (["+trainer.limit_predict_batches=1"], "trainer.limit_predict_batches: no such setting (allowed: accelerator"),
        (["trainer.precision=64-true"], "trainer.precision=64-true: must be one of 32-true, bf16-mixed"),
        (["parts.face.placement=null"], "parts.face: needs weights and placement"),
        (["parts.face.weights=null"], "parts.face: needs weights and placement"),
        (["out=/tmp/caf\u00e9"], "quote special characters"),
        (["canvas.weights=nowhere.safetensors"], "canvas.weights=nowhere.safetensors: no file"),
        (["parts.face.weights=parts"], "parts.face.weights=parts: holds parts, expected generator"),
        (["parts.face.placement.margin=abc"], "parts.face.placement.margin=abc: must be a number"),
        (["canvas.wieghts=body"], "canvas.wieghts: no such setting; did you mean weights?"),
        (["objective.border_l1.weight=abc"], "weight=abc: must be a number"),
        (["objective.border_l1.ramp=3"], "ramp=3: must be a Ramp"),
        (["+objective.new=3"], "objective.new=3: must be a term"),
        (["objective=null"], "must be a string or a list"),
        (["~schedule"], "schedule"),
        (["schedule.canvas_rate=abc"], "schedule.canvas_rate=abc: must be a number"),
        (["trunc=null"], "trunc: must not be empty"),
        (["+parts.face.wieght=face"], "parts.face.wieght: no such setting (allowed: weights"),
        (["+parts.face.mirror=perhaps"], "parts.face."),
        (["canvas.weights=null"], "canvas.weights: must name"),
        (["parts.face.placement._target_=insetgan.nope.X"], "insetgan.nope.X"),
        (
            ["+parts.tail={weights:face,placement:{_target_:insetgan.parts.placement.SquarePlacement}}"],
            "parts.tail: the detector knows face",
        ),
        (["seeds=0-4000000000"], "at most 1000000"),
        (["seeds=[3,3]"], "3 is named twice"),
        (["mode=all"], "mode/all: no such choice (allowed: body_for_part, joint, montage, part)"),
        (["mode.optimise=[face]"], "mode.optimise=face: must be one of canvas, inset"),
        (["mode.terms=[seam]"], "mode.terms=seam: must be one of coarse, border, reg, body, part"),
        (["mode.terms=[part]", "drop=part"], "no term has a weight above 0"),
        (["drop=seam"], "drop=seam: must name a term (coarse_l1"),
        (["parts=[tail]"], "parts/tail: no such choice (allowed: "),
        (["region=circle"], "region=circle: must be one of box, mask"),
        (["composite=blur"], "composite=blur: must be one of paste, feather, mask"),
        (["canvas.space=z"], "canvas.space=z: must be one of w, w+, w*"),
        (["canvas.trunc=3"], "canvas.trunc=3: must be between 0"),
        (["parts.face.trunc=[1,1,1,1,1,1,1,1,1,1,1]"], "the generator has 6 layers"),
        (["keep=2"], "keep=2: must be at most starts=1"),
        (["mode=montage", "starts=2"], "starts=2: in mode=montage all codes are given"),
        (["walk=4", "seeds=3"], "walk=4: needs 1 or more pictures from one seed to the next, and two seeds"),
        (["walk=4", "starts=2"], "walk=4: goes with neither starts= nor video="),
        (["walk=4", "trainer.devices=2"], "trainer.devices: a walk goes on from picture to picture"),
        (["canvas.start=nowhere/at/all"], "canvas.start=nowhere/at/all: no such file or folder"),
        (["parts.face.start=1-3"], "parts.face.start=1-3: names 3 seeds for 8 samples"),
        (["resume_from=nowhere"], "resume_from=nowhere: no such file or folder"),
        (
            [
                "~detector.network",
                "+detector.boxes.face=[1,2,3]",
                "detector._target_=insetgan.parts.detector.FixedBoxes",
            ],
            "detector.boxes.face=",
        ),
        (["schedule.patience=0"], "schedule.patience=0"),
        (["schedule.together=no"], "schedule.together=no: must be true or false"),
        (["schedule.stages=[{until:1.0}]"], "schedule.stages: must be a list of stages"),
        (["schedule.stages.0.until=abc"], "schedule.stages.until=abc: must be a number"),
        (["objective.border_l1.ramp.end=abc"], "ramp.end=abc: must be a number"),
        (["+objective.coarse_l1.sides=canvas"], "sides=canvas: must be a list"),
        (["mode.canvas_rate=-1"], "mode.canvas_rate=-1.0: must be a factor"),
        (["+objective.total={_target_:insetgan.losses.coarse.CoarseL1,weight:1}"], "objective.total: a term cannot"),
        (["resume_from=3"], "resume_from=3: no such file or folder"),
        (["starts=2", "parts.face.start=mean"], "starts=2: what mode=joint varies is given"),
    ],
)
def test_mistakes(refine, assert_one_line, arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert_one_line(refine(*arguments), says)


def test_truncated_weights_and_unwritable_out(mistake, tiny, tmp_path):
    whole = Path(tiny[0].partition("=")[2])
    (tmp_path / "short.safetensors").write_bytes(whole.read_bytes()[:-64])
    assert "cut short" in mistake("refine.py", *tiny, f"canvas.weights={tmp_path}/short.safetensors", cwd=tmp_path)
    (tmp_path / "file").touch()
    says = f"out={tmp_path}/file/run: no folder can be made there (Not a directory)"
    assert says in mistake("refine.py", *tiny, f"out={tmp_path}/file/run", cwd=tmp_path)


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
    code, _, errors = refine(f"objective={preset}", "seeds=0", "steps=8", f"out={tmp_path}/run", "drop=mean_canvas")
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
    assert "difference of those kept" in text
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


def test_a_walk_leaves_its_pictures_and_a_film(refine, tmp_path):
    code, text, errors = refine("walk=3", "seeds=[3,8]", f"out={tmp_path}/run")
    assert code == 0, errors
    assert [row["name"] for row in samples(tmp_path / "run")] == ["0", "1", "2", "3"]
    assert [row["steps"] for row in samples(tmp_path / "run")] == [4, 1, 1, 1]
    assert (tmp_path / "run/walk.mp4").stat().st_size > 1000 and "walk.mp4" in text
    summary = json.loads((tmp_path / "run/results.json").read_text())["summary"]
    assert set(summary["walk"]) == {"before", "after"} and "neighbours differ by" in text
    whole = {path.name: path.read_bytes() for path in (tmp_path / "run/samples").iterdir()}
    for path in (tmp_path / "run/samples").glob("[23]*"):
        path.unlink()
    code, text, errors = refine("walk=3", "seeds=[3,8]", f"out={tmp_path}/run")
    assert code == 0 and "2 refined" in text, errors
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
    fixed = ["~detector.network", "detector._target_=insetgan.parts.detector.FixedBoxes", f"+detector.boxes.face={box}"]
    code, _, errors = refine("detector=parts_net", *fixed, "seeds=0", f"out={tmp_path}/run")
    assert code == 0, errors
    (row,) = samples(tmp_path / "run")
    assert row["status"] == status
    assert row["box"] == ({"face": [6, 6, 22, 22]} if status == "ok" else None)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken", b"\x93NUMPY"])
def test_broken_projections_are_named(refine, assert_one_line, tmp_path, content):
    (tmp_path / "w.npz").write_bytes(content)
    assert_one_line(refine(f"canvas.start={tmp_path}/w.npz"), "holds no latents of canvas that can be read")


def test_one_command_at_a_time_in_a_folder(refine, assert_one_line, tmp_path, monkeypatch):
    from insetgan import files

    with files.hold(tmp_path / "run"):
        monkeypatch.setattr(files.time, "monotonic", lambda: next(clock))
        clock = iter(range(0, 10**9, 100))
        assert_one_line(refine("seeds=0", f"out={tmp_path}/run"), "another command is writing there")


def test_replacing_a_walk_takes_its_film_away(refine, tmp_path):
    assert refine("walk=1", "seeds=[3,8]", f"out={tmp_path}/run")[0] == 0
    code, text, errors = refine("seeds=0", f"out={tmp_path}/run", "overwrite=true")
    assert code == 0, errors
    assert "film" not in text and not (tmp_path / "run/walk.mp4").exists()
