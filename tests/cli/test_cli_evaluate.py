"""evaluate.py as a user runs it, on tiny random networks."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]
METHODS = "method=[unconditional,paste,part,joint]"


@pytest.fixture(scope="module")
def finished(command, quick, tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluate") / "out"
    metrics = "metrics=[fid,kid,pr,ids,ppl,lpips_diversity,seam]"
    result = command("evaluate.py", *quick, METHODS, metrics, f"out={out}")
    assert result.returncode == 0, result.stderr
    return out, result.stdout


def test_terminal_says_what_runs_and_ends_with_the_tables(finished):
    out, text = finished
    assert "[1/13] describing real images" in text
    assert "refining joint, psi 0.7: 6 samples" in text
    assert "images/s" in text
    assert "FD (PartsNet)" in text
    assert "InsetGAN (joint)" in text
    assert text.strip().endswith(f"tables:   {out / 'table/table.md'}")


def test_every_file_is_there(finished):
    out, _ = finished
    assert {path.name for path in (out / "table").iterdir()} == {
        "config.yaml", "real.safetensors", "results.json", "sheet.png", "table.csv", "table.md", "table.png", "table.tex",
    }  # fmt: skip
    assert len(list((out / "runs").iterdir())) == 4, "a refinement a method and psi"
    assert len(list((out / "features").iterdir())) == 4 * 2 + 1
    assert Image.open(out / "table/table.png").width > 800


def test_results_have_the_documented_keys(finished):
    results = json.loads((finished[0] / "table/results.json").read_text())
    documented = (ROOT / "docs/evaluate.md").read_text()
    assert "Images made in" not in results["caption"], "which is said of mixed precision only"
    for key in (*results, *results["cells"][0]):
        assert f"`{key}`" in documented, f"docs/evaluate.md says what {key} means"
    assert len(results["cells"]) == 4 * 2 * 2
    for cell in results["cells"]:
        assert cell["n"] + cell["missing"] == 6
        keys = {"fid", "kid", "precision", "recall", "p_ids", "u_ids", "lpips_diversity"}
        keys |= {"ppl"} if (cell["method"], cell["region"]) == ("unconditional", "body") else set()
        if cell["method"] != "unconditional":
            keys |= {"seam", "band", "part_change"} if cell["region"] == "face" else {"body_change"}
        assert set(cell["figures"]) == keys
    assert results["features"] == {"name": "parts", "title": "PartsNet", "num_features": 288}
    assert results["real"]["n"] == {"body": 6, "face": 6}
    assert "n = 6 images a cell" in results["caption"]
    assert "PartsNet (288 numbers)" in results["caption"]


def test_figures_follow_from_the_images_on_the_disk(finished):
    """An independent way: read the refined images, describe them by hand, and measure by the metrics' own functions."""
    from insetgan.evaluation.images import read_image
    from insetgan.metrics.features import PartsFeatures
    from insetgan.metrics.registry import feature_metrics
    from insetgan.weights.store import load_network

    out, _ = finished
    config = (out / "table/config.yaml").read_text()
    network = next(line.split()[-1] for line in config.splitlines() if "name_or_path:" in line)
    extractor = PartsFeatures(load_network(network, kind="parts"))
    folder = next((out / "runs").glob("joint-0.7-*"))
    images = torch.stack([read_image(folder / f"samples/{seed}_refined.png") for seed in range(6)])
    real = load_file(out / "table/real.safetensors")["body"]
    (metric,) = feature_metrics(["fid"], extractor)
    results = json.loads((out / "table/results.json").read_text())
    assert _figure(results, "joint", 0.7, "body", "fid") == pytest.approx(
        metric.measure(real, extractor(images)), rel=1e-3
    )
    records = json.loads((folder / "results.json").read_text())
    assert _figure(results, "joint", 0.7, "face", "seam") == pytest.approx(
        float(torch.tensor([record["seam_after"]["face"] for record in records["samples"]]).double().quantile(0.5)),
        rel=1e-6,
    )


