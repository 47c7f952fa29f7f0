"""StyleGAN3's pickles, written by stand-ins of its classes: read, drawn, converted; others are refused."""

import pickle

import numpy as np
import pytest
import torch
from published_streams import EasyDict, alias_free_pickle

from insetgan.networks.alias_free import AliasFreeGenerator
from insetgan.ops.images import seeded_latents
from insetgan.runtime.errors import UserError
from insetgan.weights.store import load_network, read_metadata, save_network

SHAPE = {"z_dim": 8, "w_dim": 12, "channel_base": 256, "channel_max": 10, "mapping_layers": 2}
KINDS = {
    "t": {},
    "r": {"conv_kernel": 1, "radial_filters": True, "channel_base": 512, "channel_max": 20},
    "labels": {"c_dim": 3},
    "grey": {"img_channels": 1, "conv_clamp": None},
}


def make(kind="t", size=32):
    torch.manual_seed(0)
    network = AliasFreeGenerator(height=size, width=size, **{**SHAPE, **KINDS[kind]}).eval().requires_grad_(False)
    for name, tensor in network.state_dict().items():
        if name.endswith(("bias", "w_avg", "affine.weight")):
            tensor.add_(0.1 * torch.randn_like(tensor))
        if name.endswith("magnitude_ema"):
            tensor.fill_(0.7)
    return network


def arguments(network, **further):
    """What StyleGAN3's training gives its class, all of it flat."""
    said = {
        "z_dim": network.z_dim,
        "c_dim": network.c_dim,
        "w_dim": network.w_dim,
        "img_resolution": network.height,
        "img_channels": network.img_channels,
        "mapping_kwargs": EasyDict(num_layers=2),
        "channel_base": network.channel_base,
        "channel_max": network.channel_max,
        "magnitude_ema_beta": 0.999,
    }
    if network.radial_filters:
        said |= {"conv_kernel": 1, "use_radial_filters": True}
    return said | further


@pytest.fixture
def written(tmp_path):
    def write(kind="t", change=None, size=32, **further):
        network, path = make(kind, size), tmp_path / "network.pkl"
        tensors = network.state_dict()
        if change is not None:
            tensors = change(dict(tensors))
        canary = tmp_path / "canary"
        alias_free_pickle(path, tensors, arguments(network, **further), canary=canary, clamp=network.conv_clamp)
        return network, path, canary

    return write


def image(network, psi=0.7):
    label = torch.eye(3)[1:2] if network.c_dim else None
    return network(seeded_latents([3], network.z_dim), label, truncation_psi=psi)


@pytest.mark.parametrize("kind", KINDS)
def test_a_pickle_draws_the_images_of_its_network(written, tmp_path, kind):
    network, path, canary = written(kind)
    found = load_network(path, kind="generator")
    assert torch.equal(image(found), image(network)) and not canary.exists()
    assert found.architecture == network.architecture and found.files() == [path]
    save_network(tmp_path / "n.safetensors", found, kind="generator")
    assert torch.equal(image(load_network(tmp_path / "n.safetensors")), image(network))
    said = read_metadata(path)
    assert said["kind"] == "generator" and said["arguments"]["img_resolution"] == 32


@pytest.mark.parametrize("size", [16, 64, 256])
def test_sizes_are_found_from_the_names_of_layers(written, size):
    network, path, _ = written(size=size, channel_base=256)
    with torch.no_grad():
        found = load_network(path)
    assert found.architecture == {**network.architecture, "channel_base": found.channel_base}
    assert found.synthesis.names == network.synthesis.names


def renamed(tensors):
    return {name.replace("L14_32_3", "L14_48_3"): tensor for name, tensor in tensors.items()}


CHANGES = [
    (lambda t: {k: v for k, v in t.items() if "L14" not in k}, "has 14 layers, StyleGAN3 has 15"),
    (renamed, "draws 48 x 48, must be a power of two"),
    (
        lambda t: {k.replace("synthesis.L3_", "synthesis.L3_9"): v for k, v in t.items()},
        "a StyleGAN3 of this size has L3",
    ),
    (lambda t: {k: v for k, v in t.items() if k != "mapping.fc1.bias"}, "mapping.fc1.bias"),
    (lambda t: {**t, "mapping.w_avg": t["mapping.w_avg"] * np.nan}, "mapping.w_avg holds numbers that are not finite"),
    (lambda t: {**t, first(t, "up_filter"): t[first(t, "up_filter")] * 1.1}, "up_filter is another low-pass filter"),
    (lambda t: {**t, first(t, "down_filter"): torch.ones(5)}, "down_filter is missing, or not [12]"),
    (lambda t: {**t, "synthesis.input.freqs": torch.ones(4, 2)}, "synthesis.input.freqs is [4, 2], must be"),
]


def first(tensors, kind):
    return next(name for name in tensors if name.endswith(kind))


@pytest.mark.parametrize(("change", "says"), CHANGES, ids=range(len(CHANGES)))
def test_a_tensor_that_does_not_fit_is_named(written, change, says):
    _, path, _ = written(change=change)
    with pytest.raises(UserError) as error:
        load_network(path)
    assert (
        says in str(error.value) and "\n" not in str(error.value) and str(error.value).startswith(f"weights={path}: ")
    )


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"first_cutoff": 4}, "has first_cutoff=4, must have 2.0"),
        ({"num_layers": 10}, "has num_layers=10, must have 14"),
        ({"output_scale": 1}, "has output_scale=1, must have 0.25"),
        ({"conv_kernel": 1}, "says conv_kernel=1, and its tensors have 3"),
        ({"img_resolution": 64}, "says img_resolution=64, and its tensors have 32"),
        ({"mapping_kwargs": EasyDict(num_layers=8)}, "says num_layers=8, and its tensors have 2"),
        ({"square": False}, "holds StyleGAN-Human's rectangular StyleGAN3"),
    ],
)
def test_arguments_that_are_not_built_are_named(written, said, says):
    _, path, _ = written(**said)
    with pytest.raises(UserError) as error:
        load_network(path)
    assert says in str(error.value)


def test_a_plain_table_without_conv_clamp_has_that_of_the_class(tmp_path):
    network = make()
    table = {
        "class_name": "Generator",
        "init_kwargs": {**arguments(network), "mapping_kwargs": {"num_layers": 2}},
        "state_dict": network.state_dict(),
    }
    (tmp_path / "n.pkl").write_bytes(pickle.dumps({"G_ema": table}, protocol=4))
    found = load_network(tmp_path / "n.pkl")
    assert found.conv_clamp == 256 and torch.equal(image(found), image(network))
