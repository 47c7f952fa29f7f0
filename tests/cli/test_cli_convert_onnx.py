"""convert.py out=NAME.onnx: ONNX Runtime draws what PyTorch draws and what the published networks drew; the rest is refused."""

import json
from functools import partial

import numpy as np
import onnxruntime
import pytest
import torch
from published_streams import nvidia_pickle

from insetgan.networks import Generator
from insetgan.networks.alias_free import AliasFreeGenerator
from insetgan.ops.images import seeded_latents
from insetgan.runtime.fingerprint import file_digest
from insetgan.weights import onnx_file
from insetgan.weights.store import load_network, save_network

TINY = {"z_dim": 8, "w_dim": 6, "mapping_layers": 2, "channel_base": 64, "channel_max": 8}


@pytest.fixture
def convert(in_process, tmp_path):
    return partial(in_process, "convert", cwd=tmp_path)


def done(result):
    code, text, errors = result
    assert code == 0, errors
    return text


def session(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def saved(path, generator):
    """A network with noise, a mean and biases that all show."""
    torch.manual_seed(3)
    for name, tensor in generator.state_dict().items():
        if name.endswith(("noise_strength", "bias", "w_avg")):
            tensor.copy_(torch.randn_like(tensor) * 0.3)
    save_network(path, generator, kind="generator")
    return generator.eval().requires_grad_(False)


def test_a_published_rectangular_network(convert, tmp_path):
    """One export for all: the file says what it is, n is free, and the images are those that the published code drew."""
    values = nvidia_pickle(tmp_path / "theirs.pkl", "rect_32x16")
    text = done(convert("in=theirs.pkl", "out=theirs.onnx"))
    assert "from z and psi to images; ONNX Runtime's differ from PyTorch's by at most" in text
    runner = session(tmp_path / "theirs.onnx")
    assert [each.name for each in runner.get_inputs()] == ["z", "psi"]
    assert [each.name for each in runner.get_outputs()] == ["image", "ws"]
    known = runner.get_modelmeta().custom_metadata_map
    assert known["takes"] == "z" and json.loads(known["height"]) == 32 and json.loads(known["width"]) == 16
    assert known["sha256"] == file_digest(tmp_path / "theirs.pkl") and known["licence"].startswith("unknown")
    image, ws = runner.run(None, {"z": values["in/z"].numpy(), "psi": np.ones(1, np.float32)})
    np.testing.assert_allclose(image, values["out/img_const"].numpy(), rtol=0, atol=1e-4)
    ours = load_network(tmp_path / "theirs.pkl")
    z = seeded_latents([5], ours.z_dim)
    for psi in (0.0, 0.6):
        image, ws = runner.run(None, {"z": z.numpy(), "psi": np.array([psi], np.float32)})
        np.testing.assert_allclose(ws, ours.mapping(z, truncation_psi=psi).numpy(), rtol=0, atol=1e-5)
        np.testing.assert_allclose(image, ours(z, truncation_psi=psi).numpy(), rtol=0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (Generator, {"height": 16, "width": 8, "c_dim": 3, "conv_clamp": 256}),
        (Generator, {"height": 12, "width": 20, "img_channels": 1}),
        (AliasFreeGenerator, {"height": 16, "width": 16, "c_dim": 2}),
        (AliasFreeGenerator, {"height": 16, "width": 16, "conv_kernel": 1, "radial_filters": True}),
    ],
)
def test_every_architecture_both_ways(convert, tmp_path, kind, shape):
    """From z to w by one file and from w to images by the other is the way from z to images."""
    ours = saved(tmp_path / "ours.safetensors", kind(**shape, **TINY))
    done(convert("in=ours.safetensors", "out=z.onnx"))
    text = done(convert("in=ours.safetensors", "out=w.onnx", "takes=w"))
    assert "from ws to images" in text
    label = torch.eye(ours.c_dim)[[1]] if ours.c_dim else None
    feed = {"z": seeded_latents([4], 8).numpy(), "psi": np.array([0.8], np.float32)}
    feed |= {} if label is None else {"label": label.numpy()}
    image, ws = session(tmp_path / "z.onnx").run(None, feed)
    expected = ours(torch.from_numpy(feed["z"]), label, truncation_psi=0.8).numpy()
    np.testing.assert_allclose(image, expected, rtol=0, atol=1e-4 * max(1, np.abs(expected).max()))
    mixed = np.concatenate([ws, ws[:, ::-1]])
    drawn = session(tmp_path / "w.onnx").run(["image"], {"ws": mixed})[0]
    np.testing.assert_allclose(drawn[:1], image, rtol=0, atol=1e-5 * max(1, np.abs(expected).max()))
    again = ours.draw(torch.from_numpy(mixed)).numpy()
    np.testing.assert_allclose(drawn, again, rtol=0, atol=1e-4 * max(1, np.abs(again).max()))


