"""Every command that README shows works."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = [
    line.partition("  #")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
SHORTER = {  # what makes each entry point quick without changing what it does
    "refine.py": ["steps=4", "seeds=0-1"],
    "evaluate.py": ["num=2", "data.num=8", "bootstrap=0", "batch_size=2", 'refine=["steps=2"]'],
    "train.py": ["trainer.fast_dev_run=true"],
    "complete.py": ["data.last=2"],
    "invert.py": ["steps=2"],
    "generate.py": ["seeds=0-1", "frames=2"],
    "prepare.py": ["data.num_images=3", "data.workers=1"],
}


def test_readme_has_the_two_commands():
    assert "make refine" in COMMANDS
    assert "make test" in COMMANDS


# The page of demo.py stays open until it is closed: tests/cli/test_cli_demo.py.
@pytest.mark.parametrize("line", [c for c in COMMANDS if c.startswith("python ") and c != "python demo.py"])
def test_python_command(line, command, in_process, tmp_path):
    _, script, *arguments = shlex.split(line)
    given = {argument.partition("=")[0] for argument in arguments}
    shorter = [
        override for override in SHORTER[script] if "-m" not in arguments or override.partition("=")[0] not in given
    ]
    if script == "generate.py":  # a mixture and a walk name their seeds, and only a walk has frames
        left_out = "seeds" if {"mix", "walk"} & given else "frames"
        shorter = [
            each for each in shorter if not each.startswith(left_out) and not ("mix" in given and "frames" in each)
        ]
    if "recipe=auto" in arguments:
        shorter += ["recipe.channel_base=512", "recipe.channel_max=16"]
    if "data.path=photos/" in arguments:
        (tmp_path / "photos").mkdir()
        for shade in (60, 120, 180, 240):
            Image.new("RGB", (256, 256), (shade, 90, 255 - shade)).save(tmp_path / "photos" / f"{shade}.png")
        shorter += ["recipe.channel_base=512", "recipe.channel_max=16"]
    arguments = [argument.replace("=docs/", f"={ROOT}/docs/") for argument in arguments]
    if "-m" in arguments:
        result = command(script, *arguments, *shorter, cwd=tmp_path)
        assert result.returncode == 0, result.stdout + result.stderr
    else:  # in this process, which saves the imports
        code, said, errors = in_process(script.removesuffix(".py"), *arguments, *shorter, cwd=tmp_path)
        assert code in (0, None), said + errors


@pytest.mark.parametrize("line", [c for c in COMMANDS if c.startswith("make ")])
def test_make_target_exists(line):
    result = subprocess.run(["make", "-n", *shlex.split(line)[1:]], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_nothing_else_is_shown_as_a_command():
    assert all(c.startswith(("python ", "make ", "git ", "cd ")) for c in COMMANDS), COMMANDS


def test_files_that_readme_names_exist():
    for path in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / path).exists(), path
