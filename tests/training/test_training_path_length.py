"""Path lengths by hand; against the public implementation they are checked in tests/networks/test_networks_parity.py."""

import math

import pytest
import torch
import torch.nn.functional as F

from insetgan.networks import Generator
from insetgan.training.path_length import path_lengths


def test_of_a_linear_map_by_hand():
    """Two rows, one pixel of one colour: J^T y is y times the matrix."""
    ws = torch.zeros(1, 2, 2, requires_grad=True)
    matrix = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    images = (ws * matrix).sum().view(1, 1, 1, 1)
    lengths = path_lengths(images, ws, torch.full((1, 1, 1, 1), 2.0))
    assert float(lengths.detach()) == pytest.approx(2 * math.sqrt((25 + 4) / 2))


def test_do_not_depend_on_the_resolution():
    """The same content at twice the size, noise of the same strength a pixel: the same expected length."""
    generator = torch.Generator().manual_seed(0)
    basis = torch.randn(2048, 4, generator=generator)
    means = []
    for repeats in (1, 2):
        ws = torch.ones(256, 1, 4, requires_grad=True)
        images = (ws[:, 0] @ basis.t()).view(256, 2, 32, 32).repeat_interleave(repeats, 2).repeat_interleave(repeats, 3)
        noise = torch.randn(images.shape, generator=generator)
        means.append(float(path_lengths(images, ws, noise).mean().detach()))
    assert means[0] == pytest.approx(means[1], rel=0.1)


def test_can_be_minimised():
    """The gradient with respect to a weight agrees with finite differences."""
    ws = torch.randn(2, 1, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    noise = torch.randn(2, 1, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def total(weight):
        images = torch.tanh(ws[:, 0] @ weight).view(2, 1, 2, 2)
        return path_lengths(images, ws, noise).sum()

    weight = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2)).requires_grad_()
    assert torch.autograd.gradcheck(total, weight)


def test_under_autocast():
    torch.manual_seed(0)
    G = Generator(height=16, width=8, z_dim=8, w_dim=8, mapping_layers=2, channel_base=128, channel_max=16)
    ws, noise = G.mapping(torch.randn(4, 8)), torch.randn(4, 3, 16, 8)
    gradients = []
    for short in (False, True):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=short):
            lengths = path_lengths(G.synthesis(ws), ws, noise)
        assert lengths.dtype == torch.float32
        parts = torch.autograd.grad(lengths.square().mean(), list(G.synthesis.parameters()), allow_unused=True)
        gradients.append(torch.cat([part.flatten() for part in parts if part is not None]))
    assert F.cosine_similarity(*gradients, dim=0) > 0.99
