"""What README and docs/ promise: their commands can be typed into any shell, and what they name exists."""

import re
from pathlib import Path

import pytest

from insetgan.refine.schedule import steps_for
from insetgan.refine.terms.paper import PAPER

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *ROOT.glob("*.md"),
    *(
        path
        for folder in ("docs", "experiments", "benchmarks", "src", "notebooks")
        for path in (ROOT / folder).rglob("*.md")
    ),
]
SETTINGS = [path for folder in ("conf", "experiments") for path in (ROOT / folder).rglob("*.yaml")]
SCRIPTS = [*ROOT.glob("*.py"), *(ROOT / "experiments").glob("*.py")]


def commands(text):
    """Command lines in a page, a header or a docstring, without what explains them."""
    whole = text.replace("\\\n", " ")
    for command in re.findall(r"(?:python|insetgan) (?:-m )?[\w./]+(?:\.py)? [^`\n]*", whole):
        yield re.split(r"\s{2,}|\s#", command)[0] if "=" in command else command


def bare_brackets(command):
    """Words of a command in which a bracket stands outside quotes: zsh takes it for a pattern, and finds no file."""
    quote, bare = "", []
    for letter in command:
        if letter in "'\"":
            quote = "" if quote == letter else quote or letter
        elif letter in "[]{}*?" and not quote:
            bare.append(letter)
    return bare


@pytest.mark.parametrize(("command", "bare"), [("a 'b=[1]'", 0), ("a b=[1]", 2), ("""a 'b=["c=[1]"]'""", 0)])
def test_brackets_are_found(command, bare):
    assert len(bare_brackets(command)) == bare


@pytest.mark.parametrize("path", [*PAGES, *SETTINGS, *SCRIPTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_hold_in_every_shell(path):
    text = path.read_text()
    found = [command for command in commands(text) if "=" in command and bare_brackets(command)]
    assert not found, found
    if path.suffix == ".md":
        assert not re.findall(r"`[+~]{0,2}[a-z_.]+=\[[^`]*", text), "a list on its own is typed as it stands, too"


def test_the_sweep_of_readme_is_around_the_default():
    values = re.findall(r"refine.py -m .*objective\.border_l1\.weight=([\d,]+)", (ROOT / "README.md").read_text())
    asked = [float(value) for value in values[0].split(",")]
    default = PAPER["border_l1"].weight
    assert default in asked and max(asked) >= 5 * min(asked), (
        "one is what everybody has, the other differs so that it shows"
    )


def test_the_steps_that_are_said_are_those_that_are_made():
    said = re.search(r"# (\d+), and (\d+) for each further inset", (ROOT / "conf/refine.yaml").read_text())
    assert [int(said[1]), int(said[1]) + 2 * int(said[2])] == [steps_for(1), steps_for(3)]


def test_readme_has_the_change_of_the_face_times_and_where_fid_is():
    readme = (ROOT / "README.md").read_text()
    assert re.search(r"\| change of the face [^|]*\| *\| \d+", readme)
    assert re.search(r"Times on two idle cores", readme)
    assert "no FID tables" not in readme
    assert "features=inception" in readme
