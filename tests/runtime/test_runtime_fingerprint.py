"""Fingerprints change with whatever decides a result, and with nothing else."""

import hashlib
import os
import sys
from pathlib import Path

import pytest

from insetgan.runtime import plugins
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import file_digest, files_of, fingerprint
from insetgan.runtime.provenance import changed_plugins, provenance, with_provenance


def test_plain_values():
    assert fingerprint({"a": 1, "b": [2.5, None]}) == fingerprint({"b": (2.5, None), "a": 1})
    different = [1, 1.5, "1", None, True, [1], {"1": 1}, [1, 2], [2, 1]]
    assert len({fingerprint(value) for value in different}) == len(different)
    with pytest.raises(TypeError):
        fingerprint(Path("x"))
    assert len(fingerprint(1)) == 64


def test_contents_of_files_count_and_not_their_places(tmp_path):
    for name, content in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        (tmp_path / name).write_bytes(content)
    one, same, other = (fingerprint(1, files=[tmp_path / name]) for name in "abc")
    assert one == same != other
    assert fingerprint(1, files=[tmp_path / "a", tmp_path / "c"]) != fingerprint(
        1, files=[tmp_path / "c", tmp_path / "a"]
    )
    with pytest.raises(FileNotFoundError):
        fingerprint(1, files=[tmp_path / "missing"])


def test_a_file_that_changes_is_read_again(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    assert file_digest(path) == hashlib.sha256(b"one").hexdigest()
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert file_digest(path) == hashlib.sha256(b"two").hexdigest()


def test_archives_by_names_sizes_and_times(tmp_path):
    folder = tmp_path / "images"
    (folder / "below").mkdir(parents=True)
    for name in ("0.png", "below/1.png"):
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, ns=(5, 5))
    known = [fingerprint(0, archives=[folder])]
    os.rename(folder, tmp_path / "moved")
    assert fingerprint(0, archives=[tmp_path / "moved"]) == known[0], "its place does not matter"
    folder = tmp_path / "moved"
    os.utime(folder / "0.png", ns=(5, 6))
    known.append(fingerprint(0, archives=[folder]))
    (folder / "below/1.png").write_bytes(b"xy")
    os.utime(folder / "below/1.png", ns=(5, 5))
    known.append(fingerprint(0, archives=[folder]))
    os.rename(folder / "0.png", folder / "2.png")
    known.append(fingerprint(0, archives=[folder]))
    assert len(set(known)) == 4
    (tmp_path / "a.zip").write_bytes(b"zip")
    assert fingerprint(0, archives=[tmp_path / "a.zip"]) != fingerprint(0, archives=[folder])


def test_components_say_which_files_they_read():
    class Network:
        def files(self):
            return ["weights.safetensors"]

    assert files_of(Network(), None, Network()) == [Path("weights.safetensors")] * 2
    with pytest.raises(UserError, match=r"builtins\.int: needs a method files\(\)"):
        files_of(3)


def test_the_code_of_the_users_packages_counts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [str(tmp_path), *sys.path])
    without = fingerprint(1)
    (tmp_path / "my_code.py").write_text("a = 1\n")
    plugins.admit(["my_code"])
    try:
        first = fingerprint(1)
        assert first != without == fingerprint(1, code=False)
        assert provenance()["plugins"].startswith("my_code=")
        (tmp_path / "config.yaml").write_bytes(with_provenance("a: 1\n"))
        assert changed_plugins(tmp_path / "config.yaml") == []
        (tmp_path / "my_code.py").write_text("a = 2\n")
        assert fingerprint(1) not in (first, without)
        assert changed_plugins(tmp_path / "config.yaml") == ["my_code"]
        assert changed_plugins(tmp_path / "none.yaml") == []
    finally:
        plugins.admit([])
    assert fingerprint(1) == without
    assert "plugins" not in provenance()
