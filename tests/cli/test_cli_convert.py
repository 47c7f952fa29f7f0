"""convert.py: from one form into another and back with equal images, and what it says of a file."""

import pickle
import pickletools
from functools import partial

import pytest
import torch
from PIL import Image
from published_streams import nvidia_pickle, state
from rosinality_streams import rosinality_discriminator, rosinality_generator
from tensorflow_streams import tensorflow_pickle

from insetgan.networks import Generator
from insetgan.runtime.fingerprint import file_digest
from insetgan.weights.store import load_network, read_metadata, save_network


@pytest.fixture
def convert(in_process, tmp_path):
    return partial(in_process, "convert", cwd=tmp_path)


def done(result):
    code, text, errors = result
    assert code == 0, errors
    return text


def images(path, values):
    return load_network(path)(values["in/z"], values.get("in/c"))


@pytest.mark.parametrize("name", ["square_32", "rect_32x16", "conditional_32"])
def test_there_and_back_the_images_are_equal(convert, tmp_path, name):
    values = nvidia_pickle(tmp_path / "theirs.pkl", name, clamp=256)
    done(convert("in=theirs.pkl", "out=ours.safetensors"))
    text = done(convert("in=ours.safetensors", "out=again.pkl"))
    assert "G_ema is written as a plain table" in text
    done(convert("in=again.pkl", "out=last.safetensors"))
    expected = images(tmp_path / "theirs.pkl", values)
    torch.testing.assert_close(expected, values["out/img_const"], rtol=1e-4, atol=1e-4)
    for other in ("ours.safetensors", "again.pkl", "last.safetensors"):
        assert torch.equal(images(tmp_path / other, values), expected), other
    known = read_metadata(tmp_path / "ours.safetensors")
    assert known["architecture"]["conv_clamp"] == 256
    assert known["converted"]["file"] == "theirs.pkl" and len(known["converted"]["sha256"]) == 64
    assert known["converted"]["training"]["path"] == "~/ffhq.zip"
    assert read_metadata(tmp_path / "again.pkl")["training"]["path"] == "~/ffhq.zip"


def test_a_pickle_of_ours_takes_pytorch_alone(convert, tmp_path):
    values = nvidia_pickle(tmp_path / "theirs.pkl", "rect_32x16")
    done(convert("in=theirs.pkl", "out=mine.pkl"))
    data = (tmp_path / "mine.pkl").read_bytes()
    named = [argument for code, argument, _ in pickletools.genops(data) if "UNICODE" in code.name]
    assert not {"torch_utils.persistence", "dnnlib.util", "module_src"} & set(named)
    whole = pickle.loads(data)
    assert set(whole) == {"G_ema", "training_set_kwargs"}
    assert whole["G_ema"]["init_kwargs"]["square"] is False and whole["G_ema"]["init_kwargs"]["img_resolution"] == 32
    for key, value in state(values, "G/").items():
        assert torch.equal(whole["G_ema"]["state_dict"][key], value), key


@pytest.mark.parametrize("name", ["square_32", "rect_32x16"])
def test_rosinalitys_layout_there_and_back(convert, tmp_path, name):
    values = nvidia_pickle(tmp_path / "theirs.pkl", name)
    done(convert("in=theirs.pkl", "out=mine.pt"))
    whole = torch.load(tmp_path / "mine.pt", weights_only=True)
    expected = rosinality_generator(state(values, "G/"))
    assert set(whole["g_ema"]) == set(expected)
    for key, value in expected.items():
        torch.testing.assert_close(whole["g_ema"][key], value, rtol=0, atol=1e-7)
    assert torch.equal(whole["latent_avg"], values["G/mapping.w_avg"])
    done(convert("in=mine.pt", "out=back.safetensors"))
    assert torch.equal(images(tmp_path / "back.safetensors", values), images(tmp_path / "theirs.pkl", values))


