"""`hf:` addresses against a fake Hub on the loopback address, through huggingface_hub itself."""

import hashlib
import http.server
import threading
import time

import pytest

from insetgan.runtime import limits
from insetgan.runtime.errors import UserError
from insetgan.weights.hub import HubFile
from insetgan.weights.store import resolve

CONTENT = bytes(range(256)) * 400
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body):
        self.server.log.append((self.command, self.path))
        problem = {"nobody": "RepoNotFound", "gated": "GatedRepo"}.get(self.path.split("/")[1])
        if "/main/" not in self.path and "/v1/" not in self.path and COMMIT not in self.path:
            problem = problem or "RevisionNotFound"
        if not self.path.endswith("/net.pkl"):
            problem = problem or "EntryNotFound"
        if problem:
            self.send_response(403 if problem == "GatedRepo" else 404)
            self.send_header("X-Error-Code", problem)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = self.server.content
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", self.server.commit)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    from huggingface_hub import constants

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.log, server.content, server.commit = [], CONTENT, COMMIT
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        for switch in ("INSETGAN_OFFLINE", "HF_HUB_OFFLINE"):
            monkeypatch.delenv(switch, raising=False)
        yield server
        server.shutdown()


def test_a_file_comes_from_the_hub_once_and_is_used_offline(hub, monkeypatch):
    path = resolve("hf:owner/repo:net.pkl")
    assert path.read_bytes() == CONTENT
    assert any("/owner/repo/resolve/main/net.pkl" in request for _, request in hub.log)
    assert resolve("hf:owner/repo@v1:net.pkl").read_bytes() == CONTENT
    monkeypatch.setenv("INSETGAN_OFFLINE", "1")
    seen = len(hub.log)
    assert resolve("hf:owner/repo:net.pkl") == path and len(hub.log) == seen
    with pytest.raises(UserError, match="is not in the cache, and it may not be fetched"):
        resolve("hf:owner/other:net.pkl")


def test_a_branch_that_moved_on_is_refused_until_the_user_says_so(hub):
    resolve("hf:owner/repo:net.pkl")
    hub.content, hub.commit = CONTENT[::-1], COMMIT[::-1]
    with pytest.raises(UserError, match=r"when it was first used; if you trust the new file, remove .*first_use\.json"):
        resolve("hf:owner/repo:net.pkl")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("hf:nobody/repo:net.pkl", "there is no repository nobody/repo"),
        ("hf:gated/repo:net.pkl", "asks to accept its terms"),
        ("hf:owner/repo@v9:net.pkl", "has no revision v9"),
        ("hf:owner/repo:other.pkl", "has no file other.pkl"),
        ("hf:owner/repo", "must be hf:OWNER/REPO:FILE"),
        ("hf:owner/repo:../x.pkl", "must be hf:OWNER/REPO:FILE"),
        ("hf:repo:net.pkl", "must be hf:OWNER/REPO:FILE"),
    ],
)
def test_mistakes_are_one_line(hub, address, says):
    with pytest.raises(UserError) as caught:
        resolve(address, key="canvas.weights")
    assert str(caught.value).startswith(f"canvas.weights={address}: ") and says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_hub_and_too_large_a_file(hub, monkeypatch):
    with monkeypatch.context() as smaller:
        smaller.setattr(limits, "WEIGHTS_BYTES", 10)
        with pytest.raises(UserError, match="at most 10 are fetched"):
            resolve("hf:owner/repo:net.pkl")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # huggingface_hub asks again for 23 seconds
    with pytest.raises(UserError, match=r"cannot be reached|cannot be fetched"):
        resolve("hf:owner/repo:net.pkl")


def test_parts_of_an_address():
    found = HubFile.parse("hf:brownvc/R3GAN-FFHQ-256x256@main:sub/net.pkl", key="weights")
    assert (found.repo, found.revision, found.file) == ("brownvc/R3GAN-FFHQ-256x256", "main", "sub/net.pkl")
