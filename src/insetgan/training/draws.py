"""Random numbers of one phase of one training step, a pure function of the seed and the images seen."""

import zlib

import numpy as np
import torch
from torch import Tensor

from insetgan.data.share import Share


class Draws:
    """The random numbers that one part of a batch needs in one phase.

    Each phase starts afresh from (seed, images seen, its name): a run that resumes draws what the unbroken run would
    have drawn, and no generator state has to be stored. Numbers are drawn for the whole batch, of which a part takes its
    own, so neither the number of processes nor of rounds changes them. Only what layers draw by themselves, the
    noise of the synthesis, comes from torch's global generators, which are set here for this part.

    Args:
        seed: of the run.
        cur_nimg: images seen before this step.
        share: the part of the batch for which numbers are wanted.
        stream: name of the phase; phases draw independently.
        device: where the numbers are wanted. They are drawn on the CPU, so that every device sees the same; images of
            noise alone are drawn on the device.
    """

    def __init__(
        self, seed: int, cur_nimg: int, share: Share, *, stream: str = "", device: torch.device | str = "cpu"
    ) -> None:
        self.seed, self.cur_nimg, self.share, self.stream = seed, cur_nimg, share, stream
        self.device = torch.device(device)
        self._key = [seed, cur_nimg, zlib.crc32(stream.encode())]
        self._source = torch.Generator().manual_seed(_mixed(self._key))
        self._images = 0  # batches of images drawn so far
        torch.manual_seed(_mixed([*self._key, share.places[0]]))

    def fewer(self, divisor: int) -> "Draws":
        """Numbers for a batch `divisor` times as small, one sample a part at least."""
        share = self.share.fewer(divisor)
        return Draws(self.seed, self.cur_nimg, share, stream=f"{self.stream}/{divisor}", device=self.device)

    def normal(self, columns: int) -> Tensor:
        """Standard normal numbers, float32 [n, columns]."""
        return self._mine(torch.randn(self.share.total, columns, generator=self._source))

    def uniforms(self, columns: int) -> Tensor:
        """Uniform numbers in (0, 1), both ends left out, float32 [n, columns]."""
        return self._mine(torch.rand(self.share.total, columns, generator=self._source).clamp_(min=2**-25))

    def coins(self) -> Tensor:
        """Fair coins, bool [n]."""
        return self._mine(torch.rand(self.share.total, generator=self._source) < 0.5)

    def indices(self, high: int) -> Tensor:
        """Whole numbers in [0, high), int64 [n]."""
        return self._mine(torch.randint(high, (self.share.total,), generator=self._source))

    def images(self, *shape: int) -> Tensor:
        """Standard normal numbers of the size of images, float32 [n, *shape], drawn on the device."""
        single = []
        self._images += 1
        for place in self.share.places:
            source = torch.Generator(self.device).manual_seed(_mixed([*self._key, place, self._images]))
            single.append(torch.randn(shape, generator=source, device=self.device))
        return torch.stack(single)

    def happens(self, probability: float) -> bool:
        """Whether an event of the whole batch takes place; known on the host, so nothing waits for the device."""
        return float(torch.rand((), generator=self._source)) < probability

    def integer(self, low: int, high: int) -> int:
        """A whole number in [low, high), one for the whole batch."""
        return int(torch.randint(low, high, (), generator=self._source))

    def _mine(self, whole: Tensor) -> Tensor:
        mine = whole[self.share.places]
        # From pageable memory the copy would wait for the device.
        return (mine.pin_memory() if self.device.type == "cuda" else mine).to(self.device, non_blocking=True)


def _mixed(key: list[int]) -> int:
    return int(np.random.SeedSequence(key).generate_state(1, np.uint32)[0])
