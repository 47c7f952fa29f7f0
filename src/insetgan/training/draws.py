"""Random numbers of one training step, a pure function of the seed and the images seen."""

import numpy as np
import torch
from torch import Tensor


class Draws:
    """The random numbers of one step.

    Each step starts afresh from (seed, images seen, rank): a run that resumes draws what the unbroken run would have
    drawn, and no generator state has to be stored. Torch's global generators are set too, for the noise that synthesis
    draws by itself.

    Args:
        seed: of the run.
        cur_nimg: images seen before this step.
        rank: of this process, so that processes draw different latents.
        device: where the numbers are wanted; they are drawn on the CPU, so that every device sees the same.
    """

    def __init__(self, seed: int, cur_nimg: int, *, rank: int = 0, device: torch.device | str = "cpu") -> None:
        mixed = np.random.SeedSequence([seed, cur_nimg, rank]).generate_state(2, np.uint32)
        self.device = torch.device(device)
        self._source = torch.Generator().manual_seed(int(mixed[0]))
        torch.manual_seed(int(mixed[1]))

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers, float32."""
        return torch.randn(shape, generator=self._source).to(self.device, non_blocking=True)

    def coins(self, count: int) -> Tensor:
        """Fair coins, bool [count]."""
        return (torch.rand(count, generator=self._source) < 0.5).to(self.device, non_blocking=True)

    def happens(self, probability: float) -> bool:
        """Whether an event of this probability takes place; known on the host, so nothing waits for the device."""
        return float(torch.rand((), generator=self._source)) < probability

    def integer(self, low: int, high: int) -> int:
        """A whole number in [low, high)."""
        return int(torch.randint(low, high, (), generator=self._source))
