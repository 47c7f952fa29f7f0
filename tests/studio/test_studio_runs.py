"""Finished runs below one folder, and nothing else."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from insetgan.runtime.errors import UserError
from insetgan.studio.runs import RunFolders

RECORD = {
    "name": "3",
    "status": "ok",
    "seam_before": {"face": 6.27},
    "seam_after": {"face": 1.094, "feet": None},
    "band_after": None,
}


def png(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(path)


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "outputs"
    png(root / "refine" / "joint-1" / "sheet.png")
    (root / "refine" / "joint-1" / "results.json").write_text(json.dumps({"samples": [RECORD]}))
    png(root / "sweeps" / "a" / "sweep.png")
    (root / "sweeps" / "a" / "sweep.csv").write_text('run,trunc,n\n"0_trunc=0.5",0.5,8\n')
    (root / "train").mkdir()
    (root / "train" / "results.json").write_text("{}")  # of another command, which has no sheet
    return root


def test_runs_and_sweeps_are_listed_the_newest_first(root):
    os.utime(root / "sweeps" / "a" / "sweep.csv", (1, 1))
    assert RunFolders(root).names() == ["refine/joint-1", "sweeps/a"]
    os.utime(root / "refine" / "joint-1" / "results.json", (0, 0))
    assert RunFolders(root).names() == ["sweeps/a", "refine/joint-1"]


def test_a_run_shows_its_samples_and_pictures(root):
    found = RunFolders(root).open("refine/joint-1")
    assert found.titles == ["sample", "status", "seam before", "seam after", "band after"]
    assert found.rows == [["3", "ok", "face 6.27", "face 1.09", ""]]
    assert [name for name, _ in found.pictures] == ["sheet.png"] and found.pictures[0][1].startswith(b"\x89PNG")


def test_a_sweep_shows_its_table(root):
    found = RunFolders(root).open("sweeps/a")
    assert found.titles == ["run", "trunc", "n"] and found.rows == [["0_trunc=0.5", "0.5", "8"]]
    assert [name for name, _ in found.pictures] == ["sweep.png"]


@pytest.mark.parametrize("name", ["..", "../outside", "/etc", "train", "refine", "", "refine/../../outside"])
def test_nothing_else_can_be_opened(root, name):
    png(root.parent / "outside" / "sheet.png")
    (root.parent / "outside" / "results.json").write_text(json.dumps({"samples": [RECORD]}))
    with pytest.raises(UserError, match="there is no such run"):
        RunFolders(root).open(name)


def test_links_are_not_followed(root):
    png(root.parent / "outside" / "sheet.png")
    (root.parent / "outside" / "results.json").write_text(json.dumps({"samples": [RECORD]}))
    (root / "linked").symlink_to(root.parent / "outside", target_is_directory=True)
    (root / "halfway").mkdir()
    for name in ("sheet.png", "results.json"):
        (root / "halfway" / name).symlink_to(root.parent / "outside" / name)
    assert set(RunFolders(root).names()) == {"refine/joint-1", "sweeps/a"}


@pytest.mark.parametrize("text", ["{", "{}", '{"samples": []}', '{"samples": [3]}'])
def test_a_damaged_run_is_one_line(root, text):
    (root / "refine" / "joint-1" / "results.json").write_text(text)
    with pytest.raises(UserError, match="refine/joint-1: is damaged") as caught:
        RunFolders(root).open("refine/joint-1")
    assert "\n" not in str(caught.value)
