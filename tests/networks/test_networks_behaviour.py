"""What the networks do beyond the reference numbers: averages, truncation, noise, clamping, independence of samples."""

import pytest
import torch
import torch.nn.functional as F

from insetgan.networks import Discriminator, Generator
from insetgan.networks.discriminator import minibatch_std
from insetgan.networks.synthesis import prepare

SMALL = {"height": 16, "width": 8, "channel_base": 128, "channel_max": 16}


@pytest.fixture
def G():
    torch.manual_seed(0)
    G = Generator(**SMALL, z_dim=8, w_dim=8, mapping_layers=2)
    with torch.no_grad():
        for name, parameter in G.named_parameters():
            if name.endswith(("noise_strength", "bias")):
                parameter.add_(0.3)
    return G.eval().requires_grad_(False)


def test_mean_of_w_follows_the_batches(G):
    z = torch.randn(16, 8)
    w = G.mapping(z)[:, 0]
    G.mapping(z)
    assert torch.equal(G.mapping.w_avg, torch.zeros(8))
    G.mapping(z, update_w_avg=True)
    torch.testing.assert_close(G.mapping.w_avg, 0.002 * w.mean(0))
    G.mapping(z, update_w_avg=True)
    torch.testing.assert_close(G.mapping.w_avg, (0.002 + 0.002 * 0.998) * w.mean(0))


def test_truncation(G):
    G.mapping.w_avg.copy_(torch.randn(8))
    z = torch.randn(2, 8)
    ws = G.mapping(z)
    assert torch.equal(G.mapping(z, truncation_psi=0), G.mapping.w_avg.expand_as(ws))
    cut = G.mapping(z, truncation_psi=0.7, truncation_cutoff=2)
    torch.testing.assert_close(cut[:, :2], G.mapping.w_avg + 0.7 * (ws[:, :2] - G.mapping.w_avg))
    assert torch.equal(cut[:, 2:], ws[:, 2:])


def test_random_noise_differs_and_is_seeded(G):
    ws = G.mapping(torch.randn(1, 8)).repeat(2, 1, 1)
    torch.manual_seed(1)
    first = G.synthesis(ws, noise_mode="random")
    torch.manual_seed(1)
    assert torch.equal(G.synthesis(ws, noise_mode="random"), first)
    assert not torch.allclose(first[0], first[1])
    constant = G.synthesis(ws, noise_mode="const")
    torch.testing.assert_close(constant[0], constant[1])


@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_samples_of_a_batch_do_not_meet(G, dtype):
    z = torch.randn(5, 8)
    with torch.autocast("cpu", dtype=dtype, enabled=dtype is not None):
        together, alone = G(z), torch.cat([G(row[None]) for row in z])
    assert (together - alone).norm() / alone.norm() < (1e-5 if dtype is None else 0.01)


def test_clamping_far_out_changes_nothing(G):
    clamped = Generator(**{**G.architecture, "conv_clamp": 256.0})
    clamped.load_state_dict(G.state_dict())
    z = torch.randn(2, 8)
    torch.testing.assert_close(clamped(z).detach(), G(z))


def test_clamping_limits_features_and_image(G):
    """At a tiny limit every feature is at it, so the image is a sum of at most one limit a block."""
    limit = 1e-3
    clamped = Generator(**{**G.architecture, "conv_clamp": limit})
    clamped.load_state_dict(G.state_dict())
    assert clamped(torch.randn(4, 8)).abs().max() <= limit * len(clamped.synthesis.heights) * (1 + 1e-5)
    features, gain = clamped.synthesis.b4.conv1(torch.randn(2, 16, 4, 2), torch.ones(2, 16), "const")
    largest = (features * gain[:, :, None, None]).abs().amax()
    assert float(largest.detach()) == pytest.approx(limit)


def test_discriminator_clamp():
    torch.manual_seed(0)
    D = Discriminator(**SMALL, conv_clamp=256)
    loose = Discriminator(**SMALL)
    loose.load_state_dict(D.state_dict())
    images = torch.randn(4, 3, 16, 8)
    torch.testing.assert_close(D(images), loose(images))
    tight = Discriminator(**SMALL, conv_clamp=1e-3)
    tight.load_state_dict(D.state_dict())
    assert not torch.allclose(tight(images), loose(images))


def test_minibatch_std_groups_samples_with_a_stride():
    x = torch.randn(8, 3, 2, 2)
    y = minibatch_std(x, 4)
    assert torch.equal(y[:, :3], x)
    for start in range(2):
        group = x[start::2]
        expected = ((group - group.mean(0)).square().mean(0) + 1e-8).sqrt().mean()
        torch.testing.assert_close(y[start::2, 3], expected.expand(4, 2, 2))


@pytest.mark.parametrize("up", [False, True])
def test_prepared_weights(up):
    """A working copy in the order that its convolution reads, the squares' sums, and the gradients of both."""
    weight = torch.randn(2, 3, 3, 3, dtype=torch.float64).requires_grad_()
    working, energy = prepare(weight, torch.float64, up)
    assert torch.equal(working, weight)
    read = working.transpose(0, 1) if up else working
    assert read.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(energy, weight.square().sum((2, 3)))
    assert prepare(weight, torch.bfloat16, up)[0].dtype == torch.bfloat16
    assert torch.autograd.gradcheck(lambda weight: prepare(weight, torch.float64, up), weight)
    assert torch.autograd.gradgradcheck(lambda weight: prepare(weight, torch.float64, up), weight)


def test_derivatives_of_a_whole_network():
    """First and second derivatives of images with respect to latents, in float64."""
    torch.manual_seed(0)
    G = Generator(height=8, width=8, channel_base=16, channel_max=2, z_dim=2, w_dim=2, mapping_layers=1).double()
    ws = torch.randn(1, G.num_ws, 2, dtype=torch.float64).requires_grad_()
    G.requires_grad_(False)
    assert torch.autograd.gradcheck(G.synthesis, ws)
    assert torch.autograd.gradgradcheck(G.synthesis, ws)


def test_second_derivatives_under_autocast():
    """R1 and path length can be trained in bfloat16: their gradients are finite and near those of float32."""
    torch.manual_seed(0)
    G, D = Generator(**SMALL, z_dim=8, w_dim=8, mapping_layers=2), Discriminator(**SMALL)
    images, z, noise = torch.randn(4, 3, 16, 8), torch.randn(4, 8), torch.randn(4, 3, 16, 8)
    gradients = {}
    for short in (False, True):
        x = images.clone().requires_grad_()
        ws = G.mapping(z)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=short):
            logits, drawn = D(x), G.synthesis(ws)
        (slope,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
        (response,) = torch.autograd.grad((drawn * noise).sum(), ws, create_graph=True)
        loss = slope.square().sum((1, 2, 3)).mean() + response.square().sum(2).mean(1).sqrt().mean()
        parameters = [p for network in (G, D) for p in network.parameters()]
        parts = torch.autograd.grad(loss, parameters, allow_unused=True)
        gradients[short] = torch.cat([part.flatten() for part in parts if part is not None])
    assert torch.isfinite(gradients[True]).all()
    assert F.cosine_similarity(gradients[False], gradients[True], dim=0) > 0.99
