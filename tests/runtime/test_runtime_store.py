"""Result folders: whole results of these settings, or nothing; whatever happens to their files."""

import errno
import json
import os
import shutil
import subprocess
import sys

import pytest

from insetgan.runtime.errors import UserError
from insetgan.runtime.files import lock_folder, write_whole
from insetgan.runtime.fingerprint import fingerprint
from insetgan.runtime.record import seal, unseal
from insetgan.runtime.store import MARKER, Layout, ResultFolder

LAYOUT = Layout("bake", "cakes", r"\d+(\.json|\.bin|_top\.png)", folder="cakes", gathered=("all.txt",))
MARK, OTHER = fingerprint("these"), fingerprint("others")
PIECES = {"1.bin": b"sponge", "1_top.png": b"icing"}


def folder(path, mark=MARK, **options):
    return ResultFolder(path, mark, LAYOUT, **options)


@pytest.fixture
def baked(tmp_path):
    """A folder with one result."""
    store = folder(tmp_path / "out")
    with store.open():
        store.add("1", PIECES, depends={"block": [1, 2]}, data={"weight": 0.1})
        store.write("all.txt", b"one cake")
    return store


def test_a_result_comes_back(baked):
    assert baked.finished("1")
    assert baked.finished("1", {"block": (1, 2)}), "a tuple is a list in JSON"
    assert not baked.finished("1", {"block": [1]})
    assert not baked.finished("2")
    assert baked.data("1") == {"weight": 0.1}
    assert (baked.results / "1.bin").read_bytes() == b"sponge"
    assert baked.path / "cakes" == baked.results
    with folder(baked.path).open():
        assert folder(baked.path).finished("1")


def test_a_piece_that_is_written_by_a_function_has_its_checksum_too(tmp_path):
    store = folder(tmp_path)
    store.claim()
    store.add("1", {"1.bin": lambda path: path.write_bytes(b"long film")})
    assert store.finished("1")
    (store.results / "1.bin").write_bytes(b"long fiml")
    assert not store.finished("1")


DAMAGE = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "emptied": lambda path: path.write_bytes(b""),
    "flipped": lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b" "),
    "deleted": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("name", ["1.bin", "1_top.png", "1.json"])
def test_whatever_piece_is_damaged_the_result_is_unfinished_and_made_again(baked, name, damage):
    path = baked.results / name
    damage(path)
    assert not baked.finished("1")
    with pytest.raises(UserError, match=r"result 1 .*the same command makes it again"):
        baked.require(["1"])
    if path.is_dir():
        path.rmdir()
    with folder(baked.path).open():
        baked.add("1", PIECES)
    assert baked.finished("1")


def test_a_record_of_another_result_or_of_other_settings_counts_for_nothing(baked, tmp_path):
    baked.add("2", {"2.bin": b"bread"})
    shutil.copy(baked.results / "2.json", baked.results / "1.json")
    assert not baked.finished("1"), "the record names another's pieces"
    other = folder(tmp_path / "other", OTHER)
    other.claim()
    other.add("1", PIECES)
    shutil.copy(other.results / "1.json", baked.results / "1.json")
    assert not baked.finished("1")


@pytest.mark.parametrize("damage", list(DAMAGE.values())[:5], ids=list(DAMAGE)[:5])
def test_a_damaged_marker_is_written_again_where_the_results_tell_whose_it_is(baked, damage):
    whole = (baked.path / MARKER).read_bytes()
    damage(baked.path / MARKER)
    with folder(baked.path).open():
        assert (baked.path / MARKER).read_bytes() == whole
        assert baked.finished("1")
    damage(baked.path / MARKER)
    with pytest.raises(UserError, match="choose another folder"), folder(baked.path, OTHER).open():
        pass
    assert baked.finished("1")


def test_other_settings_are_refused_and_overwriting_removes_only_what_is_ours(baked):
    (baked.results / "notes.txt").write_text("mine")
    with (
        pytest.raises(UserError, match=r"holds cakes of other settings.*overwrite=true"),
        folder(baked.path, OTHER).open(),
    ):
        pass
    assert baked.finished("1")
    again = folder(baked.path, OTHER, overwrite=True)
    with again.open():
        assert sorted(path.name for path in again.results.iterdir()) == ["notes.txt"]
        assert not (baked.path / "all.txt").exists()
        again.add("1", PIECES)
    with folder(baked.path, OTHER).open():
        assert again.finished("1")


def test_overwriting_makes_results_of_the_same_settings_again(baked):
    with folder(baked.path, overwrite=True).open():
        assert not baked.finished("1")


