"""A package of the user's own in a temporary folder, and commands that are run from there."""

import sys
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest

from insetgan.cli.app import entry

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def networks(tiny_networks):
    """Overrides of refine.py with tiny random networks, by what they are, and the folder of their files."""
    return tiny_networks | {"folder": Path(tiny_networks["canvas"].partition("=")[2]).parent}


@pytest.fixture
def write(tmp_path):
    """Write a file of the user's own: write("my_terms.py", text)."""

    def run(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))

    return run


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Run a command of the project from the user's folder: command("refine", ..., **environment) -> Ended."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(name, *arguments, **environment):
        monkeypatch.setattr(sys, "argv", [str(ROOT / f"{name}.py"), *map(str, arguments)])
        forget_packages()
        with monkeypatch.context() as changed:
            for variable, value in environment.items():
                changed.setenv(variable, value)
            try:
                entry(name)
                code = 0
            except SystemExit as end:
                code = end.code
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    yield run
    forget_packages()


def forget_packages():
    """Import the packages of the tests anew, as another process would."""
    for module in [module for module in sys.modules if module.startswith("my_")]:
        del sys.modules[module]


class Ended(NamedTuple):
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def refine(command, networks):
    """Run two steps of refine.py into the folder run/; networks that are named in `without` are left out."""

    def run(*arguments, without=(), **environment):
        tiny = [networks[name] for name in ("canvas", "face", "detector", "perceptual") if name not in without]
        return command("refine", *tiny, "seeds=0", "steps=2", "schedule.block=1", "out=run", *arguments, **environment)

    return run
