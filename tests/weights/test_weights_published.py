"""Published weights: each stream, written by stand-ins from the reference networks, draws the reference images."""

import argparse

import pytest
import torch
from published_streams import SHAPES, nvidia_pickle, reference, state
from rosinality_streams import rosinality_discriminator, rosinality_generator
from tensorflow_streams import tensorflow_pickle

from insetgan.runtime.errors import UserError
from insetgan.weights.store import load_network, read_metadata

TOLERANCE = 1e-4


def difference(found, expected):
    assert found.shape == expected.shape
    return float((found - expected).norm() / expected.norm())


def assert_generator(path, values, **kwargs):
    network = load_network(path, kind="generator", **kwargs)
    assert difference(network(values["in/z"], values.get("in/c")), values["out/img_const"]) < TOLERANCE
    short = network.mapping(values["in/z"], values.get("in/c"), truncation_psi=0.5)
    assert difference(short, values["out/ws_psi0.5"]) < TOLERANCE, "w_avg"
    return network


def assert_discriminator(path, values):
    network = load_network(path, kind="discriminator")
    assert difference(network(values["out/img_const"], values.get("in/c")), values["out/logits"]) < TOLERANCE
    return network


@pytest.mark.parametrize("flat", [False, True], ids=["ada", "stylegan3"])
@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("name", SHAPES)
def test_nvidias_pickles_draw_the_reference_images(tmp_path, name, protocol, flat):
    canary = tmp_path / "canary"
    path = tmp_path / "network.pkl"
    values = nvidia_pickle(path, name, flat=flat, protocol=protocol, canary=canary)
    network = assert_generator(path, values)
    assert_discriminator(path, values)
    assert not canary.exists(), "the source in the file was run"
    assert (network.height, network.width) == (32, 32 if SHAPES[name]["square"] else 16)
    assert network.architecture["channel_base"] == 512 and network.architecture["channel_max"] == 24
    assert network.files() == [path]


def test_conv_clamp_is_that_of_the_layers(tmp_path):
    nvidia_pickle(tmp_path / "n.pkl", "square_32", clamp=256)
    assert load_network(tmp_path / "n.pkl").conv_clamp == 256
    assert load_network(tmp_path / "n.pkl", kind="discriminator").conv_clamp == 256
    nvidia_pickle(tmp_path / "n.pkl", "square_32")
    assert load_network(tmp_path / "n.pkl").conv_clamp is None


def test_metadata_say_what_the_file_says(tmp_path):
    path = tmp_path / "n.pkl"
    nvidia_pickle(path, "rect_32x16")
    found = read_metadata(path)
    assert found["kind"] == "generator" and found["network"] == "G_ema" and found["form"] == "NVIDIA's pickle"
    assert found["architecture"]["width"] == 16
    assert found["training"] == {"path": "~/ffhq.zip", "xflip": True, "resolution": 32}
    assert found["arguments"]["square"] is False and found["arguments"]["synthesis_kwargs"]["channel_max"] == 24


