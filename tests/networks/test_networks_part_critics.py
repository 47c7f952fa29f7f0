"""Critics that look closely at parts: where their windows lie, and what they see."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from insetgan.detection.parts_net import PartsNet
from insetgan.networks.part_critics import PartProjectedDiscriminator, corners_round
from insetgan.networks.projected import ProjectedDiscriminator

SMALL = {"height": 64, "width": 32, "mixed_channels": 8, "critic_channels": 8}
PLACES = 5 * 4 * 2  # of the critics on the whole: four maps and the image, 4 x 2 places each


class Brightest(nn.Module):
    """Finds every part at the brightest pixel."""

    parts = ("face", "hand_left", "hand_right", "feet")

    def forward(self, images):
        index = images.sum(1).flatten(1).argmax(1)
        corner = torch.stack([index % images.shape[3], index // images.shape[3]], dim=1).float()
        return SimpleNamespace(boxes=torch.cat([corner, corner + 1], dim=1)[:, None].expand(-1, 4, 4))


def make(**settings):
    torch.manual_seed(0)
    given = {"locator": Brightest(), "windows": {"face": 0.5}} | SMALL | settings
    return PartProjectedDiscriminator(PartsNet(working_height=64), **given).eval()


def spot(row, column):
    image = torch.zeros(1, 3, 64, 32)
    image[:, :, row, column] = 1
    return image


def test_windows_have_the_box_in_their_middle_and_stay_inside():
    boxes = torch.tensor([[10.0, 20.0, 14.0, 24.0], [0.0, 0.0, 4.0, 2.0], [30.0, 60.0, 32.0, 64.0]])
    top, left = corners_round(boxes, 8, 64, 32)
    assert top.tolist() == [18, 0, 56]
    assert left.tolist() == [8, 0, 24]


def test_the_window_follows_the_part():
    judge = make()
    here, there = judge(spot(20, 10))[:, PLACES:], judge(spot(41, 19))[:, PLACES:]
    assert here.shape == (1, 5)  # 16 x 16 pixels are one place of each critic
    torch.testing.assert_close(here, there)


def test_only_what_lies_in_the_window_is_looked_at_closely():
    judge, still = make(), spot(20, 16)
    far, near = still.clone(), still.clone()
    far[:, :, 50] = 0.5
    near[:, :, 22] = 0.5
    torch.testing.assert_close(judge(far)[:, PLACES:], judge(still)[:, PLACES:])
    assert (judge(near)[:, PLACES:] - judge(still)[:, PLACES:]).abs().max() > 1e-4


def test_enlarged_windows_are_shown_larger():
    assert make(part_enlarge=2)(spot(20, 10)).shape == (1, PLACES + 5 * 2 * 2)
    assert make(windows={"face": 0.5, "feet": 1.0})(spot(20, 10)).shape == (1, PLACES + 5 + 5 * 2 * 2)


def test_parts_are_told_apart():
    class Apart(nn.Module):
        parts = Brightest.parts

        def forward(self, images):
            corner = torch.tensor([[0.0, 0.0], [0.0, 40.0], [16.0, 0.0], [16.0, 40.0]])
            return SimpleNamespace(boxes=torch.cat([corner, corner + 16], dim=1).expand(len(images), 4, 4))

    judge = make(locator=Apart(), windows={"hand_right": 0.5})
    still = torch.zeros(1, 3, 64, 32)
    seen, unseen = still.clone(), still.clone()
    seen[:, :, :16, 16:] = 1
    unseen[:, :, 40:56] = 1
    assert (judge(seen)[:, PLACES:] - judge(still)[:, PLACES:]).abs().max() > 1e-4
    torch.testing.assert_close(judge(unseen)[:, PLACES:], judge(still)[:, PLACES:])


def test_the_critics_on_the_whole_are_those_without_windows():
    judge = make()
    torch.manual_seed(0)
    plain = ProjectedDiscriminator(PartsNet(working_height=64), **SMALL).eval()
    assert set(plain.state_dict()) <= set(judge.state_dict())
    plain.load_state_dict({name: tensor for name, tensor in judge.state_dict().items() if name in plain.state_dict()})
    images = torch.randn(2, 3, 64, 32)
    torch.testing.assert_close(judge(images)[:, :PLACES], plain(images))


def test_the_locator_is_frozen_and_gradients_reach_the_window():
    judge = make(locator=PartsNet(working_height=64)).train()
    assert not judge.locator.training
    assert not any(name.startswith(("locator", "features")) for name, _ in judge.named_parameters())
    images = torch.randn(2, 3, 64, 32).requires_grad_()
    judge(images)[:, PLACES:].sum().backward()
    touched = (images.grad.abs().sum(1) > 0).flatten(1).sum(1)
    assert touched.tolist() == [16 * 16] * 2


def test_windows_may_be_seen_by_another_network_than_the_whole():
    torch.manual_seed(1)
    other = PartsNet(working_height=64)
    judge = make(part_features=other)
    assert judge.parts["face"].features is other
    assert judge.features is not other
    shared = make()
    assert shared.parts["face"].features is shared.features


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"windows": {}}, "windows"),
        ({"windows": {"nose": 0.5}}, "windows"),
        ({"windows": {"face": 0}}, "windows"),
        ({"windows": {"face": 1.5}}, "windows"),
        ({"part_enlarge": 3}, "part_enlarge"),
        ({"height": 32, "width": 16, "part_enlarge": 0.25, "windows": {"face": 1}}, "windows have 64 pixels"),
    ],
)
def test_windows_that_make_no_sense_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        make(**wrong)
