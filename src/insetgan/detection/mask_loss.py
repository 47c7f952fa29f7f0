"""What masks of parts are trained on, and how well they agree with the true ones."""

import torch
from torch import Tensor
from torch.nn import functional


def mask_loss(logits: Tensor, targets: Tensor, visible: Tensor) -> Tensor:
    """Cross-entropy of every pixel plus soft Dice loss (Milletari et al. 2016, "V-Net") of every visible part.

    Dice counts a small part as much as a large one but says nothing where a part is missing; cross-entropy says it there.

    Args:
        logits: [n, parts, h, w].
        targets: [n, parts, h, w], how much of each pixel belongs to the part, 0..1.
        visible: [n, parts] bool.

    Returns:
        A scalar, 0 or more.
    """
    # Few pixels belong to a part, so that the mean over all would be small beside the other term.
    entropy = 20 * functional.binary_cross_entropy_with_logits(logits, targets)
    masks = logits.sigmoid()
    common, total = (masks * targets).sum(dim=(2, 3)), (masks + targets).sum(dim=(2, 3))
    dice = 1 - (2 * common + 1) / (total + 1)
    return entropy + torch.where(visible, dice, 0.0).sum() / visible.sum().clamp(min=1)


def mask_iou(masks: Tensor, targets: Tensor) -> Tensor:
    """Intersection over union of what is above one half: masks and targets [..., h, w] -> [...], 0..1; 1 if both are empty."""
    found, true = masks > 0.5, targets > 0.5
    common, union = (found & true).sum(dim=(-2, -1)), (found | true).sum(dim=(-2, -1))
    return torch.where(union > 0, common / union.clamp(min=1), 1.0)
