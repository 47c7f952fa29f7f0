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
        ".lock", "config.yaml", "curves.csv", "curves.png", "latents.safetensors", "refine.log", "report.html",
        "results.json", "samples", "settings.txt", "sheet.png",
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


def test_images_agree_with_the_figures(finished):
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


def test_the_same_command_redoes_nothing_and_runs_are_alike(finished, called, tiny, tmp_path):
    out, _ = finished
    before = {path: path.stat().st_mtime_ns for path in (out / "samples").iterdir()}
    again = called("refine.py", *tiny, "steps=6", "seeds=[4,0-1]", "batch_size=2", f"out={out}")
    assert "finished before" in again.stdout
    assert {path: path.stat().st_mtime_ns for path in (out / "samples").iterdir()} == before
    other = called("refine.py", *tiny, "steps=6", "seeds=[4,0-1]", "batch_size=2", f"out={tmp_path}/b")
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
    while len(list(out.glob("samples/*.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    whole = {path: path.stat().st_mtime_ns for path in out.glob("samples/[0-9]*.json")}
    assert 2 <= len(whole) < 6
    for path in whole:  # the records, which are written last
        load_file(path.with_suffix(".safetensors"))
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
    assert "12/12" in result.stdout, "the steps of both processes are counted"
    for name in ("samples/4_refined.png", "samples/1_refined.png", "sheet.png"):
        assert (tmp_path / "b" / name).read_bytes() == (out / name).read_bytes(), name
    one, other = (json.loads((folder / "results.json").read_text()) for folder in (tmp_path / "b", out))
    assert one.pop("command") != other.pop("command")
    assert one.pop("commit") and other.pop("commit")
    assert one == other


def test_more_processes_than_blocks(finished, command, tiny, tmp_path):
    out, _ = finished
    same = [*tiny, "steps=6", "batch_size=2", f"out={tmp_path}", "trainer.devices=2", "trainer.accelerator=cpu"]
    result = command("refine.py", *same, "seeds=[4,0]")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "samples/4_refined.png").read_bytes() == (out / "samples/4_refined.png").read_bytes()


def test_a_sample_of_another_block_or_without_its_images_is_made_again(finished, called, tiny, tmp_path):
    out, _ = finished
    same = [*tiny, "steps=6", "batch_size=2", f"out={tmp_path}"]
    assert called("refine.py", *same, "seeds=0").returncode == 0
    assert called("refine.py", *same, "seeds=[4,0-1]").returncode == 0
    (tmp_path / "samples/1_canvas.png").unlink()
    result = called("refine.py", *same, "seeds=[4,0-1]")
    assert "1 refined" in result.stdout, result.stdout
    for path in (out / "samples").iterdir():
        assert (tmp_path / "samples" / path.name).read_bytes() == path.read_bytes(), path.name


def test_overwriting_touches_only_what_a_refinement_wrote(called, mistake, tiny, tmp_path):
    same = [*tiny, "seeds=0", f"out={tmp_path}"]
    assert called("refine.py", *same, "steps=2").returncode == 0
    (tmp_path / "samples/mine.txt").write_text("kept")
    assert called("refine.py", *same, "steps=3", "overwrite=true").returncode == 0
    assert (tmp_path / "samples/mine.txt").read_text() == "kept"
    (tmp_path / "other").mkdir()
    (tmp_path / "other/config.yaml").write_text("of a training")
    assert "holds another run" in mistake("refine.py", *tiny, f"out={tmp_path}/other")


def test_a_box_that_covers_the_canvas_has_no_seam(called, tiny, tmp_path):
    face = tiny[1].partition("=")[2]
    whole = ["parts.face.placement.margin=10", "parts.face.placement.min_score=0", f"canvas.weights={face}"]
    result = called("refine.py", *tiny, *whole, "steps=2", "seeds=0-1", f"out={tmp_path}")
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
