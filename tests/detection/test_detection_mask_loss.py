import pytest
import torch

from insetgan.detection.mask_loss import mask_iou, mask_loss


def square(x0, x1):
    """One part in one image 8 x 8: rows 2 to 5, columns x0 to x1."""
    mask = torch.zeros(1, 1, 8, 8)
    mask[:, :, 2:6, x0:x1] = 1
    return mask


SEEN = torch.ones(1, 1, dtype=torch.bool)


def test_the_right_masks_cost_nothing():
    target = square(2, 6)
    assert mask_loss(80 * target - 40, target, SEEN) == pytest.approx(0, abs=1e-6)


def test_by_hand():
    # Undecided everywhere: log 2 a pixel; Dice 1 - (2 * 8 + 1) / (32 + 16 + 1).
    loss = mask_loss(torch.zeros(1, 1, 8, 8), square(2, 6), SEEN)
    assert loss.item() == pytest.approx(20 * torch.tensor(2.0).log().item() + 1 - 17 / 49, rel=1e-5)


def test_a_part_that_is_not_there_counts_for_cross_entropy_alone():
    logits = torch.zeros(1, 1, 8, 8)
    loss = mask_loss(logits, torch.zeros_like(logits), ~SEEN)
    assert loss.item() == pytest.approx(20 * torch.tensor(2.0).log().item(), rel=1e-5)


def test_gradient_pulls_towards_the_mask():
    logits = torch.zeros(1, 1, 8, 8, requires_grad=True)
    mask_loss(logits, square(2, 6), SEEN).backward()
    assert torch.equal(logits.grad < 0, square(2, 6) > 0)


def test_gradient_is_that_of_the_loss():
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    targets, visible = torch.rand(2, 3, 4, 4, dtype=torch.float64), torch.rand(2, 3) < 0.5
    assert torch.autograd.gradcheck(lambda x: mask_loss(x, targets, visible), logits)


@pytest.mark.parametrize(("found", "iou"), [((2, 6), 1.0), ((4, 8), 1 / 3), ((6, 8), 0.0), ((2, 2), 0.0)])
def test_iou_by_hand(found, iou):
    assert mask_iou(square(*found) * 0.6, square(2, 6)).item() == pytest.approx(iou)


def test_nothing_found_where_nothing_is_is_right():
    assert mask_iou(square(2, 6) * 0.4, torch.zeros(1, 1, 8, 8)).tolist() == [[1.0]]