def test_discriminators_go_the_same_ways(convert, tmp_path):
    values = nvidia_pickle(tmp_path / "theirs.pkl", "square_32")
    for step in (
        ("in=theirs.pkl", "out=d.safetensors", "kind=discriminator"),
        ("in=d.safetensors", "out=d.pkl"),
        ("in=d.pkl", "out=d.pt"),
        ("in=d.pt", "out=e.safetensors"),
    ):
        done(convert(*step))
    for name in ("d.safetensors", "d.pkl", "d.pt", "e.safetensors"):
        logits = load_network(tmp_path / name, kind="discriminator")(values["out/img_const"])
        torch.testing.assert_close(logits, values["out/logits"], rtol=1e-4, atol=1e-4)
    expected = rosinality_discriminator(state(values, "D/"))
    assert set(torch.load(tmp_path / "d.pt", weights_only=True)["d"]) == set(expected)


def test_tensorflow_to_all_others(convert, tmp_path):
    values = tensorflow_pickle(tmp_path / "theirs.pkl", "square_32")
    for out in ("a.safetensors", "a.pkl", "a.pt"):
        done(convert("in=theirs.pkl", f"out={out}"))
        torch.testing.assert_close(images(tmp_path / out, values), values["out/img_const"], rtol=1e-4, atol=1e-4)


def test_info_says_what_there_is_and_draws(convert, tmp_path):
    nvidia_pickle(tmp_path / "theirs.pkl", "rect_32x16")
    text = done(convert("in=theirs.pkl", "info=true"))
    for said in (
        "NVIDIA's pickle",
        "G_ema generator",
        "height",
        "w_avg",
        "training.path",
        "~/ffhq.zip",
        file_digest(tmp_path / "theirs.pkl"),
    ):
        assert said in text, said
    with Image.open(tmp_path / "outputs" / "convert" / "theirs.png") as image:
        assert image.size == (4 * 18 - 2, 2 * 34 - 2)
        assert len(image.getcolors(1 << 16)) > 100
    assert [path.name for path in tmp_path.iterdir() if path.suffix] == ["theirs.pkl"], "nothing else is written"


def test_the_known_networks_are_listed(convert):
    text = done(convert("list=true"))
    assert "self-distilled-dogs-1024" in text and "CC-BY-4.0" in text


def test_mistakes(convert, tmp_path):
    nvidia_pickle(tmp_path / "theirs.pkl", "conditional_32")
    save_network(
        tmp_path / "wide.safetensors",
        Generator(height=24, width=24, z_dim=8, w_dim=4, mapping_layers=1, channel_base=64, channel_max=8),
        kind="generator",
    )
    (tmp_path / "there.pt").touch()
    for arguments, says in (
        (["in=theirs.pkl"], "out=null: give out="),
        (["in=theirs.pkl", "out=a.bin"], "out=a.bin: must end in .safetensors, .pkl, .pt, .onnx"),
        (["in=theirs.pkl", "out=there.pt"], "out=there.pt: exists already"),
        (["in=theirs.pkl", "out=theirs.pkl", "overwrite=true"], "is the file that is read"),
        (["in=theirs.pkl", "info=true", "image=there.pt"], "image=there.pt: exists already"),
        (["in=theirs.pkl", "info=true", "image=theirs.pkl", "overwrite=true"], "image=theirs.pkl: exists already"),
        (["in=no.pkl", "out=a.pt"], "in=no.pkl: no file"),
        (["out=a.pt"], "in=null: give in=FILE"),
        (["in=theirs.pkl", "out=a.pt"], "out=a.pt: the network is conditional"),
        (["in=wide.safetensors", "out=a.pt"], "out=a.pt: the network has z_dim=8 and w_dim=4"),
        (["in=wide.safetensors", "kind=discriminator", "out=a.pt"], "in=wide.safetensors: holds generator, expected"),
        (["in=theirs.pkl", "out=a.pt", "kind=parts"], "kind=parts: must be one of generator, discriminator"),
    ):
        code, _, errors = convert(*arguments)
        assert code == 2 and says in errors and len(errors.splitlines()) == 1, (arguments, errors)
    assert not (tmp_path / "a.pt").exists()
