import pytest
import torch

from insetgan.metrics.images import generated_images, quantised, real_images
from insetgan.ops.images import seeded_latents


def test_quantised_as_the_field_does():
    images = torch.tensor([-9.0, -1.0, -0.5, 0.0, 0.5, 1.0, 9.0])
    assert quantised(images).tolist() == [0, 0, 64, 128, 191, 255, 255]
    assert quantised(images).dtype == torch.uint8


def numbered(count):
    return [torch.full((3, 2, 2), index, dtype=torch.uint8) for index in range(count)]


def numbers(batches):
    return torch.cat(list(batches))[:, 0, 0, 0].tolist()


def test_all_real_images_or_a_fixed_choice():
    assert numbers(real_images(numbered(70), 100)) == list(range(70))
    chosen = numbers(real_images(numbered(200), 70))
    assert chosen == numbers(real_images(numbered(200), 70))
    assert len(set(chosen)) == 70
    assert chosen != list(range(70))


def test_mirrored_ones_come_on_top_and_labels_are_left_out():
    image = torch.arange(12, dtype=torch.uint8).view(3, 2, 2)
    found = torch.cat(list(real_images([(image, torch.ones(2))], 5, mirror=True)))
    assert torch.equal(found, torch.stack([image, image.flip(2)]))


def test_generated_ones_are_those_of_the_seeds_without_truncation():
    calls = []

    def draw(latents, psi):
        calls.append(psi)
        return latents.view(-1, 3, 1, 1) / 4

    found = torch.cat(list(generated_images(draw, 3, 40, seed=7)))
    assert torch.equal(found, quantised(seeded_latents(range(7, 47), 3).view(-1, 3, 1, 1) / 4))
    assert set(calls) == {1.0}


def test_each_generated_image_draws_a_label_of_the_data_set():
    labels = torch.eye(4)[[0, 0, 0, 2]]

    def draw(latents, psi, given):
        assert len(given) == len(latents)
        return given[:, :3, None, None]

    found = torch.cat(list(generated_images(draw, 3, 400, labels=labels)))[:, :, 0, 0]
    again = torch.cat(list(generated_images(draw, 3, 400, labels=labels)))[:, :, 0, 0]
    assert torch.equal(found, again)
    shares = (found == 255).float().mean(0)
    assert shares[1] == 0
    assert shares[0].item() == pytest.approx(0.75, abs=0.08)


def test_images_that_are_not_finite_are_refused():
    with pytest.raises(FloatingPointError):
        list(generated_images(lambda z, psi: torch.full((len(z), 3, 2, 2), float("nan")), 3, 4))
