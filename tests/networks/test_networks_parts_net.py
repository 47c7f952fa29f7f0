import pytest
import torch

from insetgan.networks.parts_net import STRIDE, PartsNet


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    return PartsNet(working_height=64).eval()


def test_shapes(network):
    out = network(torch.zeros(2, 3, 64, 32))
    assert out.boxes.shape == (2, 4, 4)
    assert out.scores.shape == (2, 4)
    assert out.heat.shape == (2, 4, 16, 8)
    assert [tuple(f.shape) for f in network.features(torch.zeros(1, 3, 64, 32))] == [
        (1, 16, 64, 32), (1, 32, 32, 16), (1, 64, 16, 8), (1, 96, 8, 4), (1, 128, 4, 2),
    ]  # fmt: skip


def test_votes_by_hand(network):
    # All the weight on row 2, column 3 of the map, whose centre is (14, 10); edges 1, 2, 3, 4 away.
    heat = torch.full((1, 4, 16, 8), -50.0)
    heat[:, :, 2, 3] = 50.0
    edges = torch.zeros(1, 4, 4, 16, 8)
    edges[..., 2, 3] = torch.tensor([1.0, 2.0, 3.0, 4.0])
    assert network._vote(heat, edges)[0, 0].tolist() == [13.0, 8.0, 17.0, 14.0]
    assert STRIDE == 4


def test_boxes_scale_with_the_picture(network):
    small = torch.rand(1, 3, 64, 32) * 2 - 1
    large = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    # Resampling twice the size down again is not quite the identity, so boxes agree to a pixel or two.
    torch.testing.assert_close(network(large).boxes, 2 * network(small).boxes, atol=2.0, rtol=0)


def test_samples_do_not_influence_each_other(network):
    pictures = torch.rand(3, 3, 64, 32) * 2 - 1
    together, alone = network(pictures), network(pictures[1:2])
    torch.testing.assert_close(together.boxes[1:2], alone.boxes, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(together.scores[1:2], alone.scores, atol=1e-5, rtol=1e-4)


def test_gradients_reach_the_picture_through_features(network):
    picture = torch.rand(1, 3, 32, 32, requires_grad=True)
    sum(f.square().mean() for f in network.features(picture)).backward()
    assert picture.grad.abs().sum() > 0


def test_untrained_network_says_no(network):
    assert network(torch.rand(2, 3, 64, 32)).scores.max() < 0.5
