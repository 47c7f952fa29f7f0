import copy

import pytest
import torch

from insetgan.inversion.encoder import Encoder, encoder_for
from insetgan.inversion.encoder_module import EncoderModule
from insetgan.networks.digest import network_digest
from insetgan.networks.layered import DELTA, SHARED
from insetgan.ops.images import seeded_latents
from insetgan.runtime.errors import UserError
from insetgan.weights.store import load_network, save_network


def test_without_corrections_an_encoder_says_the_mean(generator, encoder):
    torch.nn.init.zeros_(encoder.corrections.weight)
    latents = encoder.encode(generator, torch.zeros(2, 3, 16, 16))
    assert torch.equal(latents.tensors[SHARED], generator.mapping.w_avg.expand(2, -1))
    assert not latents.tensors[DELTA].any()


def test_passes_add_up_and_each_sees_what_the_one_before_drew(generator, encoder):
    images = torch.rand(1, 3, 16, 16) * 2 - 1
    one = encoder.encode(generator, images, 1).tensors
    two = encoder.encode(generator, images).tensors
    shared, delta = encoder(images, generator.render(one).clamp(-1, 1))
    assert torch.allclose(two[SHARED], one[SHARED] + shared) and torch.allclose(two[DELTA], one[DELTA] + delta)


def test_corrections_are_in_units_of_the_spread_of_w(generator, encoder):
    images, drawn = torch.rand(2, 1, 3, 16, 16)
    shared, _ = encoder(images, drawn)
    encoder.w_std *= 3
    assert torch.allclose(encoder(images, drawn)[0], 3 * shared)
    w = generator.mapping(seeded_latents(range(2000), 8))[:, 0]
    assert torch.allclose(encoder.w_std, 3 * w.std(0))


def test_samples_do_not_influence_each_other(generator, encoder):
    images = torch.rand(3, 3, 16, 16) * 2 - 1
    together, alone = encoder.encode(generator, images), encoder.encode(generator, images[2:])
    assert torch.allclose(together.tensors[SHARED][2:], alone.tensors[SHARED], atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (64, 32), (48, 96)])
def test_every_size_has_an_encoder(height, width):
    encoder = Encoder(height=height, width=width, num_ws=4, w_dim=8, generator="", rows=32, channels=4, hidden=8)
    shared, delta = encoder(*torch.rand(2, 2, 3, height, width))
    assert shared.shape == (2, 8) and delta.shape == (2, 4, 8)


def test_images_of_another_size_are_refused(generator, encoder):
    with pytest.raises(ValueError, match="must be"):
        encoder.encode(generator, torch.zeros(1, 3, 32, 32))


def test_an_encoder_knows_one_generator_by_its_weights(generator, encoder):
    same, other = copy.deepcopy(generator), copy.deepcopy(generator)
    other.synthesis.b4.const += 0.01
    assert encoder.knows(same) and not encoder.knows(other)
    with pytest.raises(UserError, match=network_digest(other)[:12]):
        encoder.refuse_others(other)
    with pytest.raises(UserError, match="was trained with other weights"):
        EncoderModule(encoder, other, lr=0.1, total_kimg=1.0)


def test_the_digest_does_not_depend_on_the_form_of_the_file(generator, tmp_path):
    path = tmp_path / "g.safetensors"
    save_network(path, generator, kind="generator")
    assert network_digest(load_network(path)) == network_digest(generator)


def test_an_encoder_comes_back_from_its_file(generator, encoder, tmp_path):
    path = tmp_path / "e.safetensors"
    save_network(path, encoder, kind="encoder")
    again, images = load_network(path, kind="encoder"), torch.rand(1, 3, 16, 16)
    assert again.knows(generator) and again.passes == 2
    assert torch.equal(
        again.encode(generator, images).tensors[SHARED], encoder.encode(generator, images).tensors[SHARED]
    )


@pytest.mark.parametrize("changes", [{"c_dim": 3}, {"img_channels": 1}])
def test_conditional_and_grey_generators_are_refused(changes):
    from insetgan.networks import Generator

    shape = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 128, "channel_max": 8}
    with pytest.raises(UserError, match="unconditional"):
        encoder_for(Generator(height=16, width=16, **(shape | changes)))


@pytest.mark.parametrize("name", ["rows", "channels", "hidden", "passes"])
def test_sizes_below_one_are_refused(name):
    with pytest.raises(ValueError, match=f"{name}=0"):
        Encoder(height=16, width=16, num_ws=4, w_dim=8, generator="", **{name: 0})
