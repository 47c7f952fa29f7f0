"""The controller of the augmentation probability (Karras et al. 2020, Training GANs with Limited Data, section 3.2)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class AdaptiveController(nn.Module):
    """Moves p so that the mean sign of D's logits for real images, a measure of overfitting, stays at a target.

    Its state are buffers: `p`, 0-dimensional float32, and `sign_sum` and `sign_count` since the last adjustment. All of
    it stays on the device.

    Args:
        p: where the probability starts.
        target: of the mean sign; None leaves p where it is.
        ada_kimg: in so many thousand images p may move from 0 to 1.
        p_max: p goes no further; None: it may exceed 1, which keeps transformations of a multiplier below 1 growing.

    Raises:
        ValueError: a value outside its range.
    """

    p: Tensor
    sign_sum: Tensor
    sign_count: Tensor

    def __init__(
        self, *, p: float = 0.0, target: float | None = 0.6, ada_kimg: float = 500.0, p_max: float | None = None
    ) -> None:
        super().__init__()
        if not 0 <= p <= (1 if p_max is None else p_max):
            raise ValueError(f"p={p}: must be from 0 to {'1' if p_max is None else f'p_max={p_max}'}")
        if target is not None and not -1 <= target <= 1:
            raise ValueError(f"target={target}: must be from -1 to 1, or none")
        if not ada_kimg > 0:
            raise ValueError(f"ada_kimg={ada_kimg}: must be above 0")
        self.target, self.ada_kimg, self.p_max = target, ada_kimg, p_max
        self.register_buffer("p", torch.tensor(float(p)))
        self.register_buffer("sign_sum", torch.zeros(()))
        self.register_buffer("sign_count", torch.zeros(()))

    @torch.no_grad()
    def add(self, logits: Tensor) -> None:
        """Note logits of D for real images, or their signs, of any shape."""
        self.sign_sum += logits.sign().sum(dtype=torch.float32)
        self.sign_count += logits.numel()

    @torch.no_grad()
    def adjust(self, images_since: int, reduce: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """Take a step towards the target and begin to count anew; without any logits p stays.

        Args:
            images_since: real images, of all processes, since the last adjustment.
            reduce: sums a tensor over all processes; None: there is one.

        Returns:
            The mean sign, 0-dimensional; not a number without any logits.
        """
        counts = torch.stack([self.sign_sum, self.sign_count])
        total, count = (counts if reduce is None else reduce(counts)).unbind()
        mean = total / count
        if self.target is not None:
            step = (mean - self.target).sign().nan_to_num() * (images_since / (self.ada_kimg * 1000))
            self.p.add_(step).clamp_(min=0, max=self.p_max)
        self.sign_sum.zero_()
        self.sign_count.zero_()
        return mean
