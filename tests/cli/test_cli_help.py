"""`--help`: this command's settings and groups, with descriptions and ranges, and nothing heavy is imported for it."""

import subprocess
import sys
from pathlib import Path

import pytest

from insetgan.cli.command import COMMANDS, completion
from insetgan.cli.renamed import KEYS, new_name, renewed

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shown(in_process):
    """Ask for help: shown("refine", "objective") -> its text."""

    def run(command, *topics):
        code, text, errors = in_process(command, "--help", *topics)
        assert (code, errors) == (0, "")
        return text

    return run


def test_help_lists_what_belongs_to_the_command(shown):
    text = shown("refine")
    assert "  trunc=0.7 " in text and "psi of the start latents" in text and "from 0 to 2" in text
    assert "canvas.weights=body" in text, "the value of conf/refine.yaml, where it differs from the class"
    assert "mode=joint" in text and "body_for_part, joint, montage, part" in text
    for foreign in ("recipe=", "+model=", "+source=", "method="):
        assert foreign not in text
    assert "+model=" in shown("train") and "recipe=small" in shown("train")


@pytest.mark.parametrize(
    "command", ["generate", "refine", "train", "evaluate", "complete", "prepare", "convert", "demo"]
)
def test_every_setting_has_a_description(command, shown):
    lines = shown(command).splitlines()
    for at, line in enumerate(lines):
        if line.startswith("  ") and "=" in line.split(" ")[2] and len(line.split()) == 1:
            assert lines[at + 1].startswith(" " * 20), line


def test_help_goes_deeper(shown):
    text = shown("refine", "objective")
    assert "objective=paper" in text and "insetgan.refine.terms.border.BorderL1" in text
    assert "E_8(B(I_A))" in text, "what the term is"
    assert "softness=0.0: " in text and "weight: full weight" in text, "its settings, inherited ones too"
    assert "canvas.start=seed" in shown("refine", "canvas.start")
    assert "together: true" in shown("refine", "schedule=together")


@pytest.mark.parametrize(
    ("topic", "says"),
    [("objektive", "no such setting or group"), ("objective=nothing", "no such choice (allowed: ")],
)
def test_a_topic_that_there_is_not_is_one_line(in_process, topic, says):
    code, text, errors = in_process("refine", "--help", topic)
    assert (code, text, len(errors.splitlines())) == (2, "", 1) and says in errors


def test_help_imports_nothing_heavy():
    for arguments in (["refine", "--help"], ["train", "--help"], ["refine", "--help", "objective"], ["--version"]):
        code = f"import sys; sys.argv[1:] = {arguments}; from insetgan.cli.command import main; main()"
        code += "; print([name for name in ('torch', 'hydra', 'numpy', 'pytorch_lightning') if name in sys.modules])"
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
        assert result.stdout.splitlines()[-1] == "[]", (arguments, result.stderr)


def insetgan(*arguments):
    return subprocess.run([sys.executable, "-m", "insetgan", *arguments], capture_output=True, text=True, cwd=ROOT)


def test_the_program_names_its_commands():
    text = insetgan("--help").stdout
    assert all(name in text for name in COMMANDS) and "Exit codes" in text
    assert insetgan("--version").stdout.startswith("insetgan ")
    wrong = insetgan("refne")
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (2, 1) and "did you mean refine?" in wrong.stderr
    assert insetgan("completion", "fish").returncode == 2


def test_completion_is_a_script_that_bash_accepts():
    assert "complete -o nospace" in completion(["bash"]) and completion(["zsh"]).startswith("autoload")
    assert subprocess.run(["bash", "-n"], input=completion([]), text=True).returncode == 0


def test_old_names_are_said_once(monkeypatch):
    arguments, lines = renewed(["objective=official", "steps=3"], "refine")
    assert arguments == ["preset=official", "steps=3"]
    assert lines == [
        "objective=official is now called preset=official; the old name works in this version for the last time"
    ]
    monkeypatch.setitem(KEYS, "refine", {"schedule.block": "schedule.turn", "canvas": "body"})
    arguments, _ = renewed(["schedule.block=3", "+canvas.start=3", "~canvas", "canvases=3"], "refine")
    assert arguments == ["schedule.turn=3", "+body.start=3", "~body", "canvases=3"]
    assert new_name("canvas", "refine") == "body" and new_name("steps", "refine") is None
    assert renewed(["objective=official"], "train") == (["objective=official"], [])
