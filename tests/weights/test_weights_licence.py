"""How the licence of a file is known, and what a page of the Hub makes of what files say."""

import hashlib

import pytest
import yaml
from safetensors import safe_open
from safetensors.torch import save_file

from insetgan.networks import Generator
from insetgan.runtime.errors import UserError
from insetgan.weights.card import Card
from insetgan.weights.first_use import check_first_use
from insetgan.weights.known import known_networks
from insetgan.weights.licence import TERMS, UNKNOWN, Licence, licence_of, named, slug
from insetgan.weights.store import read_metadata, save_network


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_every_published_network_has_a_licence_whose_terms_are_known():
    for network in known_networks().values():
        assert network.licence in TERMS, network.name


def test_a_digest_that_was_remembered_outweighs_what_a_file_says_and_how_it_is_called(tmp_path):
    network = known_networks()["self-distilled-lions-512"]
    path = tmp_path / "stylegan2-ffhq-256x256.pkl"
    path.write_bytes(b"lions")
    said = {"licence": "MIT"}
    assert licence_of(path, "none", {}).name == "NVIDIA Source Code License-NC"
    assert licence_of(path, "none", said) == Licence("MIT", "as the file says")
    check_first_use(network.address, path, key="weights")
    assert licence_of(path, "another", said).name == "MIT"
    digest = hashlib.sha256(b"lions").hexdigest()
    found = licence_of(path, digest, said)
    assert (found.name, found.source) == ("CC-BY-4.0", "that of known:self-distilled-lions-512, by its SHA-256")
    assert licence_of(tmp_path / "x.safetensors", "none", {"converted": {"sha256": digest}}) == found
    assert licence_of(tmp_path / "x.safetensors", "none", {"converted": {"licence": "mit"}}).name == "MIT"
    assert licence_of(tmp_path / "x.safetensors", "none", {}) == Licence(UNKNOWN)
    assert licence_of(tmp_path / "x.safetensors", "none", {}, embedded=True).name == "MIT"


def test_names_are_written_in_one_way_and_bounded():
    assert [named(text) for text in ("cc-by-4.0", "CC-BY-4.0", "Mit", "  OpenRAIL  M ", "other")] == [
        "CC-BY-4.0", "CC-BY-4.0", "MIT", "OpenRAIL M", "other",
    ]  # fmt: skip
    assert slug("OpenRAIL M (2023)!") == "openrail-m-2023" and slug("!!") == "unnamed"
    for wrong in ("", " ", "a\nb", "x" * 101):
        with pytest.raises(UserError, match="must be one line of 1 to 100 letters"):
            named(wrong)


def test_what_a_file_says_is_one_line_whatever_it_says(tmp_path):
    found = licence_of(tmp_path / "x", "none", {"licence": "MIT\n\x1b[31m" + "x" * 5000})
    assert "\n" not in str(found) and "\x1b" not in str(found) and len(str(found)) < 150
    assert not licence_of(tmp_path / "x", "none", {"licence": 3, "converted": [1]}).known


def test_other_programs_metadata_are_read(tmp_path):
    path = tmp_path / "g.safetensors"
    network = Generator(height=16, width=16, z_dim=4, w_dim=4, mapping_layers=1, channel_base=32, channel_max=4)
    save_network(path, network, kind="generator")
    with safe_open(path, "pt") as file:
        header, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}
    save_file(tensors, path, metadata={**header, "license": "apache-2.0"})
    assert licence_of(path, "none", read_metadata(path)).name == "Apache-2.0"


def test_a_page_lets_nothing_that_a_file_says_become_markup():
    evil = "x|y\n# Title\n<script>alert(1)</script> [a](http://b)"
    training = {
        "path": "/home/ann/data/ffhq.zip",
        "win": "C:\\Users\\ann\\x.zip",
        "note": "```\n# out",
        "n": [1, "~/y/z.zip"],
    }
    card = Card("hf:me/r@v1:g.safetensors", "generator", {evil: evil}, training, Licence(evil), "g.png", tall=False)
    page = card.text()
    head = yaml.safe_load(page.split("---\n")[1])
    assert head["license"] == "other" and head["license_name"] == slug(evil)
    assert "\n# Title" not in page and "<script>" not in page and "[a](" not in page and page.count("```") == 4
    assert "ann" not in page and '"ffhq.zip"' in page and '"x.zip"' in page and '"z.zip"' in page
    assert "# me/r\n" in page and "weights=hf:me/r@v1:g.safetensors" in page
