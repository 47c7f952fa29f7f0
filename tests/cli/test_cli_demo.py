"""`python demo.py`: it opens a page, says where, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("end", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_it_opens_a_page_says_where_and_leaves_nothing(tmp_path, end):
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "demo.py"), "port=0"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = process.stdout.readline()
        address = re.fullmatch(r"page: (http://127\.0\.0\.1:\d+/) \(Ctrl-C closes it\)\n", said)[1]
        assert list(tmp_path.glob("insetgan-studio-*"))
        text = urllib.request.urlopen(address, timeout=30).read().decode()
        assert "InsetGAN studio" in text and "fonts.googleapis" not in text
    finally:
        process.send_signal(end)
        out, problem = process.communicate(timeout=60)
    assert process.returncode == 0, problem
    assert out == "the page is closed\n" and problem == ""
    assert not list(tmp_path.glob("insetgan-studio-*"))


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("port=70000", "port=70000: must be at most 65535"),
        ("password=abc", "password=: must have 4 letters or more\n"),
        ("body=nobody", "body=nobody"),
        ("runs=nowhere", "runs=nowhere: must be a folder\n"),
        ("hots=0.0.0.0", "hots: no such setting; did you mean host?"),
    ],
)
def test_mistakes_are_one_line(in_process, tmp_path, override, line):
    code, out, problem = in_process("demo", override, cwd=tmp_path)
    assert code == 2 and out == "" and problem.startswith(f"error: {line}") and problem.count("\n") == 1
