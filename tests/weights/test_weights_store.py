import pytest
import torch
from safetensors.torch import save_file

from insetgan.detection.parts_net import PartsNet
from insetgan.networks import Generator
from insetgan.runtime.errors import UserError
from insetgan.weights.store import load_network, read_metadata, save_network


@pytest.fixture
def generator():
    return Generator(height=16, width=8, z_dim=8, w_dim=8, mapping_layers=2, channel_base=64, channel_max=8)


def test_round_trip_is_exact(tmp_path, generator):
    path = tmp_path / "g.safetensors"
    save_network(path, generator, kind="generator", images_seen=12)
    loaded = load_network(path, kind="generator")
    for name, tensor in generator.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name]), name
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    assert read_metadata(path) == {"images_seen": 12, "kind": "generator", "architecture": generator.architecture}
    assert [p.name for p in tmp_path.iterdir()] == ["g.safetensors"], "nothing left beside"


def test_half_precision_comes_back_close_in_float32(tmp_path, generator):
    save_network(tmp_path / "g.safetensors", generator, kind="generator", half=True)
    loaded = load_network(tmp_path / "g.safetensors")
    weight, again = generator.synthesis.b8.conv1.weight, loaded.synthesis.b8.conv1.weight
    assert again.dtype == torch.float32
    assert (weight - again).abs().max() < 2e-3 * weight.abs().max()


def test_parts_net_counts_batches_as_integers(tmp_path):
    save_network(tmp_path / "p.safetensors", PartsNet(), kind="parts", half=True)
    assert load_network(tmp_path / "p.safetensors").stages[0][0][1].num_batches_tracked.dtype == torch.int64


def test_mistakes(tmp_path, generator):
    with pytest.raises(UserError, match=r"no file .*missing\.safetensors.*body, face, hands, feet, parts"):
        load_network(tmp_path / "missing.safetensors")
    whole = tmp_path / "g.safetensors"
    save_network(whole, generator, kind="generator")
    with pytest.raises(UserError, match="holds generator, expected parts"):
        load_network(whole, kind="parts")
    short = tmp_path / "short.safetensors"
    short.write_bytes(whole.read_bytes()[:-100])
    with pytest.raises(UserError, match="cut short"):
        load_network(short)
    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(2)}, foreign)
    with pytest.raises(UserError, match="no network of this project"):
        load_network(foreign)
    with pytest.raises(ValueError, match="kind=image"):
        save_network(whole, generator, kind="image")


def test_tensors_that_do_not_fit_are_named(tmp_path, generator):
    generator.channel_max = 16
    save_network(tmp_path / "g.safetensors", generator, kind="generator")
    with pytest.raises(UserError, match="do not fit the architecture"):
        load_network(tmp_path / "g.safetensors")


def test_shapes_are_compared_before_a_network_is_built(tmp_path, generator, monkeypatch):
    with monkeypatch.context() as wider:
        wider.setattr(Generator, "architecture", {**generator.architecture, "w_dim": 512})
        save_network(tmp_path / "wide.safetensors", generator, kind="generator")
    built = []
    monkeypatch.setattr(Generator, "load_state_dict", lambda self, *_, **__: built.append(self))
    with pytest.raises(UserError, match=r"do not fit the architecture in the file: \S+ is \[.*8.*\], must be \[.*512"):
        load_network(tmp_path / "wide.safetensors")
    assert not built


def test_a_keyword_that_the_network_does_not_take_is_named(tmp_path, generator, monkeypatch):
    path = tmp_path / "later.safetensors"
    with monkeypatch.context() as later:
        later.setattr(type(generator), "architecture", {**generator.architecture, "fourier": 3})
        save_network(path, generator, kind="generator")
    with pytest.raises(UserError, match="fourier: Generator has no such argument"):
        load_network(path)
