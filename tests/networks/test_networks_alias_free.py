"""StyleGAN3: names and sizes of published networks, movements and turns that come out in the image, gradients."""

import copy

import pytest
import torch

from insetgan.networks.alias_free import AliasFreeGenerator
from insetgan.networks.alias_free_layers import FourierInput
from insetgan.networks.alias_free_signals import Signal, signals, steps
from insetgan.networks.layered import Layered
from insetgan.weights.plan import planned

SMALL = {"z_dim": 16, "w_dim": 16, "channel_base": 512, "channel_max": 12}
T, R = {}, {"conv_kernel": 1, "radial_filters": True}


def make(size=64, **shape):
    torch.manual_seed(0)
    network = AliasFreeGenerator(height=size, width=size, **{**SMALL, **shape}).eval().requires_grad_(False)
    for name, buffer in network.named_buffers():
        if name.endswith("magnitude_ema"):
            buffer.fill_(0.5)
    return network


# The names and numbers of values that NVIDIA's training prints: issues 194 (T) and 49 and 40 (R) of NVlabs/stylegan3.
PUBLISHED = [
    (1024, 65536, 1024, ["L0_36_1024", "L1_36_1024", "L2_52_1024", "L3_52_1024", "L4_84_1024", "L5_148_1024", "L6_148_1024",
     "L7_276_645", "L8_276_406", "L9_532_256", "L10_1044_161", "L11_1044_102", "L12_1044_64", "L13_1024_64", "L14_1024_3"]),
    (128, 65536, 1024, ["L0_36_1024", "L1_36_1024", "L2_36_1024", "L3_52_1024", "L4_52_1024", "L5_52_1024", "L6_84_1024",
     "L7_84_1024", "L8_84_1024", "L9_148_1024", "L10_148_912", "L11_148_683", "L12_148_512", "L13_128_512", "L14_128_3"]),
]  # fmt: skip


@pytest.mark.parametrize(("size", "base", "most", "names"), PUBLISHED)
def test_layers_are_called_as_published_ones(size, base, most, names):
    found = signals(size, channel_base=base, channel_max=most, img_channels=3)
    assert [name for name, _, _ in steps(found)] == names


def test_parameters_and_buffers_are_as_many_as_published():
    """R at 128 x 128 (issue 40): parameters and buffers of each layer without its affine one, and of the input."""
    with planned():
        network = AliasFreeGenerator(height=128, width=128, channel_base=65536, channel_max=1024, **R)
    expected = {
        "input": (1024 * 1024, 3081), "L8_84_1024": (1049600, 157), "L9_148_1024": (1049600, 169),
        "L10_148_912": (934800, 157), "L11_148_683": (623579, 157), "L12_148_512": (350208, 25),
        "L13_128_512": (262656, 25), "L14_128_3": (1539, 1),
    }  # fmt: skip
    for name, (parameters, buffers) in expected.items():
        layer = network.synthesis.get_submodule(name)
        own = sum(each.numel() for each in layer.parameters(recurse=False))
        assert (own, sum(each.numel() for each in layer.buffers())) == (parameters, buffers), name
    assert network.synthesis.input.affine.weight.numel() + 4 == 2052 and network.num_ws == 16


def test_bands_by_hand():
    """At 1024 x 1024: the first layer, the one half-way between 2 and 512 cycles, and the last."""
    found = signals(1024, channel_base=32768, channel_max=512, img_channels=3)
    first, middle, last = found[0], found[6], found[13]
    assert (first.cutoff, first.rate, first.size, first.channels) == (2, 16, 36, 512)
    assert first.half_width == 16 / 2 - 2, "the stopband, 4.3, is below half the sampling rate"
    assert middle.cutoff == pytest.approx(32) and middle.rate == 128 and middle.half_width == pytest.approx(64 - 32)
    assert (last.cutoff, last.rate, last.size, last.channels) == (512, 1024, 1024, 32)
    assert last.half_width == pytest.approx(512 * 2**0.3 - 512)


def test_waves_fade_away_where_the_sampling_rate_can_no_longer_hold_them():
    layer = FourierInput(w_dim=3, signal=Signal(cutoff=2.0, half_width=6.0, rate=16, size=36, channels=3))
    layer.freqs.copy_(torch.tensor([[2.0, 0.0], [0.0, 5.0], [8.5, 0.0]]))  # within the band, half-way, too fast
    layer.phases.copy_(torch.tensor([0.25, 0.25, 0.25]))  # a quarter: the middle of the image is a crest
    with torch.no_grad():
        layer.weight.copy_(torch.eye(3) * 3**0.5)
        waves = layer(torch.randn(1, 3))
    places = (torch.arange(36) - 17.5) / 16
    torch.testing.assert_close(waves[0, 0], torch.cos(4 * torch.pi * places).expand(36, 36), atol=1e-5, rtol=0)
    fading = 0.5 * torch.cos(10 * torch.pi * places)[:, None].expand(36, 36)
    torch.testing.assert_close(waves[0, 1], fading, atol=1e-5, rtol=0)
    assert not waves[0, 2].any()


def test_layers_follow_each_other_each_with_its_own_w():
    network = make(32)
    ws = torch.randn(2, 16, 16)
    x = network.synthesis.input(ws[:, 0])
    for row, name in enumerate(network.synthesis.names, start=1):
        x = network.synthesis.get_submodule(name)(x, ws[:, row])
    torch.testing.assert_close(network.draw(ws), x / 4)


