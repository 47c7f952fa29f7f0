"""The endless order of training pictures, a pure function of the seed and the position."""

from collections.abc import Callable, Iterator

import numpy as np
from torch.utils.data import Sampler


class EndlessBatches(Sampler[list[int]]):
    """Shuffled passes over a data set, entered at any position.

    The picture at position p is entry p % size of the permutation belonging to (seed, p // size), so whoever knows how
    many images were seen knows what comes next: nothing else has to be stored to resume exactly. Several processes take
    consecutive shares of each batch.

    Args:
        size: pictures in the data set.
        batch_size: pictures an iteration, over all processes.
        seed: of the permutations.
        position: called when iteration starts; images seen so far.
        rank: of this process.
        world_size: processes; must divide `batch_size`.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        *,
        seed: int,
        position: Callable[[], int] = lambda: 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        if size < 1 or batch_size % world_size:
            raise ValueError(f"cannot share batches of {batch_size} of {size} pictures between {world_size} processes")
        self.size, self.batch_size, self.seed, self.position = size, batch_size, seed, position
        self.share = batch_size // world_size
        self.offset = rank * self.share
        self._permutation: tuple[int, np.ndarray] = (-1, np.empty(0, dtype=np.int64))

    def index(self, position: int) -> int:
        """The number of the picture at a position."""
        turn, place = divmod(position, self.size)
        if self._permutation[0] != turn:
            self._permutation = (turn, np.random.default_rng([self.seed, turn]).permutation(self.size))
        return int(self._permutation[1][place])

    def __iter__(self) -> Iterator[list[int]]:
        """Yield this process's indices of one batch after another, without end."""
        start = self.position() + self.offset
        while True:
            yield [self.index(place) for place in range(start, start + self.share)]
            start += self.batch_size
