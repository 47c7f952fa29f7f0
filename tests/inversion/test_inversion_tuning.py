import pytest
import torch

from insetgan.inversion.projector import mean_start
from insetgan.inversion.tuning import Tuning
from insetgan.ops.images import seeded_latents


def test_the_pivot_comes_to_draw_the_image_and_the_generator_stays(generator):
    image, pivot = torch.rand(1, 3, 16, 16) * 2 - 1, mean_start(generator, 1)
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    tuned = Tuning(steps=60, rate=0.01).tune(generator, image, pivot)
    errors = [(each.render(pivot.tensors) - image).square().mean() for each in (generator, tuned)]
    assert errors[1] < 0.7 * errors[0]
    assert all(torch.equal(tensor, before[name]) for name, tensor in generator.state_dict().items())
    assert not any(parameter.requires_grad for parameter in tuned.parameters())


def test_locality_holds_other_images(generator):
    image, pivot = torch.rand(1, 3, 16, 16) * 2 - 1, mean_start(generator, 1)
    z = seeded_latents(range(50, 58), 8)

    def strayed(locality):
        tuned = Tuning(steps=40, rate=0.01, locality=locality).tune(generator, image, pivot)
        return float((tuned(z) - generator(z)).square().mean())

    assert strayed(20.0) < 0.5 * strayed(0.0)


def test_one_image_at_a_time(generator):
    with pytest.raises(ValueError, match="one image"):
        Tuning(steps=1).tune(generator, torch.zeros(2, 3, 16, 16), mean_start(generator, 2))
