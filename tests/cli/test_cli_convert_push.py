"""convert.py out=hf:...: networks, their pages and their licences, on a Hub of the loopback address."""

from functools import partial

import pytest
import torch
import yaml
from fake_hub import TOKEN, running_hub
from PIL import Image
from published_streams import nvidia_pickle

from insetgan.weights.known import known_networks
from insetgan.weights.licence import UNKNOWN
from insetgan.weights.store import load_network, read_metadata


@pytest.fixture
def hub(monkeypatch, tmp_path):
    with running_hub(monkeypatch, tmp_path) as made:
        yield made


@pytest.fixture
def convert(in_process, tmp_path):
    return partial(in_process, "convert", cwd=tmp_path)


def refused(result, says):
    code, _, errors = result
    assert code == 2 and says in errors and len(errors.splitlines()) == 1, errors


def head_of(page):
    return yaml.safe_load(page.split("---\n")[1])


def test_a_network_goes_to_a_new_repository_with_a_page_and_comes_back(hub, convert, tmp_path, monkeypatch):
    values = nvidia_pickle(tmp_path / "theirs.pkl", "rect_32x16")
    code, text, errors = convert("in=theirs.pkl", "out=hf:me/bodies", "licence=cc-by-4.0", "private=true")
    assert code == 0, errors
    assert "pushed to the new repository me/bodies: generator.safetensors, generator-seeds.png, README.md" in text
    files = hub.files("me/bodies")
    assert set(files) == {"generator.safetensors", "generator-seeds.png", "README.md"}
    assert hub.private["me/bodies"] == "private"
    assert ("POST", "/me/bodies.git/info/lfs/objects/batch") in hub.log and files[
        "generator.safetensors"
    ] in hub.blobs.values()
    monkeypatch.delenv("HF_TOKEN")
    back = load_network("hf:me/bodies:generator.safetensors")
    torch.testing.assert_close(back(values["in/z"]), values["out/img_const"], rtol=1e-4, atol=1e-4)
    assert read_metadata("hf:me/bodies:generator.safetensors")["licence"] == "CC-BY-4.0"
    (tmp_path / "seeds.png").write_bytes(files["generator-seeds.png"])
    with Image.open(tmp_path / "seeds.png") as image:
        assert image.size == (4 * 18 - 2, 2 * 34 - 2)


def test_the_page_says_what_it_is_how_it_is_used_and_what_it_is_not_for(hub, convert, tmp_path):
    nvidia_pickle(
        tmp_path / "theirs.pkl", "rect_32x16", extra={"training_set_kwargs": {"path": "/home/ann/`x`/ffhq.zip", "n": 3}}
    )
    assert convert("in=theirs.pkl", "out=hf:me/bodies@v1:nets/a.pkl", "licence=cc-by-4.0")[0] == 0
    assert set(hub.files("me/bodies", "v1")) == {"nets/a.pkl", "nets/a-seeds.png", "README.md"}
    assert hub.files("me/bodies") == {}
    page = hub.files("me/bodies", "v1")["README.md"].decode()
    head = head_of(page)
    assert head["license"] == "cc-by-4.0" and head["pipeline_tag"] == "unconditional-image-generation"
    for said in (
        "python generate.py weights=hf:me/bodies@v1:nets/a.pkl seeds=0-31",
        "python refine.py canvas.weights=hf:me/bodies@v1:nets/a.pkl",
        "| height | 32 |",
        "| width | 16 |",
        "| parameters |",
        "| w\\_avg | length",
        "theirs.pkl",
        '"path": "ffhq.zip"',
        "It allows every use, also for money, if the authors are named.",
        "**Not licensed for:**\n\n- uses that leave the authors' names out\n- images of real, recognisable people",
    ):
        assert said in page, said
    assert "/home/ann" not in page


def test_a_licence_with_limits_is_said_and_must_be_accepted(hub, convert, tmp_path):
    nvidia_pickle(tmp_path / "stylegan2-ffhq-256x256.pkl", "square_32")
    push = ("in=stylegan2-ffhq-256x256.pkl", "out=hf:me/faces")
    refused(
        convert(*push),
        "out=hf:me/faces: the licence, NVIDIA Source Code License-NC (that of known:stylegan2-ffhq-256x256",
    )
    refused(convert(*push), "under the same licence only, with a copy of it; accept_licence=true")
    assert hub.repos == {} and hub.log == []
    assert convert(*push, "accept_licence=true")[0] == 0
    page = hub.files("me/faces")["README.md"].decode()
    head = head_of(page)
    assert (head["license"], head["license_name"]) == ("other", "nvidia-source-code-license-nc")
    assert head["license_link"].endswith("LICENSE.txt") and "- use for money, and passing on under another" in page
    assert "parts.face.weights=hf:me/faces:generator.safetensors" in page
    nvidia_pickle(tmp_path / "stylegan_human_v2_1024.pkl", "rect_32x16")
    body = convert("in=stylegan_human_v2_1024.pkl", "out=hf:me/body")
    refused(body, "does not allow to pass the weights on; accept_licence=true")


