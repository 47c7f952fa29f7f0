"""The fixtures of tests/cli, which run commands, and those of files that must not run, for what users ran into."""

import importlib.util
import pickle
import sys
from pathlib import Path

import pytest
import yaml

from insetgan.cli.app import entry

ROOT = Path(__file__).resolve().parents[2]
_SPEC = importlib.util.spec_from_file_location("cli_fixtures", Path(__file__).parents[1] / "cli" / "conftest.py")
_FIXTURES = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_FIXTURES)
globals().update({name: value for name, value in vars(_FIXTURES).items() if not name.startswith("_")})


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run a command in this process in a folder of its own: run("train", *overrides) -> (exit code, error lines)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def call(name, *overrides):
        monkeypatch.setattr(sys, "argv", [str(ROOT / f"{name}.py"), *overrides])
        with pytest.raises(SystemExit) as end:
            entry(name)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return end.value.code, captured.err.strip().splitlines()

    return call


class Canary:
    """Leaves a file behind when its pickle is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def canary(tmp_path):
    """The file that must not come into being."""
    path = tmp_path / "canary"
    yield path
    assert not path.exists(), "something ran"


@pytest.fixture
def refused(monkeypatch, capsys, tmp_path, canary):
    """Run a command in an empty folder; it must end in one line that says something: refused(says, name, *overrides)."""
    monkeypatch.chdir(tmp_path)

    def run(says, name, *overrides):
        monkeypatch.setattr(sys, "argv", [str(ROOT / f"{name}.py"), *map(str, overrides)])
        with pytest.raises(SystemExit) as end:
            entry(name)
        output = capsys.readouterr()
        assert end.value.code == 2, output.err
        lines = output.err.strip().splitlines()
        assert len(lines) == 1, output.err
        assert says in lines[0]
        assert not canary.exists(), "something ran"

    return run


@pytest.fixture
def experiment(tmp_path):
    """Write an experiment beside the user; gives the override that names it."""

    def write(settings, name="evil"):
        text = settings if isinstance(settings, str) else yaml.safe_dump(settings)
        (tmp_path / "experiments").mkdir(exist_ok=True)
        (tmp_path / "experiments" / f"{name}.yaml").write_text(text)
        return f"+experiments={name}"

    return write


@pytest.fixture
def poison(tmp_path, canary):
    """A pickle that leaves the canary."""
    path = tmp_path / "poison.pt"
    path.write_bytes(pickle.dumps(Canary(canary)))
    return path


@pytest.fixture
def evil_package(tmp_path, canary, monkeypatch):
    """A package within Python's reach that leaves the canary when it is imported."""
    folder = tmp_path / "reach" / "evil_package"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(f"from pathlib import Path\nPath({str(canary)!r}).touch()\nclass Evil: pass\n")
    monkeypatch.syspath_prepend(str(folder.parent))
    yield "evil_package"
    sys.modules.pop("evil_package", None)


@pytest.fixture
def canary_class():
    """The class whose pickle leaves a file behind."""
    return Canary
