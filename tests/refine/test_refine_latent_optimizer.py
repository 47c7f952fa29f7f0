import pytest
import torch

from insetgan.networks.layered import Layered
from insetgan.refine.latent_optimizer import Best, LatentOptimizer
from insetgan.refine.latents import CANVAS, Latents


def codes(value, samples=2):
    tensors = {"shared": torch.full((samples, 2), float(value)), "delta": torch.zeros(samples, 3, 2)}
    return Latents(tensors, Layered(), space="w")


def test_steps_are_those_of_adam_by_hand():
    optimizer = LatentOptimizer({CANVAS: codes(1, 1), "face": codes(1, 1)})
    weight, mean, square = 1.0, 0.0, 0.0
    for number, gradient in enumerate((0.5, -2.0, 0.1), start=1):
        loss = gradient * optimizer.latents[CANVAS].tensors["shared"].sum(1)
        optimizer.step(("canvas",), loss, {"canvas": 0.1}, torch.tensor([True]))
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        weight -= 0.1 * (mean / (1 - 0.9**number)) / (square / (1 - 0.999**number)) ** 0.5
        assert optimizer.latents[CANVAS].tensors["shared"].tolist() == [pytest.approx([weight, weight], rel=1e-5)]
    assert torch.equal(optimizer.latents["face"].tensors["shared"], torch.ones(1, 2))


def test_a_better_state_is_kept_for_running_samples_alone():
    best = Best({CANVAS: codes(0)}, {})
    everywhere, first = torch.tensor([True, True]), torch.tensor([True, False])
    best.offer(torch.tensor([3.0, 3.0]), {CANVAS: codes(1)}, {}, 4, everywhere)
    best.offer(torch.tensor([2.0, 2.0]), {CANVAS: codes(2)}, {}, 5, first)
    best.offer(torch.tensor([2.0, 4.0]), {CANVAS: codes(3)}, {}, 6, everywhere)
    assert best.total.tolist() == [2, 3] and best.step.tolist() == [5, 4]
    assert best.latents[CANVAS].tensors["shared"].tolist() == [[2, 2], [1, 1]]
