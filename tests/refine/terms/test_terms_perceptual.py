import pytest
import torch

from insetgan.networks.perceptual import describe, feature_distance, unit_features


def test_unit_features_have_length_one_and_zero_stays_zero():
    features = torch.randn(2, 5, 4, 4)
    features[:, :, 0, 0] = 0
    (unit,) = unit_features([features])
    length = unit.square().sum(1).sqrt()
    assert torch.allclose(length[:, 1:], torch.ones(2, 3, 4), atol=1e-4)
    assert (length[:, 0, 0] == 0).all()


def test_distance_by_hand():
    ours, theirs = torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2, 2)
    ours[:, 0], theirs[:, 1] = 1, 1  # orthogonal everywhere: 2
    opposite = torch.full((1, 1, 1, 1), -1.0)
    assert feature_distance([ours], [theirs]).item() == 2
    assert feature_distance([ours, -opposite], [theirs, opposite]).item() == 3  # mean of 2 and 4


def test_where_weighs_places_and_is_brought_to_each_scale():
    ours, theirs = torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)
    theirs[0, 0, 0, 0] = 1
    where = torch.zeros(1, 1, 4, 4)
    where[:, :, :2, :2] = 1  # exactly the first place of the 2 x 2 map
    assert feature_distance([ours], [theirs], where).item() == 1
    assert feature_distance([ours], [theirs], 1 - where).item() == 0
    assert feature_distance([ours], [theirs], torch.ones(1, 1, 4, 4)).item() == pytest.approx(0.25)


def test_low_precision_features_are_compared_in_full():
    (unit,) = unit_features([torch.randn(1, 3, 2, 2).bfloat16()])
    assert unit.dtype == torch.float32


class Weighed:
    """Features that count by channel: the second ten times as much."""

    def features(self, images):
        return (images[:, :2],)

    def compared(self, images):
        return (images[:, :2] * torch.tensor([1.0, 10.0])[:, None, None],)

    def files(self):
        return []


def test_a_network_may_weigh_its_channels_itself():
    images = torch.zeros(1, 3, 2, 2)
    other = images.clone()
    other[:, 1] = 1
    assert feature_distance(describe(Weighed(), images), describe(Weighed(), other)).item() == 100
