"""Names, shapes and sizes of the published networks; what the constructors and calls refuse."""

import copy
import pickle
from itertools import pairwise

import pytest
import torch

from insetgan.networks import Discriminator, Generator
from insetgan.networks.layers import block_sizes
from insetgan.training.adversarial import r1_penalty

# Name: (arguments, generator's rows of w, parameters and keys, discriminator's parameters and keys).
PUBLISHED = {
    "1024": ({"height": 1024, "width": 1024}, 18, 30_370_060, 182, 29_012_513, 82),
    "512": ({"height": 512, "width": 512}, 16, 30_276_583, 163, 28_982_849, 73),
    "256": ({"height": 256, "width": 256}, 14, 30_034_338, 144, 28_864_129, 64),
    "paper256": ({"height": 256, "width": 256, "channel_base": 16384}, 14, 24_767_458, 144, 24_001_089, 64),
    "128": ({"height": 128, "width": 128, "channel_base": 16384}, 12, 24_525_213, 125, 23_882_369, 55),
    "64": ({"height": 64, "width": 64, "channel_base": 16384}, 10, 23_819_544, 106, 23_407_361, 46),
    "shhq1024x512": ({"height": 1024, "width": 512}, 18, 30_365_964, 182, 26_915_361, 82),
    "shhq512x256": ({"height": 512, "width": 256}, 16, 30_272_487, 163, 26_885_697, 73),
}
TINY = {"height": 8, "width": 8, "channel_base": 64, "channel_max": 8}