def test_features_are_limited_and_weights_have_no_length():
    ws = torch.randn(1, 16, 16)
    assert make(32, conv_clamp=1e-3).draw(ws).abs().max() == pytest.approx(0.25e-3)
    network = make(32)
    before = network.draw(ws)
    network.synthesis.get_submodule(network.synthesis.names[5]).weight.mul_(5)
    torch.testing.assert_close(network.draw(ws), before, atol=1e-4, rtol=0)


def drawn(network, w, transform):
    moved = copy.deepcopy(network)
    moved.synthesis.input.transform.copy_(torch.tensor(transform))
    return moved.draw(w)


@pytest.mark.parametrize("kind", [T, R], ids=["t", "r"])
def test_an_image_moves_by_whole_pixels_with_its_transform(kind):
    network = make(**kind)
    w = network.mapping(torch.randn(2, 16))
    still = drawn(network, w, torch.eye(3).tolist())
    for dx, dy in ((3, 0), (0, -4), (7, 5)):  # places of the waves: what is moved to the right comes from the left
        moved = drawn(network, w, [[1.0, 0, -dx / 64], [0, 1, -dy / 64], [0, 0, 1]])
        inner = slice(12, 52)
        expected = still.roll((dy, dx), (2, 3))[..., inner, inner]
        error = (moved[..., inner, inner] - expected).square().mean().sqrt() / still.std()
        assert error < 4e-3, "56 dB are what the paper's filters keep"
    assert (moved - still).square().mean().sqrt() / still.std() > 0.1


def test_r_turns_by_right_angles_and_t_does_not():
    w = make(**R).mapping(torch.randn(1, 16))
    for kind, turns in ((R, True), (T, False)):
        network = make(**kind)
        turned = drawn(network, w, [[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
        error = (turned.rot90(3, (2, 3)) - drawn(network, w, torch.eye(3).tolist())).abs().max() / turned.std()
        assert bool(error < 1e-4) == turns, error  # exact but for rounding: every padding is the same on both sides


@pytest.mark.parametrize(
    ("told", "transform"),
    [
        ((3.0, 0.0, 0.3, -0.15), [[1.0, 0, -0.1], [0, 1, 0.05], [0, 0, 1]]),  # divided by 3, the length of (3, 0)
        ((0.0, 2.0, 0.2, -0.1), [[0.0, -1, -0.05], [1, 0, -0.1], [0, 0, 1]]),  # moved by (0.1, -0.05), then turned
    ],
)
def test_w_of_the_input_moves_the_image_as_a_transform_does(told, transform):
    network = make()
    w = network.mapping(torch.randn(1, 16))
    moved = drawn(network, w, transform)
    network.synthesis.input.affine.bias.copy_(torch.tensor(told))
    torch.testing.assert_close(network.draw(w), moved, atol=1e-5, rtol=0)


def test_layers_keep_the_size_of_features():
    """Without learned gains the magnitude_ema of a layer is the mean square of what it takes."""
    network = make(32)
    layer = network.synthesis.get_submodule(network.synthesis.names[3])
    x, w = torch.randn(4, layer.weight.shape[1], layer_size(network, 3), layer_size(network, 3)), torch.randn(4, 16)
    layer.magnitude_ema.fill_(1.0)
    plain = layer(x, w)
    layer.magnitude_ema.fill_(9.0)
    torch.testing.assert_close(layer(3 * x, w), plain)


def layer_size(network, layer):
    found = signals(32, channel_base=512, channel_max=12, img_channels=3)
    return found[layer - 1].size


def test_gradients_of_w_are_right():
    network = make(16, channel_base=32, channel_max=2, w_dim=3, z_dim=3).double()
    network.synthesis.input.affine.weight.normal_()  # zeros in a new network
    w = network.mapping(torch.randn(1, 3, dtype=torch.double)).detach()
    w = (w + 0.1 * torch.randn_like(w)).requires_grad_()
    assert torch.autograd.gradcheck(lambda w: network.draw(w)[:, :, ::3, ::3], [w], atol=1e-6, fast_mode=True)
    (gradient,) = torch.autograd.grad(network.draw(w).square().sum(), [w])
    assert (gradient.abs().sum(2) > 0).all(), "each layer and the input have their own w"


def test_a_sample_is_the_same_alone_and_under_autocast():
    network = make(32)
    assert isinstance(network, Layered) and network.layers == 16
    z = torch.randn(3, 16)
    both = network(z, truncation_psi=0.7)
    torch.testing.assert_close(network(z[1:2], truncation_psi=0.7), both[1:2], atol=1e-4, rtol=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(network(z, truncation_psi=0.7), both)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"height": 48, "width": 48}, "height=48, width=48: StyleGAN3 draws squares of a power of two from 16"),
        ({"width": 32}, "height=64, width=32: StyleGAN3 draws squares"),
        ({"conv_kernel": 5}, "conv_kernel=5: must be 3"),
    ],
)
def test_what_no_network_has_is_refused(change, says):
    with pytest.raises(ValueError, match=says):
        AliasFreeGenerator(**{"height": 64, "width": 64, **SMALL, **change})
