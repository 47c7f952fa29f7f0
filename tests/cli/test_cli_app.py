"""Mistakes on the command line: one line, exit code 2, no traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from insetgan.cli import job, ready
from insetgan.cli.prepare_config import PrepareConfig
from insetgan.cli.task import Task
from insetgan.runtime.settings import settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "source is not given: add +source=crops or +source=ffhq_align or +source=flowers or "),
        (
            ["+source=peple"],
            "source/peple: no such choice (allowed: crops, ffhq_align, flowers, folder, look, people, photos)",
        ),
        (["+source=people", "data.hight=3"], "data.hight: no such setting"),
        (["+source=people", "ot=3"], "did you mean out?"),
        (["+source=people", "data.height=abc"], "data.height=abc: must be a whole number"),
        (["+source=people", "data.height=2"], "data.height=2: must be at least 32"),
        (["+source=people", "data.image_format=gif"], "must be one of webp, png"),
        (["+source=people", "data.quality=0"], "data.quality=0: must be at least 1"),
        (["+source=people", "data.num_images=0"], "data.num_images=0: must be at least 1"),
        (["+source=people", "source._target_=os.getcwd"], "may be built"),
    ],
)
def test_mistakes(mistake, arguments, says):
    assert says in mistake("prepare.py", *arguments)


def test_unwritable_out_names_the_path(mistake, tmp_path):
    (tmp_path / "file").touch()
    line = mistake("prepare.py", "+source=people", "data.num_images=1", f"out={tmp_path}/file/people.zip")
    assert f"{tmp_path}/file" in line


@pytest.mark.parametrize("script", ["prepare.py", "refine.py", "train.py"])
def test_help_is_quick_and_from_any_folder(script, tmp_path):
    result = subprocess.run(
        [sys.executable, "-X", "importtime", ROOT / script, "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0
    assert "Settings" in result.stdout
    imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert not {"torch", "pytorch_lightning", "anny"} & imported, "heavy packages are imported only for work"


def test_help_may_be_cut_short():
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run([sys.executable, ROOT / "refine.py", "--help"], stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (result.returncode, result.stderr) == (141, b"")


def test_a_bug_of_ours_is_no_mistake_of_the_user(monkeypatch, tmp_path):
    @settings
    class Empty:
        pass

    class Broken(Task):
        def run(self, config):
            raise ValueError("ours")

    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "empty.yaml").write_text("defaults: [empty_schema, _self_]\n")
    monkeypatch.setattr(job, "CONF", tmp_path / "conf")
    monkeypatch.setattr(sys, "argv", ["empty.py"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="ours"):
        job.run_job("empty", [], Broken("empty", [], Empty), print)


class Shown(Task):
    def run(self, config):
        print(config.source)


def test_a_broken_experiment_is_one_line(monkeypatch, tmp_path, capsys):
    (tmp_path / "conf").mkdir()
    (tmp_path / "experiments").mkdir()
    (tmp_path / "conf" / "prepare.yaml").write_text("defaults: [prepare_schema, _self_]\nfinder: null\n")
    (tmp_path / "experiments" / "bad.yaml").write_text("a: [1\nb: }")
    monkeypatch.setattr(job, "CONF", tmp_path / "conf")
    monkeypatch.setattr(ready, "EXPERIMENTS", tmp_path / "experiments")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["prepare.py", "+experiments=bad"])
    with pytest.raises(SystemExit) as end:
        job.run_job("prepare", sys.argv[1:], Shown("prepare", sys.argv[1:], PrepareConfig), print)
    assert end.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and "bad.yaml" in lines[0]
    monkeypatch.setattr(sys, "argv", ["prepare.py", "+source=people"])
    job.run_job("prepare", sys.argv[1:], Shown("prepare", sys.argv[1:], PrepareConfig), print)
    assert capsys.readouterr().out == "people\n", "a file that is not named is not read"
