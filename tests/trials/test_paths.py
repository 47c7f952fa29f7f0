"""Paths as users type them: `~`, no home at all, "=" and "," in our own sweep folders, spaces, trailing slashes."""

import os
import pwd
import shutil
from pathlib import Path

import pytest

from insetgan.runtime.errors import UserError
from insetgan.runtime.files import cache_folder
from insetgan.runtime.paths import home_folder, read_path


@pytest.fixture
def homeless(monkeypatch):
    """A user without HOME and without an entry in passwd, as in many containers."""

    def missing(_):
        raise KeyError("uid")

    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", missing)


@pytest.mark.parametrize(
    "typed", ["a", "/a/b", "a b", "caf\u00e9", "x=5,y=3", "a/", "./a", "../a", "$HOME/a", "a~", "[a]", "a#1"]
)
def test_a_path_is_what_was_typed(typed):
    assert read_path(typed) == Path(typed)


def test_a_tilde_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/somewhere")
    assert read_path("~") == Path("/somewhere") and read_path("~/a b") == Path("/somewhere/a b")
    assert read_path("./~") == Path("~") and home_folder() == Path("/somewhere")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "out=: must not be empty"),
        ("  ", "must not be empty"),
        ("a\0b", "must hold no zero byte"),
        ("~nobody_of_that_name/x", "there is no user nobody_of_that_name; write the whole path"),
        (20240501, "out=20240501: must be text, so put it in quotes"),
    ],
)
def test_what_is_no_path_is_one_line(typed, says):
    with pytest.raises(UserError) as caught:
        read_path(typed, key="out")
    assert says in str(caught.value)


def test_no_home_is_said_where_a_home_is_needed(homeless):
    assert home_folder() is None
    with pytest.raises(UserError, match=r"out=~/x: this user has no home folder .* write the whole path, or \./~/x"):
        read_path("~/x", key="out")
    with pytest.raises(UserError, match="XDG_CACHE_HOME=/FOLDER says where"):
        cache_folder()
    assert read_path("x") == Path("x")


def test_a_refinement_and_its_data_need_no_home(homeless, refine, train, body, tmp_path):
    code, _, errors = refine("seeds=0", f"out={tmp_path}/run")
    assert code == 0, errors
    code, _, errors = train(*body, f"out={tmp_path}/trained", "trainer.max_kimg=0.004")
    assert code == 0, errors


@pytest.fixture
def home(monkeypatch, tmp_path, tiny, people):
    """A home folder with weights and data in it."""
    folder = tmp_path / "my home"
    folder.mkdir()
    shutil.copy(people.partition("=")[2], folder / "people.zip")
    for setting in tiny[:3]:
        shutil.copy(setting.partition("=")[2], folder)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def test_a_tilde_in_every_setting_of_refine(home, refine, tmp_path):
    weights = ["canvas.weights=~/body.safetensors", "parts.face.weights=~/face.safetensors"]
    found = ["detector.network.name_or_path=~/parts.safetensors", "perceptual.name_or_path=~/parts.safetensors"]
    code, _, errors = refine("seeds=0", *weights, *found, "out=~/run")
    assert code == 0, errors
    for start in ("canvas.start=~/run", "resume_from=~/run", "parts.face.start=~/run/samples/0.safetensors"):
        code, _, errors = refine("seeds=0", start, "out=~/again", "overwrite=true")
        assert code == 0, errors
    assert {path.name for path in tmp_path.iterdir()} == {"my home"}, "no folder is called ~"
    assert (home / "run" / "sheet.png").exists()


def test_a_tilde_in_every_setting_of_train(home, train, small, tmp_path):
    size = ["+model=body", "data.height=32", "data.width=16", *small]
    code, _, errors = train(*size, "data.path=~/people.zip", "out=~/trained", "trainer.max_kimg=0.004")
    assert code == 0, errors
    more = ["init=~/trained/last.ckpt", "out=~/more", "trainer.max_kimg=0.004"]
    assert train(*size, "data.path=~/people.zip", *more)[0] == 0
    resumed = ["resume=~/trained/last.ckpt", "out=~/resumed", "trainer.max_kimg=0.008"]
    assert train(*size, "data.path=~/people.zip", *resumed)[0] == 0
    assert {path.name for path in tmp_path.iterdir()} == {"my home"}


def test_a_folder_of_a_sweep_can_be_started_from(refine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, errors = refine("-m", "objective.border_l1.weight=5,25", "trunc=0.5", "seeds=0")
    assert code == 0, errors
    runs = [path for path in (tmp_path / "outputs/sweeps").glob("*/*") if path.is_dir() and path.name[0].isdigit()]
    run = min(runs)  # its name is cut to 120 letters
    assert "=" in run.name and "," in run.name
    run = run.relative_to(tmp_path)
    for setting in (
        f"parts.face.start={run}",
        f"parts.face.start={run}/",
        f"resume_from={run}",
        f"canvas.start={run}#0",
    ):
        code, _, errors = refine("seeds=0", setting, "out=again", "overwrite=true")
        assert code == 0, errors


def test_a_folder_whose_name_holds_a_hash(refine, tmp_path):
    assert refine("seeds=0", f"out={tmp_path}/run#1")[0] == 0
    assert refine("seeds=0", f"canvas.start={tmp_path}/run#1", f"out={tmp_path}/a")[0] == 0
    assert refine("seeds=0", f"canvas.start={tmp_path}/run#1#0", f"out={tmp_path}/b")[0] == 0


def test_paths_start_where_the_command_starts(refine, assert_one_line, tmp_path):
    assert_one_line(refine("hydra.job.chdir=true", "seeds=0"), "hydra.job.chdir=true: paths start at the folder")
    assert os.getcwd() != str(tmp_path)