def test_folders_of_something_else_are_refused_and_stay_as_they_are(tmp_path):
    cases = {
        "config.yaml": (b"lr: 1\n", "holds another run"),
        MARKER: (b"my own settings\n", "of something else"),
    }
    for number, (name, (content, said)) in enumerate(cases.items()):
        path = tmp_path / str(number)
        path.mkdir()
        (path / name).write_bytes(content)
        for overwrite in (False, True):
            with pytest.raises(UserError, match=said), folder(path, overwrite=overwrite).open():
                pass
        assert (path / name).read_bytes() == content
    kind = ResultFolder(tmp_path / "fry", MARK, Layout("fry", "chips", r"\d+\.json"))
    kind.claim()
    with pytest.raises(UserError, match="holds results of fry, not of bake"), folder(kind.path).open():
        pass


@pytest.mark.parametrize("marker", ["0" * 64, "completion " + "a" * 64])
def test_folders_of_the_version_before_are_refused_by_name(tmp_path, marker):
    (tmp_path / "cakes").mkdir()
    (tmp_path / "cakes/1.bin").touch()
    (tmp_path / MARKER).write_text(marker)
    with (
        pytest.raises(UserError, match=r"of an earlier version.*choose another folder, or replace"),
        folder(tmp_path).open(),
    ):
        pass
    assert (tmp_path / "cakes/1.bin").exists()
    with folder(tmp_path, overwrite=True).open():
        assert not (tmp_path / "cakes/1.bin").exists()


def test_what_killed_writers_left_is_removed_but_not_in_the_folders_of_others(tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path; from insetgan.runtime.files import write_whole\n"
        "write_whole(Path(sys.argv[1]), lambda p: (p.write_bytes(b'half'), os.kill(os.getpid(), signal.SIGKILL)))"
    )
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/.lock").touch()
    for name in ("cakes/1.bin", "theirs/2.bin"):
        subprocess.run([sys.executable, "-c", code, str(tmp_path / name)])
    assert len(list(tmp_path.rglob("*.tmp"))) == 2
    with folder(tmp_path).open():
        assert [path.parent.name for path in tmp_path.rglob("*.tmp")] == ["theirs"]


def test_a_folder_that_is_removed_midway_is_one_line(tmp_path):
    store = folder(tmp_path / "out")
    with store.open():
        store.add("1", PIECES)
        shutil.rmtree(store.path)
        with pytest.raises(UserError, match="the folder was removed while"):
            store.add("2", PIECES)
        assert not store.path.exists(), "it is not made again behind the user's back"
        with pytest.raises(UserError, match="result 1 is missing"):
            store.data("1")


def test_two_commands_never_share_a_folder(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from insetgan.runtime.files import lock_folder\n"
        "with lock_folder(Path(sys.argv[1])): print('locked', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(UserError, match="another command is writing there"), lock_folder(tmp_path, patience=0.3):
            pass
    finally:
        other.kill()
        other.wait()
    with lock_folder(tmp_path, patience=5):
        pass


def test_a_folder_that_cannot_be_written_to_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below", "/proc/out"):
        with pytest.raises(UserError, match=r"out=.*no folder can be made there"), folder(path).open():
            pass

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", ".lock")

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)  # root may write to everything
    with pytest.raises(UserError, match=r"cannot be written to \(Permission denied\)"), folder(tmp_path / "new").open():
        pass


def test_a_full_disk_names_the_path_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "big.bin"
    path.write_bytes(b"old")
    code = (
        "import resource, sys; from pathlib import Path; from insetgan.runtime.files import write_whole\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write_whole(Path(sys.argv[1]), bytes(2000))\n"
        "except OSError as error: print(error.filename, error.strerror)\n"
    )
    said = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True).stdout
    assert said == f"{path} {os.strerror(errno.EFBIG)}\n"
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["big.bin"]


def test_errors_about_other_files_keep_their_names(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        write_whole(tmp_path / "a", lambda beside: (tmp_path / "missing").read_bytes())
    assert caught.value.filename == str(tmp_path / "missing")


def test_the_state_of_an_unfinished_result(tmp_path):
    store = folder(tmp_path)
    with store.open():
        write_whole(store.partial("1-2"), b"step 154")
        write_whole(store.partial("3"), b"step 2")
        store.remove_partial("1-2")
        assert not store.partial("1-2").exists()
        store.remove_partial("1-2")
    with folder(tmp_path).open():
        assert store.partial("3").read_bytes() == b"step 2"
    with folder(tmp_path, OTHER).open():
        assert not store.partial("3").exists(), "of other settings"


def test_a_seal_tells_every_change():
    value = {"a": [1, 2.5, None, "é"], "b": {"nan": float("nan")}}
    sealed = seal(value)
    assert json.dumps(unseal(sealed)) == json.dumps(value)
    for place in range(len(sealed)):
        assert unseal(sealed[:place]) is None
        for bit in range(8):
            assert unseal(sealed[:place] + bytes([sealed[place] ^ (1 << bit)]) + sealed[place + 1 :]) is None
