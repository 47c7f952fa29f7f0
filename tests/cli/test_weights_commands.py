"""Every command that docs/weights.md shows has settings that exist."""

import re
import shlex
from pathlib import Path

import pytest

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "weights.md").read_text()
COMMANDS = sorted({line.strip() for line in re.findall(r"^(?:HF_TOKEN=\S+ )?(python \w+\.py .*)$", TEXT, re.MULTILINE)})
COMMANDS += re.findall(r"`(python \w+\.py [^`]*)`", TEXT)
COMMANDS = [line for line in COMMANDS if "in=FILE" not in line]


def test_there_are_some():
    assert len(COMMANDS) > 15


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_composes(line, in_process, tmp_path):
    _, script, *arguments = shlex.split(line)
    code, text, errors = in_process(script.removesuffix(".py"), *arguments, "--cfg", "job", cwd=tmp_path)
    assert code == 0 and text, errors