def test_csv_holds_the_same_figures(finished):
    out, _ = finished
    results = json.loads((out / "table/results.json").read_text())
    rows = list(csv.DictReader((out / "table/table.csv").open()))
    assert len(rows) == sum(len(cell["figures"]) for cell in results["cells"])
    for row in rows:
        known = _figure(results, row["method"], float(row["trunc"]), row["region"], row["metric"])
        assert float(row["value"]) == pytest.approx(known, rel=1e-5)
    best = [row for row in rows if (row["metric"], row["trunc"], row["region"]) == ("fid", "0.7", "face")]
    assert min(best, key=lambda row: float(row["value"]))["best"] == "1"


def test_the_same_command_makes_nothing_again(finished, called, quick):
    out, _ = finished
    before = _times(out)
    table = _results(out)
    metrics = "metrics=[fid,kid,pr,ids,ppl,lpips_diversity,seam]"
    again = called("evaluate.py", *quick, METHODS, metrics, f"out={out}")
    assert again.returncode == 0, again.stderr
    assert "describing" not in again.stdout
    assert _times(out) == before
    assert _results(out) == table


def test_other_metrics_reuse_the_samples_and_other_settings_never_mix(finished, evaluate):
    out, _ = finished
    before, runs = _times(out), set((out / "runs").iterdir())
    code, text, _ = evaluate(METHODS, "metrics=[fid]", f"out={out}", "name=fid")
    assert code == 0
    assert "refining" not in text, "the refinements of the other evaluation are used again"
    assert set((out / "runs").iterdir()) == runs
    code, text, _ = evaluate("method=[joint]", "trunc=0.7", "metrics=[fid]", f"out={out}", "name=more", "seed=3")
    assert code == 0
    assert "refining joint, psi 0.7: 6 samples" in text, "other blocks"
    assert {
        path: time for path, time in _times(out).items() if path in before and "features" in str(path)
    }.items() <= before.items()


@pytest.mark.parametrize("kind", ["paste", "unconditional"])
def test_a_paste_read_back_is_the_paste_drawn(finished, evaluate, kind, tmp_path):
    out, _ = finished
    code, _, _ = evaluate(f"method=[{kind}]", "metrics=[fid,seam]", f"out={tmp_path}")
    assert code == 0
    drawn = json.loads((tmp_path / "table/results.json").read_text())
    read = json.loads((out / "table/results.json").read_text())
    for cell in drawn["cells"]:
        for key, figure in cell["figures"].items():
            assert figure["value"] == pytest.approx(_figure(read, kind, cell["trunc"], cell["region"], key), rel=1e-6)


def test_two_processes_give_the_same_table_to_the_last_digit(finished, command, quick, tmp_path):
    out, _ = finished
    shared = ["trainer.devices=2", "trainer.accelerator=cpu"]
    metrics = "metrics=[fid,kid,pr,ids,ppl,lpips_diversity,seam]"
    result = command("evaluate.py", *quick, METHODS, metrics, f"out={tmp_path}", *shared)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("tables:") == 1, "one process speaks"
    for name in ("table.md", "table.csv", "table.tex", "table.png", "sheet.png"):
        assert (tmp_path / "table" / name).read_bytes() == (out / "table" / name).read_bytes(), name
    assert _results(tmp_path) == _results(out)
    made = {path.relative_to(tmp_path) for path in (tmp_path / "features").rglob("*.safetensors")}
    assert made <= {path.relative_to(out) for path in (out / "features").rglob("*.safetensors")}, "under the same names"
    assert len(made) == 4 * 2 * 3 + 1


@pytest.mark.parametrize(
    "stops",
    [
        ["runs/part-*/samples/2.json"],
        pytest.param(
            ["features/real-*/*.json", "runs/part-*/samples/2.json", "features/joint-0.7-*/*2.json"],
            marks=pytest.mark.slow,
        ),
    ],
    ids=["once", "thrice"],
)
def test_killed_in_the_middle(finished, quick, command, tmp_path, stops):
    arguments = [*quick, METHODS, "metrics=[fid,kid,pr,ids,ppl,lpips_diversity,seam]", f"out={tmp_path}"]
    for wanted in stops:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "evaluate.py"), *arguments], cwd=ROOT, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob(wanted)) and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert process.returncode == -signal.SIGKILL, "it was still running"
        before = _times(tmp_path)
        for path in before:
            load_file(path.with_suffix(".safetensors"))
    result = command("evaluate.py", *arguments)
    assert result.returncode == 0, result.stderr
    assert before.items() <= _times(tmp_path).items(), "what stood was not made again"
    for name in ("table.md", "sheet.png"):
        assert (tmp_path / "table" / name).read_bytes() == (finished[0] / "table" / name).read_bytes(), name
    assert _results(tmp_path) == _results(finished[0])


