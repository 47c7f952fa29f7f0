import pytest
import torch

from insetgan.detection.box_loss import box_iou, centre_focal_loss, centre_targets, generalised_iou_loss


def boxes(*rows):
    return torch.tensor(rows, dtype=torch.float64)


def test_iou_by_hand():
    a = boxes([0, 0, 4, 4], [0, 0, 2, 2], [0, 0, 2, 2])
    b = boxes([2, 2, 6, 6], [0, 0, 2, 2], [5, 5, 6, 6])
    assert box_iou(a, b).tolist() == pytest.approx([4 / 28, 1.0, 0.0])


def test_generalised_iou_by_hand():
    # Disjoint unit boxes two apart: hull 3, union 2, IoU 0 -> 1 - (0 - 1/3).
    assert generalised_iou_loss(boxes([0, 0, 1, 1]), boxes([2, 0, 3, 1])).tolist() == pytest.approx([4 / 3])
    assert generalised_iou_loss(boxes([1, 1, 3, 4]), boxes([1, 1, 3, 4])).tolist() == pytest.approx([0.0])


def test_generalised_iou_gradient():
    a, b = boxes([0, 0, 4, 5], [0, 0, 1, 1]).requires_grad_(), boxes([1, 2, 6, 6], [3, 2, 4, 4])
    assert torch.autograd.gradcheck(lambda x: generalised_iou_loss(x, b), a)


def test_targets_peak_at_the_centre_of_seen_parts_only():
    target = centre_targets(boxes([8, 16, 16, 32], [0, 0, 8, 8])[None], torch.tensor([[True, False]]), (16, 8), 4)
    assert target.shape == (1, 2, 16, 8)
    # Centre (12, 24) lies between places 2 and 3 of 4 px (centres 10, 14) and rounds to the even one.
    assert target[0, 0].max() == 1
    assert (target[0, 0] == 1).nonzero().tolist() == [[6, 2]]
    assert target[0, 1].max() == 0


def test_focal_loss_rewards_the_right_map():
    target = centre_targets(boxes([8, 8, 16, 16])[None], torch.tensor([[True]]), (8, 8), 4).float()
    right = torch.where(target > 0.999, 8.0, -8.0)
    assert centre_focal_loss(right, target) < 1e-3
    assert centre_focal_loss(-right, target) > 1
    one = centre_focal_loss(torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1))
    assert one == pytest.approx(0.25 * 0.693147, rel=1e-5)  # (1 - p)^2 log p at p = 1/2
