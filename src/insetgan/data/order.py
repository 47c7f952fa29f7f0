"""The endless order of training images, a pure function of the seed and the position."""

from collections.abc import Callable, Iterator

import numpy as np
from torch.utils.data import Sampler

from insetgan.data.share import Share


class EndlessBatches(Sampler[list[int]]):
    """Shuffled passes over a data set, entered at any position.

    The image at position p is entry p % size of the permutation belonging to (seed, p // size), so a process that knows how
    many images were seen knows what comes next: nothing else has to be stored to resume exactly, on any number of
    processes.

    Args:
        size: images in the data set.
        seed: of the permutations.
        share: which places of each batch this process takes.
        position: called when iteration starts; images seen so far.

    Raises:
        ValueError: an empty data set.
    """

    def __init__(self, size: int, *, seed: int, share: Share, position: Callable[[], int] = lambda: 0) -> None:
        if size < 1:
            raise ValueError("an empty data set has no order")
        self.size, self.seed, self.share, self.position = size, seed, share, position
        self._permutation: tuple[int, np.ndarray] = (-1, np.empty(0, dtype=np.int64))

    def index(self, position: int) -> int:
        """The number of the image at a position."""
        turn, place = divmod(position, self.size)
        if self._permutation[0] != turn:
            self._permutation = (turn, np.random.default_rng([self.seed, turn]).permutation(self.size))
        return int(self._permutation[1][place])

    def __iter__(self) -> Iterator[list[int]]:
        """Yield this process's indices of one batch after another, without end."""
        start, places = self.position(), self.share.places
        while True:
            yield [self.index(start + place) for place in places]
            start += self.share.total
