"""Each form in which weights are named, in each command that takes weights, from servers of the loopback address."""

import functools
import http.server
import json
import threading

import pytest
import torch
from fake_hub import running_hub
from published_streams import nvidia_pickle
from rosinality_streams import rosinality_generator

from insetgan.completion.generator import CoModGenerator
from insetgan.networks import Generator
from insetgan.weights import known
from insetgan.weights.store import save_network

FORMS = ("pkl", "pt", "web", "hub", "known")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A body of NVIDIA's form, 32 x 16, a face of rosinality's, 32 x 32, and a small CoModGAN."""
    folder = tmp_path_factory.mktemp("files")
    nvidia_pickle(folder / "body.pkl", "rect_32x16")
    face = Generator(height=32, width=32, z_dim=8, w_dim=8, mapping_layers=2, channel_base=128, channel_max=8)
    torch.save({"g_ema": rosinality_generator(face.state_dict()), "latent_avg": face.mapping.w_avg}, folder / "face.pt")
    sizes = {"z_dim": 8, "w_dim": 8, "x_dim": 16, "mapping_layers": 2, "channel_base": 128, "channel_max": 8}
    save_network(folder / "c.safetensors", CoModGenerator(height=32, width=16, **sizes), kind="comodgan")
    return folder


@pytest.fixture
def named(files, monkeypatch, tmp_path):
    """How a file of `files` is named in a form: named("web", "body.pkl")."""
    with (
        running_hub(monkeypatch, tmp_path) as hub,
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(files))) as web,
    ):
        threading.Thread(target=web.serve_forever, args=(0.05,), daemon=True).start()
        hub.repos["me/nets"] = {"main": {path.name: path.read_bytes() for path in files.iterdir()}}
        base = f"http://127.0.0.1:{web.server_port}"
        table = {
            path.name: known.Known(path.name, "tests", "32", "StyleGAN2", "CC-BY-4.0", "", f"{base}/{path.name}?known")
            for path in files.iterdir()
        }
        monkeypatch.setattr(known, "known_networks", lambda: table)
        forms = {"web": f"{base}/", "hub": "hf:me/nets:", "known": "known:"}
        yield lambda form, name: f"{forms.get(form, f'{files}/')}{name}"
        web.shutdown()


@pytest.mark.parametrize("form", FORMS)
def test_refine_takes_canvas_and_parts(named, in_process, tmp_path, form):
    code, _, errors = in_process(
        "refine", f"canvas.weights={named(form, 'body.pkl')}", f"parts.face.weights={named(form, 'face.pt')}",
        "detector=fixed", "+detector.boxes.face=[4,4,12,12]", "seeds=0", "steps=1", "accept_licence=true",
        f"out={tmp_path}/out",
    )  # fmt: skip
    assert code == 0, errors
    assert json.loads((tmp_path / "out" / "results.json").read_text())["samples"][0]["status"] == "ok"


@pytest.mark.parametrize("form", ["pkl", "hub", "known"])
def test_train_begins_with_it(named, in_process, people, tmp_path, form):
    sizes = [
        "recipe.z_dim=32",
        "recipe.w_dim=32",
        "recipe.mapping_layers=3",
        "recipe.channel_base=512",
        "recipe.channel_max=24",
    ]
    code, text, errors = in_process(
        "train", "+model=body", people, "data.height=32", "data.width=16",
        *sizes, "batch_size=4", "grid=2",
        "quality.num=4", "quality.num_real=4", "trainer.max_kimg=0.004", f"init={named(form, 'body.pkl')}",
        "accept_licence=true", f"out={tmp_path}/run",
    )  # fmt: skip
    assert code == 0, errors
    assert "G_ema: " in text and "D: " in text, text


@pytest.mark.parametrize("form", ["web", "known"])
def test_evaluate_and_generate_take_it(named, in_process, people, tmp_path, form):
    body = named(form, "body.pkl")
    code, _, errors = in_process("generate", f"weights={body}", "seeds=0-1", "accept_licence=true", f"out={tmp_path}/g")
    assert code == 0, errors
    code, _, errors = in_process(
        "evaluate", "method=[generator]", f"method.generator.weights={body}", people, f'refine=["canvas.weights={body}"]',
        "num=4", "batch_size=2", "bootstrap=2", "shown=2", "trunc=0.7", "regions=[body]", "accept_licence=true",
        f"out={tmp_path}/e",
    )  # fmt: skip
    assert code == 0, errors


@pytest.mark.parametrize("form", ["web", "hub", "known"])
def test_complete_takes_it(named, in_process, tmp_path, form):
    code, _, errors = in_process(
        "complete", f"weights={named(form, 'c.safetensors')}", "seeds=0", "accept_licence=true", f"out={tmp_path}/c"
    )
    assert code == 0, errors
