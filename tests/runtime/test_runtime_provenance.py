"""Version, command and commit."""

import subprocess
import sys
from pathlib import Path

import pytest

from insetgan import __version__
from insetgan.runtime import provenance as module
from insetgan.runtime.provenance import provenance, with_provenance

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _fresh():
    module._commit.cache_clear()
    yield
    module._commit.cache_clear()


def test_the_commit_is_gits(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/x/refine.py", "out=a b"])
    known = provenance()
    assert known["version"] == __version__
    assert known["command"] == "refine.py 'out=a b'"
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True).stdout
    if head:
        assert head.startswith(known["commit"].rstrip("+"))
    else:
        assert known["commit"] == "unknown"


def test_a_package_outside_a_checkout_has_no_commit_even_inside_another_project(tmp_path, monkeypatch):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    place = tmp_path / "venv/site-packages/insetgan/runtime/provenance.py"
    monkeypatch.setattr(module, "__file__", str(place))
    assert provenance()["commit"] == "unknown"


def test_a_file_of_settings_is_headed_by_it_and_stays_yaml(monkeypatch):
    import yaml

    monkeypatch.setattr(sys, "argv", ["refine.py", "out=two\nlines: 3"])
    text = with_provenance("seeds: 3\n").decode()
    assert yaml.safe_load(text) == {"seeds": 3}
    assert [line.partition(":")[0] for line in text.splitlines()] == ["# version", "# command", "# commit", "seeds"]
