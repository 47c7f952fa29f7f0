"""float16 autocast: which blocks take part, and that nothing leaves the range of the type."""

import math

import pytest
import torch
import torch.nn.functional as F

from insetgan.networks import Discriminator, Generator
from insetgan.networks.layers import Conv, block_dtypes
from insetgan.networks.synthesis import StyledConv
from insetgan.training.adversarial import r1_penalty
from insetgan.training.path_length import path_lengths

SHAPE = {"height": 128, "width": 64, "channel_base": 1024, "channel_max": 16}
HALF, FULL = torch.float16, torch.float32


def half():
    return torch.autocast("cpu", dtype=torch.float16)


@pytest.fixture
def G():
    torch.manual_seed(0)
    G = Generator(**SHAPE, z_dim=16, w_dim=16, mapping_layers=2)
    with torch.no_grad():
        for name, parameter in G.named_parameters():
            if name.endswith(("noise_strength", "bias")):
                parameter.add_(0.3)
    return G


@pytest.fixture
def D():
    torch.manual_seed(1)
    return Discriminator(**SHAPE)


def error(actual, expected):
    return float(((actual - expected).norm() / expected.norm()).detach())


def watch(network, kind):
    """Note the type of the features that each layer of `kind` gives."""
    seen = {}

    def note(name):
        def hook(module, inputs, output):
            seen[name] = (output[0] if isinstance(output, tuple) else output).dtype

        return hook

    for name, module in network.named_modules():
        if isinstance(module, kind):
            module.register_forward_hook(note(name))
    return seen


def test_four_highest_resolutions(G, D):
    features, critics = watch(G.synthesis, StyledConv), watch(D, Conv)
    with half():
        images = G(torch.randn(4, 16))
        logits = D(images)
    assert images.dtype == logits.dtype == FULL
    for name, dtype in {**features, **critics}.items():
        height = int(name.split(".")[0].removeprefix("b"))
        assert dtype == (HALF if height in (16, 32, 64, 128) else FULL), name


def test_never_below_eight_pixels():
    with half():
        assert block_dtypes([4, 8, 16], device="cpu", full=FULL) == {4: FULL, 8: HALF, 16: HALF}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert set(block_dtypes([4, 8, 16], device="cpu", full=FULL).values()) == {torch.bfloat16}
    assert set(block_dtypes([4, 8], device="cpu", full=torch.float64).values()) == {torch.float64}


def test_close_to_float32(G, D):
    z = torch.randn(4, 16)
    images, logits = G(z), D(G(z))
    with half():
        assert error(G(z), images) < 5e-3
        assert error(D(images), logits) < 1e-2


def test_gradients_point_the_same_way(G, D):
    z, real, noise = torch.randn(4, 16), torch.randn(4, 3, 128, 64), torch.randn(4, 3, 128, 64)

    def main():
        return F.softplus(-D(G(z))).mean()

    def penalties():
        ws = G.mapping(z)
        return path_lengths(G.synthesis(ws), ws, noise).square().mean() + r1_penalty(D, real).mean()

    for loss in (main, penalties):
        gradients = []
        for short in (False, True):
            with torch.autocast("cpu", dtype=torch.float16, enabled=short):
                value = loss()
            parts = torch.autograd.grad(value, [*G.parameters(), *D.parameters()], allow_unused=True)
            gradients.append(torch.cat([part.flatten() for part in parts if part is not None]))
        assert torch.isfinite(gradients[1]).all()
        assert F.cosine_similarity(*gradients, dim=0) > 0.98


def enlarge(network, part):
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(part):
                parameter.mul_(1e4)


@pytest.mark.parametrize("part", ["conv0.weight", "conv1.weight", "conv0.affine.weight", "conv1.affine.weight"])
def test_huge_weights_and_styles_change_nothing(G, part):
    """Both are normalised, which demodulation undoes: image and gradients are those of float32."""
    enlarge(G.synthesis, part)
    z = torch.randn(4, 16)
    images = G(z).detach()
    with half():
        short = G(z)
    assert error(short.detach(), images) < 0.02
    short.square().mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in G.parameters())


@pytest.mark.parametrize("part", ["conv1.bias", "noise_strength", "torgb.weight", "torgb.affine.weight"])
def test_huge_shifts_and_images_stay_within_range(G, part):
    """These have no norm, but what they give is clamped."""
    enlarge(G.synthesis, part)
    with half():
        images = G(torch.randn(4, 16))
    assert torch.isfinite(images).all()


@pytest.mark.parametrize("part", ["fromrgb", "conv0", "conv1", "skip"])
def test_huge_discriminators_stay_within_range(D, part):
    enlarge(D, f"{part}.weight")
    with half():
        logits = D(torch.randn(4, 3, 128, 64))
    assert torch.isfinite(logits).all()


def test_features_are_clamped_without_a_setting():
    """float16 layers limit features to 256 though `conv_clamp` is None; others do not."""
    torch.manual_seed(0)
    layer = Conv(4, 4, 3)
    x = torch.randn(1, 4, 8, 8) * 1e4
    assert layer(x).abs().max() > 256
    assert layer(x.half()).abs().max() == 256
    assert layer(x.half(), gain=0.5).abs().max() == 128
    styled = StyledConv(4, 4, w_dim=4, size=(8, 8), up=False, clamp=None)
    styles = styled.styles(torch.randn(2, 4), HALF)
    assert styles.abs().amax(1).tolist() == [1, 1]
    torch.nn.init.constant_(styled.bias, 1e4)
    features, gain = styled(torch.randn(2, 4, 8, 8).half(), styles, "none")
    assert float((features * gain[:, :, None, None]).detach().abs().max()) == pytest.approx(256, rel=1e-3)
    assert math.isinf(float(torch.tensor(1e5, dtype=HALF)))  # what all this is about