def test_statistics_stand_for_the_images_they_are_of(finished, evaluate, tmp_path):
    out, _ = finished
    code, text, errors = evaluate(
        "method=[unconditional]", f"data.statistics={out}/table/real.safetensors", "metrics=[kid]", f"out={tmp_path}"
    )
    assert code == 0, errors
    assert "describing real" not in text
    found, known = (json.loads((path / "table/results.json").read_text()) for path in (tmp_path, out))
    assert _figure(found, "unconditional", 0.4, "face", "kid") == _figure(known, "unconditional", 0.4, "face", "kid")


def test_statistics_of_more_regions_serve_for_one(finished, evaluate, tmp_path):
    out, _ = finished
    given = ["method=[unconditional]", "metrics=[kid]", "shown=0", f"data.statistics={out}/table/real.safetensors"]
    code, _, errors = evaluate(*given, "regions=[body]", f"out={tmp_path}")
    assert (code, errors) == (0, "")
    found, known = (json.loads((path / "table/results.json").read_text()) for path in (tmp_path, out))
    assert _figure(found, "unconditional", 0.7, "body", "kid") == _figure(known, "unconditional", 0.7, "body", "kid")
    assert found["real"]["n"] == {"body": 6}


def _figure(results, method, trunc, region, key):
    (cell,) = (
        cell for cell in results["cells"] if (cell["method"], cell["trunc"], cell["region"]) == (method, trunc, region)
    )
    return cell["figures"][key]["value"]


def _results(out):
    """What results.json holds, without what made it."""
    results = json.loads((out / "table/results.json").read_text())
    assert {"command", "commit"} <= set(results)
    return {name: value for name, value in results.items() if name not in ("command", "commit")}


def _times(out):
    """Times of the records, which are written last."""
    paths = [*out.glob("runs/*/samples/*.json"), *out.glob("features/*/[0-9]*.json")]
    return {path: path.stat().st_mtime_ns for path in paths}


def test_completion_fills_the_boxes_of_the_start_canvas(finished, evaluate, tmp_path):
    from insetgan.completion.generator import CoModGenerator
    from insetgan.weights.store import save_network

    torch.manual_seed(0)
    small = {"width": 32, "z_dim": 8, "w_dim": 8, "mapping_layers": 1, "channel_base": 128, "channel_max": 8}
    for height, name in ((64, "weights"), (128, "other")):
        save_network(tmp_path / f"{name}.safetensors", CoModGenerator(height=height, **small), kind="comodgan")
    given = [f"method.comodgan.weights={tmp_path}/weights.safetensors", "method.comodgan.trunc=0.5"]
    code, text, errors = evaluate(
        "method=[unconditional,comodgan]", *given, "metrics=[fid,seam]", f"out={tmp_path}/out"
    )
    assert code == 0, errors
    assert "CoModGAN" in text
    results = json.loads((tmp_path / "out/table/results.json").read_text())
    assert _figure(results, "comodgan", 0.7, "body", "body_change") == 0
    assert 0 < _figure(results, "comodgan", 0.7, "face", "band") < 255
    plain = json.loads((finished[0] / "table/results.json").read_text())
    known = _figure(plain, "unconditional", 0.7, "body", "fid")
    assert _figure(results, "unconditional", 0.7, "body", "fid") == pytest.approx(known, rel=1e-9)
    assert _figure(results, "comodgan", 0.7, "body", "fid") != pytest.approx(known, rel=1e-3)
    other = f"method.comodgan.weights={tmp_path}/other.safetensors"
    code, _, errors = evaluate("method=[comodgan]", other, f"out={tmp_path}/out")
    assert code == 2
    assert "completes 128 x 32, the canvas is 64 x 32" in errors
