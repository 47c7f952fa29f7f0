import pytest
import torch

from insetgan.detection.parts_net import STRIDE, PartsNet, masks_near
from insetgan.weights.store import load_network


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


def test_boxes_scale_with_the_image(network):
    small = torch.rand(1, 3, 64, 32) * 2 - 1
    large = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    # Resampling twice the size down again is not quite the identity, so boxes agree to a pixel or two.
    torch.testing.assert_close(network(large).boxes, 2 * network(small).boxes, atol=2.0, rtol=0)


def test_samples_do_not_influence_each_other(network):
    images = torch.rand(3, 3, 64, 32) * 2 - 1
    together, alone = network(images), network(images[1:2])
    torch.testing.assert_close(together.boxes[1:2], alone.boxes, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(together.scores[1:2], alone.scores, atol=1e-5, rtol=1e-4)


def test_gradients_reach_the_image_through_features(network):
    image = torch.rand(1, 3, 32, 32, requires_grad=True)
    sum(f.square().mean() for f in network.features(image)).backward()
    assert image.grad.abs().sum() > 0


def test_untrained_network_says_no(network):
    assert network(torch.rand(2, 3, 64, 32)).scores.max() < 0.5


@pytest.fixture(scope="module")
def outliner():
    torch.manual_seed(1)  # as `network`, whose weights it has therefore, beside those of its masks
    return PartsNet(working_height=64, masks=True).eval()


@pytest.mark.parametrize("size", [(64, 32), (128, 64), (50, 31), (256, 128)])
def test_masks_have_the_size_of_the_image(outliner, size):
    masks = outliner.segment(torch.rand(2, 3, *size) * 2 - 1)
    assert masks.shape == (2, 4, *size)
    assert 0 <= masks.min() and masks.max() <= 1


def test_untrained_masks_are_empty(outliner):
    assert outliner.segment(torch.rand(2, 3, 64, 32) * 2 - 1).max() < 0.5


@pytest.mark.parametrize("size", [(64, 32), (100, 60)])
def test_masks_change_nothing_else(network, outliner, size):
    images = torch.rand(2, 3, *size) * 2 - 1
    both, logits = outliner.locate_and_outline(images)
    for plain, beside, together in zip(network(images), outliner(images), both, strict=True):
        assert torch.equal(plain, beside) and torch.equal(plain, together)
    for plain, beside in zip(network.features(images), outliner.features(images), strict=True):
        assert torch.equal(plain, beside)
    assert torch.equal(masks_near(logits, both.boxes), outliner.segment(images))


def test_a_detection_does_not_pay_for_masks(outliner):
    calls = []
    handle = outliner.masks.register_forward_hook(lambda *_: calls.append(1))
    outliner(torch.zeros(1, 3, 64, 32))
    outliner.features(torch.zeros(1, 3, 64, 32))
    assert not calls
    outliner.segment(torch.zeros(1, 3, 64, 32))
    handle.remove()
    assert calls == [1]


def test_masks_fade_outside_the_box_by_hand():
    # A box 20 high: as it is to 2 pixels outside, nothing from 5 on.
    masks = masks_near(torch.zeros(1, 1, 40, 30), torch.tensor([[[10.0, 10.0, 16.0, 30.0]]]))[0, 0]
    assert masks[8:32, 8:18].min() == 0.5
    assert masks[20, 18:].tolist() == pytest.approx([0.5 * 2.5 / 3, 0.5 * 1.5 / 3, 0.5 * 0.5 / 3] + 9 * [0.0], abs=1e-6)
    assert not masks[:5].any() and not masks[35:].any() and not masks[:, :5].any()


def test_without_masks_nothing_is_outlined(network):
    with pytest.raises(ValueError, match="has no masks"):
        network.segment(torch.zeros(1, 3, 64, 32))
    with pytest.raises(ValueError, match="has no masks"):
        network.locate_and_outline(torch.zeros(1, 3, 64, 32))


def test_files_from_before_masks_still_load(network):
    old = {name: value for name, value in network.architecture.items() if name != "masks"}
    PartsNet(**old).load_state_dict(network.state_dict(), strict=True)


def test_a_network_knows_its_parts_by_name():
    ears = PartsNet(parts=["ear_left", "ear_right"], working_height=64)
    assert ears.parts == ("ear_left", "ear_right") and ears(torch.zeros(1, 3, 64, 32)).boxes.shape == (1, 2, 4)
    assert PartsNet(**ears.architecture).parts == ears.parts
    # Files of older versions, the embedded one among them, give a number alone: a person's parts.
    assert load_network("parts").parts == PartsNet(num_parts=4).parts == ("face", "hand_left", "hand_right", "feet")


@pytest.mark.parametrize(
    "wrong", [{"parts": []}, {"parts": "face"}, {"parts": ["a", "a"]}, {"parts": ["a b"]}, {"num_parts": 5},
              {"num_parts": 0}, {"parts": ["a"], "num_parts": 2}, {"parts": [f"p{i}" for i in range(65)]}]
)  # fmt: skip
def test_parts_that_are_no_names_are_refused(wrong):
    with pytest.raises(ValueError, match="parts="):
        PartsNet(**wrong)


def test_features_of_any_size_are_rounded_up():
    shapes = [tuple(each.shape) for each in PartsNet().eval().features(torch.zeros(1, 3, 20, 13))]
    assert shapes == [(1, 16, 20, 13), (1, 32, 10, 7), (1, 64, 5, 4), (1, 96, 3, 2), (1, 128, 2, 1)]
