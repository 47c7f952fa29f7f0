"""What a detector is trained on: where the centre of a part is, and how well its box overlaps."""

import torch
from torch import Tensor
from torch.nn import functional


def centre_targets(boxes: Tensor, visible: Tensor, shape: tuple[int, int], stride: int) -> Tensor:
    """Gaussian bumps at the centres of the boxes, after CenterNet (Zhou et al. 2019, section 3).

    Args:
        boxes: [n, parts, 4] in pixels.
        visible: [n, parts] bool; a part that is not seen has an empty map.
        shape: rows and columns of the map.
        stride: pixels a place of the map.

    Returns:
        [n, parts, *shape] in 0..1, one at the place nearest to the centre.
    """
    centre = (boxes[..., :2] + boxes[..., 2:]) / 2 / stride - 0.5
    sigma = ((boxes[..., 2:] - boxes[..., :2]) / stride / 6).clamp(min=0.6)
    nearest = centre.round()
    y = torch.arange(shape[0], device=boxes.device) - nearest[..., 1:2]
    x = torch.arange(shape[1], device=boxes.device) - nearest[..., 0:1]
    bump = (
        torch.exp(-(y**2) / (2 * sigma[..., 1:] ** 2))[..., :, None]
        * torch.exp(-(x**2) / (2 * sigma[..., :1] ** 2))[..., None, :]
    )
    return bump * visible[..., None, None]


def centre_focal_loss(logits: Tensor, targets: Tensor, *, alpha: float = 2.0, beta: float = 4.0) -> Tensor:
    """Penalty-reduced focal loss (CenterNet, equation 1) over maps [n, parts, h, w], a scalar per visible part."""
    log_yes, log_no = functional.logsigmoid(logits), functional.logsigmoid(-logits)
    yes = log_yes.exp()
    peak = targets > 0.999
    hit = torch.where(peak, (1 - yes) ** alpha * log_yes, 0.0)
    miss = torch.where(peak, 0.0, (1 - targets) ** beta * yes**alpha * log_no)
    return -(hit.sum() + miss.sum()) / peak.sum().clamp(min=1)


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of boxes [..., 4] with boxes [..., 4], pair by pair, 0..1."""
    overlap = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(dim=-1)
    areas = [(box[..., 2:] - box[..., :2]).clamp(min=0).prod(dim=-1) for box in (a, b)]
    return overlap / (areas[0] + areas[1] - overlap).clamp(min=1e-6)


def generalised_iou_loss(a: Tensor, b: Tensor) -> Tensor:
    """One minus generalised IoU (Rezatofighi et al. 2019), pair by pair, 0..2: has a slope even without overlap."""
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).clamp(min=0).prod(dim=-1)
    areas = [(box[..., 2:] - box[..., :2]).clamp(min=0).prod(dim=-1) for box in (a, b)]
    iou = box_iou(a, b)
    union = (areas[0] + areas[1]) / (1 + iou)
    return 1 - iou + (hull - union) / hull.clamp(min=1e-6)
