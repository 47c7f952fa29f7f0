"""Weights named by what is no file and no address, or by what would lead elsewhere: one line each, and nothing hangs."""

import os
import socket
import time

import pytest

from insetgan.runtime.errors import UserError
from insetgan.weights import fetch
from insetgan.weights.store import load_network

NAMES = [
    "",
    " ",
    ".",
    "..",
    "/",
    "/dev/zero",
    "/dev/null",
    "/dev/stdin",
    "/proc/self/mem",
    "/etc/passwd",
    "~nobody-here/x.pkl",
    "a\0b.pkl",
    "x" * 5000,
    "hf:",
    "hf::",
    "hf:a",
    "hf:a/b",
    "hf:a/b:",
    "hf:a/b:/etc/passwd",
    "hf:a/b:..",
    "hf:a/b:x/../../y",
    "hf:a/b@:x",
    "hf:../b:x",
    "hf:a/..:x",
    "hf:a/b@../../c:f",
    "hf:a/b:x\ny",
    "hf:a/b:x\0",
    "hf:a/b:x\x1b[31m",
    "hf:a/b c:x",
    "hf:a/b:" + "x" * 3000,
    "hf:" + "a" * 300 + "/b:x",
    "HF:a/b:c",
    "known:",
    "known:../../etc/passwd",
    "known:\x1b[31m",
    "known:" + "x" * 3000,
    "known:stylegan2-ffhq-256x256\n",
    "http://",
    "https://",
    "http:///x",
    "http://[::1",
    "http://[zz]/x",
    "http://127.0.0.1:99999/x",
    "http://127.0.0.1:abc/x",
    "https://user:secret@127.0.0.1:9/x",
    "http://\0/x",
    "http://127.0.0.1:9/x\r\nHost: evil",
    "http://127.0.0.1:9/" + "a" * 5000,
    "http://a b/x",
    "http://..:9/x",
    "http://\udcff/x",
    "http://127.0.0.1:9/%00%0a",
    "file:///etc/passwd",
    "ftp://127.0.0.1/x",
    "data:text/plain,x",
    "javascript:alert(1)",
]


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch, tmp_path):
    """No Hub, no network beyond the loopback address, few tries."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(fetch, "TRIES", 1)
    monkeypatch.setattr(fetch, "PAUSE", 0.0)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # huggingface_hub asks again for 23 seconds
    monkeypatch.chdir(tmp_path)
    for switch in ("INSETGAN_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(switch, raising=False)


def refusal(name):
    began = time.monotonic()
    with pytest.raises(UserError) as caught:
        load_network(name)
    assert time.monotonic() - began < 60
    line = str(caught.value)
    assert line.startswith("weights") and "Traceback" not in line and "hf_secret" not in line
    return line


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_is_refused_in_one_line(name, tmp_path):
    line = refusal(name)
    assert len(line.replace(name, "").splitlines()) <= 1, line
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"]


def test_what_is_no_plain_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "fifo.pkl")
    (tmp_path / "folder.pkl").mkdir()
    (tmp_path / "loop.pkl").symlink_to(tmp_path / "loop.pkl")
    (tmp_path / "gone.pkl").symlink_to(tmp_path / "nowhere")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s.pkl"))
        for name in ("fifo.pkl", "folder.pkl", "loop.pkl", "gone.pkl", "s.pkl"):
            assert "no file" in refusal(str(tmp_path / name)), name
