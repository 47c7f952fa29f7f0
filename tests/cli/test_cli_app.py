"""Mistakes on the command line: one line, exit code 2, no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "source is not given: add +source=people"),
        (["+source=peple"], "source/peple: no such choice (allowed: people)"),
        (["+source=people", "data.hight=3"], "data.hight: no such setting"),
        (["+source=people", "ot=3"], "did you mean out?"),
        (["+source=people", "data.height=abc"], "data.height=abc: must be a whole number"),
        (["+source=people", "data.height=2"], "data.height=2: must be at least 32"),
        (["+source=people", "data.image_format=gif"], "must be webp or png"),
        (["+source=people", "data.quality=0"], "data.quality=0: must be from 1 to 100"),
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
    assert "Settings and their values now" in result.stdout
    imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert not {"torch", "pytorch_lightning", "anny"} & imported, "heavy packages are imported only for work"
