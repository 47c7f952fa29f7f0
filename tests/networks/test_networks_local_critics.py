"""Critics that look closely at holes: where their windows lie, and what they see."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from insetgan.detection.parts_net import PartsNet
from insetgan.networks.local_critics import LocalProjectedDiscriminator, cut, window_corners
from insetgan.networks.projected import ProjectedDiscriminator

SMALL = {"height": 64, "width": 32, "mixed_channels": 8, "critic_channels": 8}


def make(**settings):
    torch.manual_seed(0)
    return LocalProjectedDiscriminator(PartsNet(working_height=64), **SMALL | {"img_channels": 4} | settings).eval()


def image_with_hole(rows, columns):
    image = torch.randn(1, 4, 64, 32)
    image[:, 0] = 0.5
    image[:, 0, rows, columns] = -0.5
    return image


def test_windows_are_centred_on_the_chosen_pixel_of_the_hole():
    hole = torch.zeros(3, 10, 8, dtype=torch.bool)
    hole[:, 4:6, 3:5] = True  # (4, 3), (4, 4), (5, 3), (5, 4)
    top, left = window_corners(hole, torch.tensor([0.0, 0.5, 0.99]), 2)
    assert top.tolist() == [3, 4, 4]
    assert left.tolist() == [2, 2, 3]


@given(st.integers(0, 2**31), st.integers(1, 6), st.floats(0, 1, exclude_max=True))
def test_windows_lie_inside_and_reach_the_hole(seed, side, place):
    source = torch.Generator().manual_seed(seed)
    hole = torch.rand(1, 6, 9, generator=source) < 0.1
    (top,), (left,) = (each.tolist() for each in window_corners(hole, torch.tensor([place]), side))
    assert 0 <= top <= 6 - side
    assert 0 <= left <= 9 - side
    assert bool(hole[0, top : top + side, left : left + side].any()) == bool(hole.any())


def test_every_pixel_of_a_hole_is_looked_at_as_often():
    hole = torch.zeros(400, 8, 8, dtype=torch.bool)
    hole[:, 2, 3] = hole[:, 5, 1:4] = True
    top, left = window_corners(hole, (torch.arange(400) + 0.5) / 400, 1)
    found = torch.stack([top, left], 1).unique(dim=0, return_counts=True)
    assert found[0].tolist() == [[2, 3], [5, 1], [5, 2], [5, 3]]
    assert found[1].tolist() == [100] * 4


def test_windows_are_cut_as_slices_are():
    images = torch.randn(3, 4, 10, 8)
    top, left = torch.tensor([0, 3, 7]), torch.tensor([5, 0, 2])
    expected = torch.stack([images[i, :, t : t + 3, c : c + 3] for i, (t, c) in enumerate([(0, 5), (3, 0), (7, 2)])])
    assert torch.equal(cut(images, top, left, 3), expected)


def test_it_judges_as_its_two_halves_do():
    judge = make()
    image = image_with_hole(slice(10, 14), slice(8, 12))
    whole = ProjectedDiscriminator.forward(judge, image)
    place = torch.tensor([0.0])  # (10, 8): the window of 16 begins at (2, 0)
    expected = torch.cat([whole, judge.local(image[:, :, 2:18, 0:16])], dim=1)
    torch.testing.assert_close(judge(image, places=place), expected)


def test_only_what_lies_in_the_window_counts_for_the_local_half():
    judge = make()
    image = image_with_hole(slice(10, 14), slice(8, 12)).requires_grad_()
    whole = ProjectedDiscriminator.forward(judge, image).shape[1]
    judge(image, places=torch.tensor([0.0]))[:, whole:].sum().backward()
    seen = image.grad[0, 1:].abs().sum(0) > 0
    assert bool(seen[2:18, :16].any())
    seen[2:18, :16] = False
    assert not bool(seen.any())


def test_the_frozen_network_is_one_and_the_critics_keep_their_names():
    judge, plain = make(), ProjectedDiscriminator(PartsNet(working_height=64), img_channels=4, **SMALL)
    assert judge.local.features is judge.features
    names = {name for name, _ in judge.named_parameters()}
    own = {name for name, _ in plain.named_parameters()}
    assert own < names
    assert {name.split(".")[0] for name in names - own} == {"local"}


def test_without_a_mask_or_places_it_looks_at_the_middle():
    judge = make(img_channels=3)
    image = torch.randn(1, 3, 64, 32)
    whole = ProjectedDiscriminator.forward(judge, image)
    # Half of the 2048 pixels come before (32, 0), where a window of 16 is moved in from (24, -8).
    expected = torch.cat([whole, judge.local(image[:, :, 24:40, 0:16])], dim=1)
    torch.testing.assert_close(judge(image), expected)


@pytest.mark.parametrize("enlarge", [0.5, 1, 2])
@given(st.floats(0.01, 1))
@settings(max_examples=10, deadline=None)
def test_any_window_is_brought_to_what_the_strides_divide(enlarge, window):
    judge = make(window=window, local_enlarge=enlarge, height=64, width=64)
    assert abs(judge.window - 64 * window) <= max(16 / enlarge / 2, 16 / enlarge - 64 * window)
    per_critic = (judge.window * enlarge / 16) ** 2
    assert judge(torch.randn(1, 4, 64, 64)).shape == (1, 5 * (4 * 4 + per_critic))


def test_images_too_small_for_a_window_are_refused():
    with pytest.raises(ValueError, match=r"local_enlarge=0.25: windows have 64 pixels or more then, images 64 x 32"):
        make(local_enlarge=0.25)


def test_an_enlargement_that_there_is_not_is_refused_by_its_name():
    with pytest.raises(ValueError, match=r"local_enlarge=3: must be one of"):
        make(local_enlarge=3)


@pytest.mark.parametrize("window", [0, -0.5, 1.5, float("nan")])
def test_a_window_is_a_fraction(window):
    with pytest.raises(ValueError, match=r"window=.*must be above 0 and at most 1"):
        make(window=window)
