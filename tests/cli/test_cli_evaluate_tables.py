"""evaluate.py as a user runs it: folders of images, parts that are missing, curves, experiments and sweeps."""

import json

import pytest
from PIL import Image


def test_a_folder_of_images_against_itself(evaluate, people, tmp_path):
    path = people.partition("=")[2]
    code, _, errors = evaluate(
        "method=[folder,unconditional]",
        f"method.folder.path={path}",
        "regions=[body]",
        "metrics=[fid]",
        f"out={tmp_path}",
    )
    assert code == 0, errors
    results = json.loads((tmp_path / "table/results.json").read_text())
    assert [cell["trunc"] for cell in results["cells"]] == [None, 0.7, 0.4]
    assert results["cells"][0]["figures"]["fid"]["value"] == pytest.approx(0, abs=1e-4)
    lines = (tmp_path / "table/table.md").read_text().splitlines()
    shown = next(line for line in lines if line.startswith("| Folder"))
    assert shown.count("**") == 4, "given images stand in the columns of every psi"


def test_a_part_that_nobody_has_is_counted_and_said(evaluate, quick, tmp_path):
    overrides = [quick[0].removesuffix("]") + ',"parts.face.placement.min_score=1.0"]']
    code, _, errors = evaluate(*overrides, "method=[unconditional,joint]", "metrics=[fid,seam]", f"out={tmp_path}")
    assert code == 0, errors
    results = json.loads((tmp_path / "table/results.json").read_text())
    faces = [cell for cell in results["cells"] if cell["region"] == "face"]
    assert [(cell["n"], cell["missing"], cell["figures"]) for cell in faces] == [(0, 6, {})] * 4
    assert "face 6 (joint, psi 0.4)" in results["caption"]
    assert "face 6 (real)" in results["caption"]


def test_a_curve_is_drawn_over_many_truncations(evaluate, tmp_path):
    code, _, errors = evaluate(
        "method=[unconditional,paste]", "trunc=[1,0.8,0.5,0.2]", "metrics=[fid,pr]", f"out={tmp_path}"
    )
    assert code == 0, errors
    assert Image.open(tmp_path / "table/curves.png").height > 600
    text = (tmp_path / "table/table.md").read_text()
    assert "| FD (PartsNet), face \u2193 | psi 1 | psi 0.8 | psi 0.5 | psi 0.2 |" in text


def test_the_experiment_table1_runs(evaluate, tmp_path):
    code, _, errors = evaluate(
        "+experiments=table1", "trainer.devices=1", "trainer.precision=bf16-mixed", f"out={tmp_path}"
    )
    assert code == 0, errors
    lines = (tmp_path / "table1/table.md").read_text().splitlines()
    assert lines[0] == "| FD (PartsNet) \u2193 | psi 0.7, body | psi 0.7, face | psi 0.4, body | psi 0.4, face |"
    assert lines[2].startswith("| Unconditional |")
    assert lines[3].startswith("| InsetGAN (joint) |")
    assert "Images made in bf16-mixed." in lines[-1]


def test_psi_0_is_the_average_image(evaluate, tmp_path):
    plain = ["method=[unconditional]", "metrics=[lpips_diversity]", "regions=[body]", f"out={tmp_path}"]
    assert evaluate(*plain, "trunc=[1.0,0.0]")[0] == 0
    cells = json.loads((tmp_path / "table/results.json").read_text())["cells"]
    figures = {cell["trunc"]: cell["figures"]["lpips_diversity"]["value"] for cell in cells}
    assert figures[1.0] > 0
    assert figures[0.0] == 0


def test_several_initialisations_of_a_refinement_make_no_more_images(evaluate, quick, tmp_path):
    """The generator alone and the naive paste are of the first one, also beside a run that keeps the best one's."""
    plain = ["method=[unconditional,paste]", "metrics=[fid]", "trunc=0.7", "shown=0", "bootstrap=0"]
    twice = [quick[0].removesuffix("]") + ',"starts=2"]', "method=[unconditional,paste,joint]"]
    assert evaluate(*plain, f"out={tmp_path}/once")[0] == 0
    assert evaluate(*plain, *twice, f"out={tmp_path}/twice")[0] == 0
    once, often = (
        json.loads((tmp_path / out / "table/results.json").read_text())["cells"] for out in ("once", "twice")
    )
    assert {cell["n"] + cell["missing"] for cell in often} == {6}
    assert often[: len(once)] == once


def test_the_runs_of_a_sweep_have_tables_of_their_own(command, quick, tmp_path):
    plain = ["method=[unconditional]", "metrics=[fid]", "trunc=0.7", "shown=0", f"out={tmp_path}/out"]
    result = command("evaluate.py", "-m", *quick, *plain, "seed=0,9", f"hydra.sweep.dir={tmp_path}/sweep")
    assert (result.returncode, result.stderr) == (0, "")
    captions = [(tmp_path / f"out/table-{number}/table.md").read_text() for number in (0, 1)]
    assert ["seeds from 0," in captions[0], "seeds from 9," in captions[1]] == [True, True]
