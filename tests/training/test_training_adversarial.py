import math

import torch
from torch import Tensor

from insetgan.training.adversarial import (
    LOSSES,
    discriminator_hinge_loss,
    discriminator_loss,
    generator_hinge_loss,
    generator_loss,
    r1_penalty,
)


def test_losses_are_softplus_per_sample():
    real, fake = torch.tensor([[0.0], [2.0]]), torch.tensor([[0.0], [-1.0]])
    expected = [math.log(2) * 2, math.log1p(math.exp(-2)) + math.log1p(math.exp(-1))]
    torch.testing.assert_close(discriminator_loss(real, fake), torch.tensor(expected))
    torch.testing.assert_close(generator_loss(fake), torch.tensor([math.log(2), math.log1p(math.exp(1))]))


def test_hinge_losses_by_hand_per_sample_over_all_judgements():
    real, fake = torch.tensor([[0.5, 3.0], [-1.0, 1.0]]), torch.tensor([[-2.0, 0.0], [1.0, -1.0]])
    # max(0, 1 - real): .5 0 | 2 0; max(0, 1 + fake): 0 1 | 2 0
    torch.testing.assert_close(discriminator_hinge_loss(real, fake), torch.tensor([0.75, 2.0]))
    torch.testing.assert_close(generator_hinge_loss(fake), torch.tensor([1.0, 0.0]))
    assert LOSSES["hinge"].generator is generator_hinge_loss
    assert LOSSES["logistic"].discriminator is discriminator_loss


def test_r1_of_a_linear_critic_is_its_squared_weight():
    weight = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(0)).requires_grad_()

    def critic(images: Tensor) -> Tensor:
        return (images * weight).sum(dim=(1, 2, 3))[:, None]

    penalty = r1_penalty(critic, torch.zeros(5, 3, 4, 2))
    torch.testing.assert_close(penalty, weight.square().sum().expand(5))
    penalty.mean().backward()
    torch.testing.assert_close(weight.grad, 2 * weight)


def test_r1_is_per_sample():
    images = torch.tensor([1.0, -3.0]).view(2, 1, 1, 1)
    penalty = r1_penalty(lambda x: x.square().flatten(1), images)
    torch.testing.assert_close(penalty, torch.tensor([4.0, 36.0]))
