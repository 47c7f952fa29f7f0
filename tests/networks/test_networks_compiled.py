"""torch.compile of the networks gives the gradients of the main phases; penalties go on with the networks themselves."""

import shutil

import pytest
import torch
import torch.nn.functional as F

from insetgan.networks import Discriminator, Generator
from insetgan.training.adversarial import r1_penalty
from insetgan.training.path_length import path_lengths

SHAPE = {"height": 16, "width": 8, "channel_base": 128, "channel_max": 8}
BACKENDS = [
    "aot_eager",
    pytest.param(
        "inductor",
        marks=[
            pytest.mark.slow,
            pytest.mark.timeout(900),
            pytest.mark.skipif(shutil.which("g++") is None, reason="no compiler"),
        ],
    ),
]


@pytest.fixture
def networks():
    torch.manual_seed(0)
    G = Generator(**SHAPE, z_dim=8, w_dim=8, mapping_layers=2)
    D = Discriminator(**SHAPE)
    with torch.no_grad():
        for name, parameter in G.named_parameters():
            if name.endswith(("noise_strength", "bias")):
                parameter.add_(0.3)
    yield G, D
    torch.compiler.reset()


def gradients(network, other, loss):
    network.requires_grad_(True).zero_grad()
    other.requires_grad_(False)
    loss().backward()
    return torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("backend", BACKENDS)
def test_gradients_of_the_main_phases(networks, backend, dtype):
    """Two rounds of both phases, so that the switch between trained and frozen weights is seen."""
    G, D = networks
    synthesis, judge = (torch.compile(part, backend=backend, fullgraph=True) for part in (G.synthesis, D))
    z, real, noise = torch.randn(4, 8), torch.randn(4, 3, 16, 8), torch.randn(4, 3, 16, 8)

    def generator_loss(synthesis, judge):
        return F.softplus(-judge(synthesis(G.mapping(z), noise_mode="const"))).mean()

    def discriminator_loss(synthesis, judge):
        with torch.no_grad():
            fake = synthesis(G.mapping(z), noise_mode="const")
        return (F.softplus(judge(fake)) + F.softplus(-judge(real))).mean()

    def short(loss):
        with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
            return loss()

    for _ in range(2):
        for network, other, loss in ((G, D, generator_loss), (D, G, discriminator_loss)):
            exact = gradients(network, other, lambda loss=loss: loss(G.synthesis, D))
            compiled = gradients(network, other, lambda loss=loss: short(lambda: loss(synthesis, judge)))
            if dtype == torch.float32:
                torch.testing.assert_close(compiled, exact, rtol=1e-4, atol=1e-5 * float(exact.abs().max()))
            else:
                assert F.cosine_similarity(compiled, exact, dim=0) > 0.97
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter.add_(parameter.grad, alpha=-0.1)

    def path_length():
        ws = G.mapping(z)
        return path_lengths(G.synthesis(ws), ws, noise).sum()

    for network, other, loss in ((G, D, path_length), (D, G, lambda: r1_penalty(D, real).sum())):
        assert torch.isfinite(gradients(network, other, loss)).all()