def test_a_generator_without_average_is_taken_and_said(tmp_path, capsys):
    path = tmp_path / "n.pkl"
    nvidia_pickle(path, "square_32", without=("G_ema",))
    load_network(path)
    assert capsys.readouterr().err == f"weights={path}: it has no average generator; G is taken\n"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: {k: v for k, v in t.items() if k != "mapping.fc1.bias"}, "mapping.fc1.bias"),
        (lambda t: {**t, "synthesis.b16.skip.weight": torch.zeros(2, 2, 1, 1)}, "synthesis.b16.skip.weight"),
        (lambda t: {**t, "synthesis.b8.conv1.bias": torch.zeros(7)}, "synthesis.b8.conv1.bias is [7], must be [24]"),
        (lambda t: {**t, "mapping.w_avg": t["mapping.w_avg"].double()}, "mapping.w_avg holds F64"),
        (
            lambda t: {**t, "mapping.w_avg": t["mapping.w_avg"] * float("nan")},
            "mapping.w_avg holds numbers that are not",
        ),
        (
            lambda t: {**t, "synthesis.b8.resample_filter": torch.ones(4, 4) / 16},
            "synthesis.b8.resample_filter is another low-pass filter",
        ),
        (lambda t: {**t, "synthesis.b64.conv1.weight": torch.zeros(4, 4, 3, 3)}, "synthesis.b64"),
        (lambda t: {**t, "synthesis.b128.conv1.weight": torch.zeros(4, 4, 3, 3)}, "no blocks of StyleGAN2"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(tmp_path, change, says):
    path = tmp_path / "n.pkl"
    nvidia_pickle(path, "square_32", change=lambda key, tensors: change(tensors) if key == "G_ema" else tensors)
    with pytest.raises(UserError) as error:
        load_network(path, kind="generator")
    assert says in str(error.value) and "\n" not in str(error.value)
    assert str(error.value).startswith(f"weights={path}: ")
    load_network(path, kind="discriminator")  # which is whole


@pytest.mark.parametrize("name", ["square_32"])
def test_tensorflows_pickles_draw_the_reference_images(tmp_path, name):
    path = tmp_path / "stylegan2-car-config-f.pkl"
    values = tensorflow_pickle(path, name)
    assert_generator(path, values)
    assert_discriminator(path, values)
    assert read_metadata(path)["arguments"]["fmap_base"] == 256


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"version": 3}, "version 3"),
        ({"resample_kernel": [1, 2, 1]}, "resample_kernel"),
        ({"resolution": 64}, "says resolution=64"),
        (
            {"change": lambda m, s, o, d: s.pop("8x8/ToRGB/mod_bias")},
            "the variable synthesis/8x8/ToRGB/mod_bias is missing",
        ),
        ({"change": lambda m, s, o, d: s.update({"8x8/Extra/weight": s["noise0"]})}, "synthesis/8x8/Extra/weight"),
    ],
)
def test_tensorflow_networks_that_are_not_read(tmp_path, settings, says):
    tensorflow_pickle(tmp_path / "n.pkl", "square_32", **settings)
    with pytest.raises(UserError) as error:
        load_network(tmp_path / "n.pkl", kind="generator")
    assert says in str(error.value)


def rosinality_file(path, name, *, legacy=False, mean=True):
    values = reference(name)
    whole = {
        "g": {key: value + 1 for key, value in rosinality_generator(state(values, "G/")).items()},
        "g_ema": rosinality_generator(state(values, "G/")),
        "d": rosinality_discriminator(state(values, "D/")),
        "args": argparse.Namespace(size=32, path="ffhq.lmdb"),
    }
    if mean:
        whole["latent_avg"] = values["G/mapping.w_avg"]
    torch.save(whole, path, _use_new_zipfile_serialization=not legacy)
    return values


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", ["square_32", "rect_32x16"])
def test_rosinalitys_files_draw_the_reference_images(tmp_path, name, legacy, capsys):
    path = tmp_path / "network.pt"
    values = rosinality_file(path, name, legacy=legacy)
    assert_generator(path, values)
    if name == "square_32":
        assert_discriminator(path, values)
    assert read_metadata(path)["training"] == {"size": 32, "path": "ffhq.lmdb"}
    assert capsys.readouterr().err == ""


def test_a_file_without_latent_avg_gets_a_mean_and_says_so(tmp_path, capsys):
    path = tmp_path / "network.pt"
    values = rosinality_file(path, "square_32", mean=False)
    network = load_network(path)
    assert "it has no latent_avg; the mean of 4096 codes" in capsys.readouterr().err
    codes = network.mapping(torch.randn(4096, 32, generator=torch.Generator().manual_seed(0)))[:, 0]
    torch.testing.assert_close(network.mapping.w_avg, codes.mean(0))
    assert difference(network(values["in/z"]), values["out/img_const"]) < TOLERANCE


def test_the_decoder_of_an_encoder_is_a_generator(tmp_path):
    values = reference("square_32")
    decoder = {f"decoder.{key}": value for key, value in rosinality_generator(state(values, "G/")).items()}
    whole = {"state_dict": {"encoder.input_layer.0.weight": torch.zeros(3), **decoder}, "opts": {"size": 32}}
    mean = values["G/mapping.w_avg"]
    torch.save({**whole, "latent_avg": mean.expand(8, -1).clone()}, tmp_path / "e4e.pt")
    assert_generator(tmp_path / "e4e.pt", values)
    torch.save({**whole, "latent_avg": torch.stack([mean, mean + 1])}, tmp_path / "e4e.pt")
    with pytest.raises(UserError, match="another mean for each layer"):
        load_network(tmp_path / "e4e.pt")


def test_another_kind_is_refused(tmp_path):
    nvidia_pickle(tmp_path / "n.pkl", "square_32", without=("D",))
    with pytest.raises(UserError, match="holds generator, expected comodgan"):
        load_network(tmp_path / "n.pkl", kind="comodgan")
    with pytest.raises(UserError, match="holds G_ema, G and no discriminator"):
        load_network(tmp_path / "n.pkl", kind="discriminator")