def size(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes(name):
    arguments, num_ws, g_size, g_keys, d_size, d_keys = PUBLISHED[name]
    with torch.device("meta"):
        G, D = Generator(**arguments), Discriminator(**arguments)
    assert (G.num_ws, size(G), len(G.state_dict())) == (num_ws, g_size, g_keys)
    assert (size(D), len(D.state_dict())) == (d_size, d_keys)


def conv_keys(prefix, out_channels, in_channels, size):
    return {
        f"{prefix}.weight": (out_channels, in_channels, 3, 3),
        f"{prefix}.bias": (out_channels,),
        f"{prefix}.noise_strength": (),
        f"{prefix}.noise_const": size,
        f"{prefix}.resample_filter": (4, 4),
        f"{prefix}.affine.weight": (in_channels, 512),
        f"{prefix}.affine.bias": (in_channels,),
    }


def shapes(network):
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("width", [1024, 512])
def test_generator_state_dict(width):
    with torch.device("meta"):
        actual = shapes(Generator(height=1024, width=width))
    expected = {"mapping.w_avg": (512,), "synthesis.b4.const": (512, 4, 4 * width // 1024)}
    for i in range(8):
        expected |= {f"mapping.fc{i}.weight": (512, 512), f"mapping.fc{i}.bias": (512,)}
    below = None
    for height in (4, 8, 16, 32, 64, 128, 256, 512, 1024):
        channels, prefix, size = min(32768 // height, 512), f"synthesis.b{height}", (height, height * width // 1024)
        expected |= conv_keys(f"{prefix}.conv1", channels, channels, size)
        expected |= conv_keys(f"{prefix}.conv0", channels, below, size) if below else {}
        expected |= {
            f"{prefix}.resample_filter": (4, 4),
            f"{prefix}.torgb.weight": (3, channels, 1, 1),
            f"{prefix}.torgb.bias": (3,),
            f"{prefix}.torgb.affine.weight": (channels, 512),
            f"{prefix}.torgb.affine.bias": (channels,),
        }
        below = channels
    assert actual == expected


@pytest.mark.parametrize(("width", "fc_inputs"), [(1024, 8192), (512, 4096)])
def test_discriminator_state_dict(width, fc_inputs):
    with torch.device("meta"):
        actual = shapes(Discriminator(height=1024, width=width))
    expected = {
        "b1024.fromrgb.weight": (32, 3, 1, 1),
        "b1024.fromrgb.bias": (32,),
        "b1024.fromrgb.resample_filter": (4, 4),
        "b4.conv.weight": (512, 513, 3, 3),
        "b4.conv.bias": (512,),
        "b4.conv.resample_filter": (4, 4),
        "b4.fc.weight": (512, fc_inputs),
        "b4.fc.bias": (512,),
        "b4.out.weight": (1, 512),
        "b4.out.bias": (1,),
    }
    for height in (8, 16, 32, 64, 128, 256, 512, 1024):
        above, below = min(32768 // height, 512), min(65536 // height, 512)
        for name, out_channels, kernel in (("conv0", above, 3), ("conv1", below, 3), ("skip", below, 1)):
            expected[f"b{height}.{name}.weight"] = (out_channels, above, kernel, kernel)
            expected[f"b{height}.{name}.resample_filter"] = (4, 4)
            if name != "skip":
                expected[f"b{height}.{name}.bias"] = (out_channels,)
        expected[f"b{height}.resample_filter"] = (4, 4)
    assert actual == expected


def test_labels_add_an_embedding():
    with torch.device("meta"):
        G, D = Generator(height=64, width=64, c_dim=7), Discriminator(height=64, width=64, c_dim=7)
    generator, discriminator = shapes(G), shapes(D)
    assert generator["mapping.embed.weight"] == (512, 7)
    assert generator["mapping.fc0.weight"] == (512, 1024)
    assert discriminator["mapping.embed.weight"] == (512, 7)
    assert discriminator["mapping.fc7.weight"] == (512, 512)
    assert discriminator["b4.out.weight"] == (512, 512)
    assert "mapping.w_avg" not in discriminator


@pytest.mark.parametrize(("height", "width"), [(32, 32), (32, 16), (32, 24), (8, 16)])
def test_free_height_and_width(height, width):
    G = Generator(height=height, width=width, z_dim=8, w_dim=8, mapping_layers=2, channel_base=64, channel_max=8)
    D = Discriminator(height=height, width=width, channel_base=64, channel_max=8)
    images = G(torch.randn(2, 8))
    assert images.shape == (2, 3, height, width)
    assert D(images).shape == (2, 1)


@pytest.mark.parametrize(("height", "width"), [(4, 4), (0, 0), (-8, 8), (33, 32), (32, 31), (64, 0), (5, 4), (100, 75)])
@pytest.mark.parametrize("network", [Generator, Discriminator])
def test_impossible_sizes(network, height, width):
    with pytest.raises(ValueError, match=rf"height={height}, width={width}: must be .* such as (\d+ x \d+)$") as error:
        network(height=height, width=width)
    near_height, near_width = map(int, str(error.value).rpartition("such as ")[2].split(" x "))
    network(height=near_height, width=near_width, channel_max=2)


# Height and width -> height and width of the coarsest block, by hand.
SIZES = {
    (1024, 1024): (4, 4), (1024, 512): (4, 2), (256, 128): (4, 2), (128, 256): (4, 8), (8, 24): (4, 12), (64, 16): (4, 1),
    (192, 256): (3, 4), (96, 160): (3, 5), (256, 192): (4, 3), (160, 96): (5, 3), (96, 96): (3, 3), (24, 24): (3, 3),
    (128, 48): (8, 3), (72, 100): (18, 25), (6, 8): (3, 4), (8, 6): (4, 3), (32, 12): (8, 3), (720, 1280): (45, 80),
}  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
def test_blocks_double_from_the_coarsest_to_the_whole_image(size):
    sizes = block_sizes(*size)
    assert sizes[0] == SIZES[size] and sizes[-1] == size
    assert all((2 * h, 2 * w) == finer for (h, w), finer in pairwise(sizes))


@pytest.mark.parametrize(("height", "width"), [(12, 20), (20, 12), (12, 12), (24, 32), (12, 14), (96, 160), (192, 256)])
def test_networks_of_other_sizes_draw_judge_and_learn(height, width):
    torch.manual_seed(0)
    G = Generator(height=height, width=width, z_dim=8, w_dim=8, mapping_layers=2, channel_base=256, channel_max=8)
    D = Discriminator(height=height, width=width, channel_base=256, channel_max=8)
    coarsest = block_sizes(height, width)[0]
    assert getattr(G.synthesis, f"b{coarsest[0]}").const.shape[1:] == coarsest
    images = G(torch.randn(2, 8))
    logits = D(images)
    assert images.shape == (2, 3, height, width) and logits.shape == (2, 1)
    assert r1_penalty(D, images).isfinite().all()
    logits.sum().backward()
    silent = {
        name for net in (G, D) for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0
    }
    assert {name for name in silent if not name.endswith("noise_strength")} == set()
    for network in (G, D):
        again = type(network)(**network.architecture)
        again.load_state_dict(network.state_dict())


def test_architecture_rebuilds_the_network():
    for network in (Generator(**TINY, z_dim=8, w_dim=8, conv_clamp=256), Discriminator(**TINY, mbstd_group_size=2)):
        again = type(network)(**network.architecture)
        again.load_state_dict(network.state_dict())
        assert again.architecture == network.architecture


def test_wrong_inputs_are_named():
    G, D = Generator(**TINY, z_dim=8, w_dim=8, c_dim=3), Discriminator(**TINY, c_dim=3)
    with pytest.raises(ValueError, match="z must have the shape"):
        G(torch.randn(2, 9), torch.eye(3)[:2])
    with pytest.raises(ValueError, match="conditional"):
        G(torch.randn(2, 8))
    with pytest.raises(ValueError, match="conditional"):
        D(torch.randn(2, 3, 8, 8))
    with pytest.raises(ValueError, match="img must have the shape"):
        D(torch.randn(2, 3, 8, 16))
    with pytest.raises(ValueError, match="ws must have the shape"):
        G.synthesis(torch.randn(2, 8))
    with pytest.raises(ValueError, match="noise_mode"):
        G.synthesis(torch.randn(2, G.num_ws, 8), noise_mode="some")
    with pytest.raises(ValueError, match="groups of 4"):
        D(torch.randn(6, 3, 8, 8), torch.eye(3).repeat(2, 1))


def test_frozen_weights_may_still_change():
    """What is remembered of a frozen weight is forgotten when the weight changes, by whatever way."""
    G = Generator(**TINY, z_dim=8, w_dim=8).eval().requires_grad_(False)
    other = Generator(**TINY, z_dim=8, w_dim=8).eval().requires_grad_(False)
    ws = torch.randn(2, G.num_ws, 8)
    with torch.inference_mode():
        before = G.synthesis(ws)
    assert torch.equal(G.synthesis(ws), before)
    G.load_state_dict(other.state_dict())
    assert torch.equal(G.synthesis(ws), other.synthesis(ws))
    with torch.no_grad():
        for mine, theirs in zip(G.parameters(), copy.deepcopy(G).requires_grad_(True).parameters(), strict=True):
            mine.copy_(theirs * 1.5)
    fresh = Generator(**G.architecture)
    fresh.load_state_dict(G.state_dict())
    torch.testing.assert_close(G.synthesis(ws), fresh.synthesis(ws).detach())
    assert torch.equal(pickle.loads(pickle.dumps(G)).synthesis(ws), G.synthesis(ws))


def test_frozen_after_inference_mode_still_gives_gradients():
    G = Generator(**TINY, z_dim=8, w_dim=8).eval().requires_grad_(False)
    ws = torch.randn(2, G.num_ws, 8)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        G.synthesis(ws)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        (gradient,) = torch.autograd.grad(G.synthesis(ws.requires_grad_()).sum(), ws)
    assert torch.isfinite(gradient).all()


LAYERS = [f"b{h}.{name}" for h in (16, 8) for name in ("fromrgb", "conv0", "conv1", "skip")]
LAYERS.remove("b8.fromrgb")


@pytest.mark.parametrize("count", [0, 1, 3, 5, 7])
def test_frozen_layers_are_buffers(count):
    """The first layers from the image on keep their names, results and values, but take no part in training."""
    torch.manual_seed(0)
    D = Discriminator(height=16, width=16, channel_base=64, channel_max=8)
    names, images = list(D.state_dict()), torch.randn(4, 3, 16, 16)
    before = D(images)
    D.freeze(count)
    torch.testing.assert_close(D(images), before)
    assert sorted(D.state_dict()) == sorted(names)
    frozen = {name.rpartition(".")[0] for name, _ in D.named_buffers() if name.endswith((".weight", ".bias"))}
    trained = {name.rpartition(".")[0] for name, _ in D.named_parameters()}
    assert frozen == set(LAYERS[:count])
    assert not frozen & trained
    D.requires_grad_(True)
    loss = r1_penalty(D, images).mean() + D(images).mean()
    loss.backward()
    assert all(parameter.grad is not None for name, parameter in D.named_parameters() if name != "b4.out.bias")
    for again in (copy.deepcopy(D), pickle.loads(pickle.dumps(D))):
        assert torch.equal(again(images), D(images))
        assert len(list(again.parameters())) == len(list(D.parameters()))
    other = Discriminator(**D.architecture)
    D.load_state_dict(other.state_dict())
    other.load_state_dict(D.state_dict())
    torch.testing.assert_close(D(images), other(images))


@pytest.mark.parametrize("count", [-1, 5])
def test_freezing_more_layers_than_there_are(count):
    with pytest.raises(ValueError, match=f"^freeze_d={count}: must be from 0 to 4"):
        Discriminator(**TINY).freeze(count)


@pytest.mark.parametrize(
    "wrong", [{"w_dim": 100_000}, {"z_dim": 2**24}, {"channel_max": 20_000}, {"mapping_layers": 65}]
)
def test_sizes_beyond_every_network_are_refused_before_they_take_memory(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"^{name}={value}: must be at most "):
        Generator(**({"height": 16, "width": 8} | wrong))
