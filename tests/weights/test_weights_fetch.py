"""Fetching from a server on the loopback address that behaves as servers do: well, slowly, wrongly, or not to the end."""

import hashlib
import http.server
import threading
import time
from contextlib import contextmanager

import pytest
from published_streams import nvidia_pickle

from insetgan.runtime import limits
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import cache_folder
from insetgan.weights import fetch as module
from insetgan.weights.fetch import fetch, is_cached
from insetgan.weights.first_use import folder_of, remembered
from insetgan.weights.store import load_network

CONTENT = bytes(range(256)) * 4000


class Server(http.server.ThreadingHTTPServer):
    """Answers by the path; `log` holds path and range of each request."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.log, self.content, self.tag, self.cuts = [], CONTENT, '"one"', 0

    def address(self, path):
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server, name = self.server, self.path.strip("/").partition("/")[0]
        server.log.append((name, self.headers.get("Range")))
        fixed = {
            "moved": (302, b"", {"Location": "/file/net.pkl"}),
            "round": (302, b"", {"Location": "/round/net.pkl"}),
            "missing": (404, b"gone", {}),
            "html": (200, b"<html>hello</html>", {"Content-Type": "text/html; charset=utf-8"}),
            "plainhtml": (200, b"  <!DOCTYPE HTML><p>hello", {"Content-Type": "application/octet-stream"}),
            "empty": (200, b"", {}),
        }
        if name == "busy" and len(server.log) < 3:
            return self.answer(503, b"later")
        if name in fixed:
            code, body, headers = fixed[name]
            return self.answer(code, body, **headers)
        return self.stall(server.content) if name == "stalls" else self.file(name)

    def file(self, name):
        server, wanted, whole = self.server, self.headers.get("Range"), self.server.content
        start, code, extra = 0, 200, {} if name == "untagged" else {"ETag": server.tag}
        if wanted and self.headers.get("If-Range") == server.tag and name != "noranges":
            start, code = int(wanted.removeprefix("bytes=").partition("-")[0]), 206
            extra["Content-Range"] = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
        if name in ("cut", "noranges", "untagged") and server.cuts > 0:
            server.cuts -= 1
            return self.answer(code, whole[start : start + 300_000], length=len(whole) - start, **extra)
        if name == "stingy":  # a part at a time, whatever is asked for
            end = min(start + 400_000, len(whole))
            if code == 206:
                extra["Content-Range"] = f"bytes {start}-{end - 1}/{len(whole)}"
            return self.answer(code, whole[start:end], length=None if code == 206 else len(whole), **extra)
        if name == "short":
            return self.answer(code, whole[:1000], length=len(whole), **extra)
        return self.answer(code, whole[start:], **extra)

    def answer(self, code, body, length=None, **headers):
        self.send_response(code)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def stall(self, whole):
        self.send_response(200)
        self.send_header("Content-Length", str(len(whole)))
        self.end_headers()
        self.wfile.write(whole[:10])
        self.wfile.flush()
        time.sleep(1.5)


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("INSETGAN_OFFLINE", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(module, "PAUSE", 0.0)
    monkeypatch.setattr(module, "TRIES", 3)
    with Server() as made:
        threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
        yield made
        made.shutdown()


def kept():
    """Names of all files in the cache but locks."""
    return sorted(path.name for path in cache_folder().rglob("*") if path.is_file() and path.name != ".lock")


@contextmanager
def refused(says):
    with pytest.raises(UserError) as caught:
        yield
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_is_fetched_once_through_a_redirect_and_remembered(server):
    address = server.address("moved/net.pkl")
    assert not is_cached(address)
    path = fetch(address)
    assert path.read_bytes() == CONTENT and path.name == "net.pkl" and is_cached(address)
    assert fetch(address) == path and [name for name, _ in server.log] == ["moved", "file"]
    assert remembered(address) == hashlib.sha256(CONTENT).hexdigest()
    assert kept() == ["first_use.json", "net.pkl"]


def test_a_cut_connection_is_taken_up_where_it_broke(server):
    server.cuts = 3
    assert fetch(server.address("cut/net.pkl")).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.log] == [None, "bytes=262144-", "bytes=524288-", "bytes=786432-"]
    assert kept() == ["first_use.json", "net.pkl"]


def test_a_server_that_sends_less_than_was_asked_for_is_asked_again(server):
    assert fetch(server.address("stingy/net.pkl")).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.log] == [None, "bytes=393216-", "bytes=793216-"]


@pytest.mark.parametrize("kind", ["noranges", "untagged"])
def test_where_the_server_has_no_ranges_it_begins_anew(server, kind):
    server.cuts = 2
    assert fetch(server.address(f"{kind}/net.pkl")).read_bytes() == CONTENT


def test_what_has_come_is_kept_for_the_next_command_and_has_no_name_of_a_file(server, monkeypatch):
    address = server.address("cut/net.pkl")
    server.cuts = 99
    monkeypatch.setattr(module, "TRIES", 1)
    monkeypatch.setattr(module, "_PIECE", 1000)
    original = module._receive

    def once(*args):
        if len(server.log) == 1:
            raise KeyboardInterrupt
        original(*args)

    with monkeypatch.context() as killed:
        killed.setattr(module, "_receive", once)
        with pytest.raises(KeyboardInterrupt):
            fetch(address)
    assert not is_cached(address) and kept() == [".part", ".part.json"]
    server.cuts = 0
    assert fetch(address).read_bytes() == CONTENT
    assert server.log[-1] == ("cut", "bytes=300000-")


def test_a_file_that_changed_in_between_begins_anew(server, monkeypatch):
    server.cuts = 1
    original = module._receive

    def changes(*args):
        if len(server.log) == 1:
            server.content, server.tag = CONTENT[::-1], '"two"'
        original(*args)

    monkeypatch.setattr(module, "_receive", changes)
    assert fetch(server.address("cut/net.pkl")).read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("missing/net.pkl", "is not there (the server answers 404)"),
        ("html/net.pkl", "is a web page and not a file"),
        ("plainhtml/net.pkl", "is a web page and not a file"),
        ("empty/net.pkl", "is empty"),
        ("round/net.pkl", "leads from address to address"),
    ],
)
def test_what_is_no_file_is_one_line_and_leaves_nothing(server, path, says):
    address = server.address(path)
    with refused(f"canvas.weights={address}: {says}"):
        fetch(address, key="canvas.weights")
    assert kept() == []


def test_a_length_that_is_never_reached_says_how_far_it_came(server):
    with refused("the connection"):
        fetch(server.address("short/net.pkl"))
    assert "net.pkl" not in kept()


def test_slow_bytes_and_no_server_at_all(server, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", (0.3, 0.2))
    monkeypatch.setattr(module, "TRIES", 1)
    with refused("1 times in a row"):
        fetch(server.address("stalls/net.pkl"))
    with refused("no connection can be made"):
        fetch("http://127.0.0.1:9/net.pkl")
    assert kept() == []


def test_a_busy_server_is_asked_again(server):
    assert fetch(server.address("busy/net.pkl")).read_bytes() == CONTENT
    assert len(server.log) == 3


def test_another_content_than_published_or_than_at_first_is_refused(server):
    address = server.address("file/net.pkl")
    with refused("but 0000 is published; it was removed"):
        fetch(address, sha256="0000")
    assert kept() == []
    path = fetch(address)
    path.write_bytes(CONTENT[1:])
    with refused(f"had {hashlib.sha256(CONTENT).hexdigest()} when it was first used"):
        fetch(address)
    path.unlink()
    server.content = CONTENT[::-1]
    with refused("when it was first used"):
        fetch(address)
    (folder_of(address) / "first_use.json").unlink()
    assert fetch(address).read_bytes() == CONTENT[::-1]


def test_too_large_a_file_is_not_fetched(server, monkeypatch):
    monkeypatch.setattr(limits, "WEIGHTS_BYTES", 1000)
    with refused("at most 1000 are fetched"):
        fetch(server.address("file/net.pkl"))
    assert kept() == []


@pytest.mark.parametrize("switch", ["INSETGAN_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_takes_the_cache_and_nothing_else(server, monkeypatch, switch):
    path = fetch(server.address("file/net.pkl"))
    monkeypatch.setenv(switch, "1")
    assert fetch(server.address("file/net.pkl")) == path
    with refused(f"is not in the cache, and {switch} forbids"):
        fetch(server.address("file/other.pkl"))
    assert len(server.log) == 1


def test_the_page_of_google_drive_is_named():
    error = module._page("https://drive.usercontent.google.com/download?id=1", "weights=x")
    assert "Google Drive" in str(error) and "give its path" in str(error)
    assert "Google" not in str(module._page("https://drive.google.com.example.org/", "weights=x"))


def test_names_in_the_cache_are_plain():
    assert module._name("https://h/a/../..%2F.x%20y.pkl?b=/c") == "x_y.pkl"
    assert module._name("https://h/") == "file"
    assert len(module._name(f"https://h/{'a' * 500}.pkl")) == 120


def test_weights_may_be_an_address(server, tmp_path):
    from insetgan.networks import Generator
    from insetgan.weights.store import save_network

    net = Generator(height=16, width=8, z_dim=8, w_dim=8, mapping_layers=2, channel_base=64, channel_max=8)
    save_network(tmp_path / "g.safetensors", net, kind="generator")
    server.content = (tmp_path / "g.safetensors").read_bytes()
    loaded = load_network(server.address("file/g.safetensors"), kind="generator")
    assert (loaded.mapping.fc0.weight == net.mapping.fc0.weight).all()
    assert loaded.source.is_relative_to(cache_folder())


def test_a_published_pickle_is_drawn_from_its_address(server, tmp_path):
    values = nvidia_pickle(tmp_path / "net.pkl", "square_32", canary=tmp_path / "canary")
    server.content = (tmp_path / "net.pkl").read_bytes()
    network = load_network(server.address("moved/net.pkl"), kind="generator")
    error = (network(values["in/z"]) - values["out/img_const"]).norm() / values["out/img_const"].norm()
    assert error < 1e-4 and not (tmp_path / "canary").exists()
