"""The table of published networks, and the question whether their licence is accepted."""

import io
import os
import pty
import subprocess
import sys

import pytest
from rich.console import Console

from insetgan.cli.known_networks import print_known
from insetgan.runtime.errors import UserError
from insetgan.weights import fetch, known
from insetgan.weights.address import locate
from insetgan.weights.known import accept_licences, known_networks


@pytest.fixture
def taken(monkeypatch, tmp_path):
    """What would have been fetched, and with which name and digest."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(known._Consent, "given", False)
    asked = []

    def instead(address, **options):
        asked.append((address, options.get("name")))
        return tmp_path / "file"

    monkeypatch.setattr(fetch, "fetch", instead)
    return asked


def test_the_table_is_whole_and_the_permissive_ones_come_first():
    networks = list(known_networks().values())
    assert len(networks) >= 40 and networks[0].licence == "CC-BY-4.0"
    licences = [network.licence for network in networks]
    assert licences == sorted(licences, key=lambda licence: licence != "CC-BY-4.0")
    assert len({network.address for network in networks}) == len(networks)
    for network in networks:
        assert network.address.startswith(("https://", "http://d36zk2xti64re0.cloudfront.net/")), network.name
        assert network.page.startswith("https://github.com/")
        assert "drive." not in network.address or network.file.endswith(".pkl")


def test_the_table_is_printed():
    page = io.StringIO()
    print_known(Console(file=page, width=250))
    text = page.getvalue()
    assert all(name in text for name in known_networks())
    assert "StyleGAN3 (not read)" in text and "CC-BY-4.0" in text
    read = {name for name, network in known_networks().items() if network.kind == "StyleGAN3" and network.read}
    assert read and all(name.startswith("stylegan3-") for name in read)


def test_a_licence_is_shown_and_must_be_accepted(taken, capsys, monkeypatch):
    with pytest.raises(UserError, match=r"init=known:self-distilled-dogs-1024: .*CC-BY-4\.0.*accept_licence=true"):
        locate("known:self-distilled-dogs-1024", key="init")
    assert taken == [] and "Licence: CC-BY-4.0" in capsys.readouterr().err
    monkeypatch.setattr(known._Consent, "given", False)
    accept_licences(True)
    locate("known:self-distilled-dogs-1024")
    locate("known:stylegan-human-v2-512")
    assert taken == [
        ("https://storage.googleapis.com/self-distilled-stylegan/dogs_1024_pytorch.pkl", None),
        (known_networks()["stylegan-human-v2-512"].address, "stylegan_human_v2_512.pkl"),
    ]
    assert "no licence stated" in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "goes_on"), [("y\n", True), ("yes\n", True), ("\n", False), ("", False)])
def test_on_a_terminal_it_is_asked(taken, monkeypatch, answer, goes_on):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal(answer))
    monkeypatch.setattr("sys.stderr", Terminal())
    if goes_on:
        locate("known:stylegan2-ffhq-256x256")
    else:
        with pytest.raises(UserError, match="must be accepted"):
            locate("known:stylegan2-ffhq-256x256")
    assert bool(taken) == goes_on


def test_a_network_in_the_cache_is_not_asked_about_again(taken):
    network = known_networks()["stylegan2-ffhq-256x256"]
    folder = fetch.folder_of(network.address)
    folder.mkdir(parents=True)
    (folder / "stylegan2-ffhq-256x256.pkl").write_bytes(b"x")
    locate("known:stylegan2-ffhq-256x256")
    assert len(taken) == 1


def test_a_misspelt_name_is_one_line(taken):
    with pytest.raises(
        UserError, match=r"known:stylegan2-ffhq-256: no such network; did you mean known:stylegan2-ffhq"
    ):
        locate("known:stylegan2-ffhq-256")


QUESTION = """
from insetgan.runtime.errors import UserError
from insetgan.weights.known import ask_for_consent, find
try:
    ask_for_consent(find("self-distilled-dogs-1024", key="init"), key="init")
    print("taken")
except UserError as error:
    print("refused:", error)
"""


@pytest.mark.parametrize(("answer", "end"), [("y", "taken"), ("n", "refused:"), ("", "refused:")])
def test_at_a_terminal_the_licence_is_a_question(answer, end):
    """A terminal of its own (a pseudo-terminal), at which the answer is typed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", QUESTION], stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
    )
    os.close(theirs)
    said = b""
    while b"[y/N]" not in said:
        said += os.read(ours, 4096)
    assert b"CC-BY-4.0" in said
    os.write(ours, f"{answer}\n".encode())
    try:
        while more := os.read(ours, 4096):
            said += more
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait(timeout=30) == 0
    assert end in said.decode().rpartition("[y/N]")[2]