def test_unknown_licences_are_asked_for_and_known_ones_stay(hub, convert, tmp_path):
    nvidia_pickle(tmp_path / "mine.pkl", "square_32")
    refused(
        convert("in=mine.pkl", "out=hf:me/faces"), "out=hf:me/faces: the licence of the weights is not known; name it"
    )
    assert hub.log == []
    refused(
        convert("in=face", "out=hf:me/faces", "licence=cc0-1.0"), "licence=cc0-1.0: the file has another licence: MIT"
    )
    assert convert("in=face", "out=hf:me/faces")[0] == 0
    assert head_of(hub.files("me/faces")["README.md"].decode())["license"] == "mit"


def test_what_is_there_is_not_replaced_in_silence(hub, convert, tmp_path):
    push = ("in=face", "out=hf:me/faces")
    hub.repos["me/faces"] = {"main": {"README.md": b"my words"}}
    code, text, _ = convert(*push)
    assert code == 0 and "me/faces has a README.md, which stays as it is; overwrite=true replaces it" in text
    assert hub.files("me/faces")["README.md"] == b"my words"
    refused(
        convert(*push),
        "out=hf:me/faces:generator.safetensors: exists already in me/faces; give another name, or overwrite=true",
    )
    assert convert(*push, "overwrite=true")[0] == 0
    assert b"InsetGAN" in hub.files("me/faces")["README.md"]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("hf:you/faces", "the token may not write to you's repositories"),
        ("hf:me", "must be hf:OWNER/REPO:FILE"),
        ("hf:me/faces:a.onnx", "must end in .safetensors, .pkl, .pt"),
        ("hf:me/faces:../a.pt", "must be hf:OWNER/REPO:FILE"),
        ("hf:me/--faces", "Repo id must use"),
    ],
)
def test_mistakes_are_one_line(hub, convert, address, says):
    refused(convert("in=face", f"out={address}"), says)
    assert hub.repos == {}


def test_offline_and_without_a_token_nothing_is_sent(hub, convert, monkeypatch):
    with monkeypatch.context() as offline:
        offline.setenv("INSETGAN_OFFLINE", "1")
        refused(convert("in=face", "out=hf:me/faces"), "cannot be pushed while INSETGAN_OFFLINE")
    with monkeypatch.context() as bare:
        bare.delenv("HF_TOKEN")
        refused(convert("in=face", "out=hf:me/faces"), "needs a token that may write: HF_TOKEN=")
    assert hub.log == []
    monkeypatch.setenv("HF_TOKEN", TOKEN[:-1])
    refused(convert("in=face", "out=hf:me/faces"), "the token may not write")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    refused(convert("in=face", "out=hf:me/faces"), "cannot be pushed (")


@pytest.mark.parametrize(
    ("step", "status"), [("/commit/", 400), ("/lfs/", 400), ("/preupload/", 404), ("validate-yaml", 400)]
)
def test_a_push_that_fails_half_way_leaves_no_commit(hub, convert, step, status):
    hub.fails[step] = status
    code, _, errors = convert("in=face", "out=hf:me/faces")
    last = errors.strip().splitlines()[-1]
    assert code == 2 and "out=hf:me/faces:generator.safetensors: " in last and "Traceback" not in errors
    assert hub.files("me/faces") == {}


def test_info_says_the_licence_and_how_it_is_known(convert, tmp_path):
    nvidia_pickle(tmp_path / "mine.pkl", "square_32")
    assert UNKNOWN in convert("in=mine.pkl", "info=true")[1]
    assert convert("in=mine.pkl", "out=a.pkl", "licence=CC-BY-NC-4.0")[0] == 0
    for step in (("in=a.pkl", "out=b.pt"), ("in=b.pt", "out=c.safetensors"), ("in=c.safetensors", "out=d.safetensors")):
        assert convert(*step)[0] == 0
    assert "CC-BY-NC-4.0 (as the file says)" in convert("in=d.safetensors", "info=true")[1]
    network = known_networks()["self-distilled-dogs-1024"]
    nvidia_pickle(tmp_path / "dogs_1024_pytorch.pkl", "square_32")
    assert convert("in=dogs_1024_pytorch.pkl", "out=renamed.safetensors")[0] == 0
    assert "CC-BY-4.0 (as the file says)" in convert("in=renamed.safetensors", "info=true")[1]
    said = convert("in=dogs_1024_pytorch.pkl", "info=true")[1]
    assert (
        f"CC-BY-4.0 (that of known:self-distilled-dogs-1024, by the name dogs_1024_pytorch.pkl, {network.page})" in said
    )
