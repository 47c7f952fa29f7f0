"""What the server answers, without a browser."""

import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def ask(address, path):
    try:
        with urllib.request.urlopen(f"{address}{path}", timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_no_path_of_the_server_can_be_read(studio):
    open_page, address = studio
    (open_page.root / "results" / "secret.png").write_bytes(b"secret")
    paths = [Path("/etc/passwd"), ROOT / "README.md", open_page.root / "results" / "secret.png", ROOT / "setup.cfg"]
    for path in paths:
        assert path.exists()
        for asked in (str(path), f"/../../../../..{path}", urllib.parse.quote(str(path), safe="")):
            code, text = ask(address, f"/gradio_api/file={asked}")
            assert code in (403, 404) and b"root:" not in text and not text.startswith(b"secret")


def test_it_listens_on_this_machine_alone_and_tells_nobody(studio):
    open_page, address = studio
    assert address.startswith("http://127.0.0.1:")
    code, text = ask(address, "/config")
    assert code == 200 and b'"analytics_enabled":false' in text.replace(b" ", b"")
    assert not open_page.blocks.share and open_page.blocks.allowed_paths == []


def test_a_password_is_asked_before_anything_is_told(page_of):
    _, address = page_of(password="sesame-street")
    assert ask(address, "/config")[0] == 401
    for word, code in (("wrong", 400), ("sesame-street", 200)):
        data = urllib.parse.urlencode({"username": "anybody", "password": word}).encode()
        try:
            answered = urllib.request.urlopen(f"{address}/login", data, timeout=30).status
        except urllib.error.HTTPError as error:
            answered = error.code
        assert answered == code


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.3.2.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("x.org", False),
    ],
)
def test_which_addresses_only_this_machine_reaches(host, loopback):
    from insetgan.studio.place import is_loopback

    assert is_loopback(host) is loopback
