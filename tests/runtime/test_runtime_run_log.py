"""The log file holds what was said before and while it was open, across starts, and never stops the work."""

import errno
import logging
import re
import signal
import sys

import pytest

from insetgan.runtime.errors import Stopped, UserError
from insetgan.runtime.fingerprint import fingerprint
from insetgan.runtime.run_log import log_to, note
from insetgan.runtime.store import Layout, ResultFolder


def lines(path):
    """The lines without their times, which each of them has."""
    found = path.read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", line) for line in found)
    return [line[20:] for line in found]


def test_lines_before_the_folder_existed_come_first_and_a_second_start_appends(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py", "+model=face"])
    path = tmp_path / "train.log"
    with log_to(tmp_path / "other.log"):
        pass  # takes what other tests left waiting
    note("training face")
    with log_to(path):
        note("kimg 0.1\nkimg 0.2")
    note("after the file was closed")
    with log_to(path):
        note("going on")
    first, second, *rest = lines(path)
    assert first.startswith("insetgan ") and first.endswith(": train.py +model=face")
    assert [second, *rest[:2]] == ["training face", "kimg 0.1", "kimg 0.2"]
    assert rest[3:] == ["after the file was closed", "going on"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UserError("lr=0: must be above 0"), "error: lr=0: must be above 0"),
        (Stopped(signal.SIGTERM), "stopped by SIGTERM"),
    ],
)
def test_what_ends_a_run_is_its_last_line(tmp_path, error, said):
    with pytest.raises(type(error)), log_to(tmp_path / "run.log"):
        raise error
    assert lines(tmp_path / "run.log")[-1] == said


def test_a_bug_leaves_its_traceback(tmp_path):
    with pytest.raises(ZeroDivisionError), log_to(tmp_path / "run.log"):
        raise ZeroDivisionError("by nought")
    text = (tmp_path / "run.log").read_text()
    assert "Traceback" in text and "ZeroDivisionError: by nought" in text


class Full:
    """A file on a full disk."""

    def write(self, text):
        raise OSError(errno.ENOSPC, "No space left on device")

    flush = close = lambda self: self.write("")


def test_a_full_disk_ends_the_log_and_nothing_else(tmp_path, capsys):
    with log_to(tmp_path / "run.log"):
        handlers = logging.getLogger("insetgan.run").handlers
        (file,) = [each for each in handlers if str(tmp_path) in getattr(each, "baseFilename", "")]
        file.stream.close()
        file.stream = Full()
        note("a")
        note("b")
        assert file not in logging.getLogger("insetgan.run").handlers
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_a_result_folder_has_a_log_of_each_time_it_was_opened(tmp_path):
    folder = ResultFolder(tmp_path / "out", fingerprint("these"), Layout("bake", "cakes", r"\d+\.json"))
    for said in ("one cake", "two cakes"):
        with folder.open():
            note(said)
    assert [line for line in lines(tmp_path / "out" / "bake.log") if "cake" in line] == ["one cake", "two cakes"]
    assert len(lines(tmp_path / "out" / "bake.log")) == 4, "each time version and command come first"


def test_what_no_file_can_hold_is_written_as_escapes(tmp_path):
    with log_to(tmp_path / "run.log"):
        note("a\x1b[2Jb\udcffc")
    assert "a\\x1b[2Jb\\udcffc" in (tmp_path / "run.log").read_text()
