"""Several feature networks seen as one: which maps meet, and on what scale."""

import pytest
import torch
from torch import nn

from insetgan.networks.concatenated import ConcatenatedFeatures
from insetgan.networks.projected import ProjectedDiscriminator


class Pyramid(nn.Module):
    """Every map is the image, averaged, `gain` times as loud and shifted by 7."""

    def __init__(self, strides, gain=1.0):
        super().__init__()
        self.strides, self.gain = strides, nn.Parameter(torch.tensor(gain))

    def features(self, images):
        return tuple(
            nn.functional.avg_pool2d(images, s) * self.gain + (7 if self.gain != 1 else 0) for s in self.strides
        )


@pytest.fixture
def images():
    return torch.randn(32, 3, 16, 8, generator=torch.Generator().manual_seed(0)) + 0.3


@pytest.fixture
def both(images):
    return ConcatenatedFeatures(images, quiet=Pyramid((1, 2, 4)), loud=Pyramid((2, 4, 8), gain=50.0))


def test_maps_meet_by_their_size_from_fine_to_coarse(both, images):
    shapes = [tuple(each.shape[1:]) for each in both.features(images)]
    assert shapes == [(3, 16, 8), (6, 8, 4), (6, 4, 2), (3, 2, 1)]


def test_the_first_networks_maps_are_left_as_they_are(both, images):
    maps = both.features(images)
    assert torch.equal(maps[0], images)
    assert torch.equal(maps[1][:, :3], nn.functional.avg_pool2d(images, 2))


def test_further_networks_get_the_spread_of_the_first_and_no_mean(both, images):
    for each in both.features(images)[1:3]:
        first, second = each[:, :3], each[:, 3:]
        torch.testing.assert_close(second.mean((0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-4)
        # The loud maps are the quiet ones times 50 and shifted: on one scale they are the same but for their means.
        torch.testing.assert_close(second, first - first.mean((0, 2, 3), keepdim=True), rtol=1e-3, atol=1e-4)
    alone = both.features(images)[3]
    assert alone.var((0, 2, 3)).mean().sqrt().item() == pytest.approx(1, abs=0.01)


def test_scales_are_kept_with_the_weights_and_do_not_follow_the_images(both, images):
    again = ConcatenatedFeatures(images * 3 + 1, quiet=Pyramid((1, 2, 4)), loud=Pyramid((2, 4, 8), gain=50.0))
    images = torch.randn(2, 3, 16, 8)
    assert not torch.allclose(again.features(images)[3], both.features(images)[3])
    again.load_state_dict(both.state_dict())
    for ours, theirs in zip(again.features(images), both.features(images), strict=True):
        assert torch.equal(ours, theirs)


def test_critics_look_through_it_and_gradients_reach_the_image(both):
    torch.manual_seed(0)
    judge = ProjectedDiscriminator(both, height=16, width=8, scales=(1, 2), mixed_channels=4, critic_channels=4)
    assert {name.split(".")[0] for name, _ in judge.named_parameters()} == {"critics", "image_critic"}
    images = torch.randn(2, 3, 16, 8).requires_grad_()
    judge(images).mean().backward()
    assert bool((images.grad.abs().amax((1, 2, 3)) > 0).all())


def test_channels_in_lower_precision_are_widened(images):
    class Half(Pyramid):
        def features(self, images):
            return tuple(each.bfloat16() for each in super().features(images))

    mixed = ConcatenatedFeatures(images, narrow=Half((1, 2)), wide=Pyramid((2,)))
    assert [each.dtype for each in mixed.features(images)] == [torch.bfloat16, torch.float32]


def test_too_little_to_find_scales_is_refused(images):
    with pytest.raises(ValueError, match="needs two images and a network"):
        ConcatenatedFeatures(images[:1], quiet=Pyramid((1,)))
    with pytest.raises(ValueError, match="needs two images and a network"):
        ConcatenatedFeatures(images)
