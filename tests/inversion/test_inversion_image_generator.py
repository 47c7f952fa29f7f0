import torch

from insetgan.inversion.image_generator import NUMBER, ImageGenerator
from insetgan.refine.latents import Latents


def test_it_draws_the_numbered_images_and_nothing_moves():
    images = torch.rand(3, 3, 8, 4)
    generator = ImageGenerator(images)
    latents = Latents({NUMBER: torch.tensor([2.0, 0.0, 2.0])}, generator)
    assert torch.equal(generator.render(latents.tensors), images[[2, 0, 2]])
    assert (generator.height, generator.width) == (8, 4)
    assert latents.moving == [] and latents.space == "image"
    assert torch.equal(latents.distance, torch.zeros(3, 1)) and torch.equal(latents.offsets, torch.zeros(3, 1))
    assert torch.equal(generator.sample(torch.zeros(2, 1), torch.ones(2, 1))[NUMBER], torch.zeros(2))
    assert generator.files() == [] and generator.mean[NUMBER].shape == ()