@pytest.mark.slow
def test_the_embedded_body(convert, tmp_path):
    text = done(convert("in=body", "out=body.onnx"))
    assert "256 x 128" in text
    image, _ = session(tmp_path / "body.onnx").run(
        None, {"z": seeded_latents([7], load_network("body").z_dim).numpy(), "psi": np.array([0.7], np.float32)}
    )
    expected = load_network("body")(seeded_latents([7], load_network("body").z_dim), truncation_psi=0.7)
    assert np.abs(image - expected.numpy()).max() < 1e-4


def test_refused_by_one_line(convert, tmp_path, monkeypatch):
    nvidia_pickle(tmp_path / "theirs.pkl", "square_32")
    done(convert("in=theirs.pkl", "out=d.safetensors", "kind=discriminator"))
    (tmp_path / "there.onnx").touch()
    for arguments, says in (
        (["in=d.safetensors", "out=a.onnx"], "only generators are exported; the file holds a network of the kind disc"),
        (["in=parts", "out=a.onnx"], "out=a.onnx: only generators are exported"),
        (["in=comodgan", "out=a.onnx"], "out=a.onnx: only generators are exported"),
        (["in=body", "out=there.onnx"], "out=there.onnx: exists already"),
        (["in=body", "out=hf:me/mine:a.onnx"], "out=hf:me/mine:a.onnx: must end in .safetensors, .pkl, .pt"),
        (["in=body", "out=a.pt", "takes=w"], "takes=w: belongs to out=NAME.onnx; leave it away"),
        (["in=body", "out=a.onnx", "takes=x"], "takes=x: must be one of z, w"),
    ):  # fmt: skip
        code, _, errors = convert(*arguments)
        assert code == 2 and says in errors and len(errors.splitlines()) == 1, (arguments, errors)
    monkeypatch.setattr(onnx_file, "PACKAGES", ("onnx", "onnx_that_is_not_there"))
    code, _, errors = convert("in=body", "out=a.onnx")
    assert code == 2 and "needs the packages onnx_that_is_not_there: pip install 'insetgan[onnx]'" in errors
    assert not (tmp_path / "a.onnx").exists()


def test_what_is_no_stylegan_is_refused():
    with pytest.raises(ValueError, match="is a Linear, and only StyleGANs"):
        onnx_file.onnx_stream(torch.nn.Linear(1, 1), "z", {})


def test_other_images_are_not_written(monkeypatch):
    """Whatever goes wrong on the way: what ONNX Runtime draws decides."""
    generator = Generator(height=8, width=8, **TINY).eval().requires_grad_(False)

    class Model:
        metadata_props = type("Props", (), {"add": staticmethod(lambda **_: None)})
        SerializeToString = staticmethod(lambda: b"")

    monkeypatch.setattr(onnx_file, "_exported", lambda *_: Model)
    images = np.zeros((1, 3, 8, 8), np.float32)
    monkeypatch.setattr(onnx_file, "compared", lambda *_: (images, images + 9e-5))
    assert onnx_file.onnx_stream(generator, "z", {})[1] == pytest.approx(9e-5, rel=1e-3)
    for found in (images + 2e-4, images * np.nan):
        monkeypatch.setattr(onnx_file, "compared", lambda *_, found=found: (images, found))
        with pytest.raises(ValueError, match="draws other images in ONNX Runtime, by up to"):
            onnx_file.onnx_stream(generator, "z", {})
