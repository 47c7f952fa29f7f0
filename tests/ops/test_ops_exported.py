"""While a network is exported, functions with gradients of their own are called plainly, and give the same."""

import pytest
import torch

from insetgan.networks.synthesis import prepare
from insetgan.ops.convolution import correlate, correlate_adjoint
from insetgan.ops.fir import blur2d, upsample2d
from insetgan.ops.modulated_conv import conv2d_up, fan_out, shifted_leaky_relu

X, WEIGHT = torch.randn(2, 3, 7, 6, generator=torch.manual_seed(1)), torch.randn(4, 3, 3, 3)
CASES = {
    "correlate": lambda: correlate(X, WEIGHT, torch.arange(4.0), stride=2, padding=1, slope=0.2),
    "correlate without bias": lambda: correlate(X, WEIGHT, padding=1),
    "adjoint": lambda: correlate_adjoint(torch.ones(2, 4, 5, 4), WEIGHT, torch.Size((7, 6))),
    "adjoint, stride 2": lambda: correlate_adjoint(torch.ones(2, 4, 3, 2), WEIGHT, torch.Size((7, 6)), stride=2),
    "adjoint, padding": lambda: correlate_adjoint(
        torch.ones(2, 4, 4, 3), WEIGHT, torch.Size((8, 5)), stride=2, padding=1
    ),
    "blur": lambda: blur2d(X, padding=2, gain=3),
    "upsample": lambda: upsample2d(X),
    "conv2d_up": lambda: conv2d_up(X, WEIGHT),
    "shifted": lambda: shifted_leaky_relu(X.clone(), torch.ones(2, 42, 1), torch.arange(6.0).view(2, 1, 3) - 3),
    "fan_out": lambda: fan_out(X, X[:, :, 0, 0], torch.ones(2, 1, 3)),
    "fan_out, one reader": lambda: fan_out(X, None, torch.ones(2, 1, 3)),
    "prepare": lambda: prepare(WEIGHT, torch.float32, True),
    "prepare, bfloat16": lambda: prepare(WEIGHT, torch.bfloat16, False),
}


@pytest.mark.parametrize("case", CASES)
def test_plain_twins_give_the_same(case, monkeypatch):
    usual = CASES[case]()
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    plain = CASES[case]()
    for one, other in zip(*(each if isinstance(each, tuple) else (each,) for each in (usual, plain)), strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(other, one, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("case", ["correlate", "adjoint", "blur", "upsample", "shifted", "fan_out", "prepare"])
def test_no_function_of_ours_is_in_them(case, monkeypatch):
    """What an exporter cannot read would be seen here before it is seen there."""
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    monkeypatch.setattr(torch.autograd.Function, "apply", classmethod(lambda *_: pytest.fail("a function of ours")))
    CASES[case]()
