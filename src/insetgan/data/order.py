"""The endless order of training images, a pure function of the seed and the position."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

from insetgan.data.share import Share

TOGETHER = 16
"""Shards whose images are mixed with one another, where images come from an object store."""


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
        groups: for each image the number of its shard, where these are fetched from afar: a pass then goes through the
            shards in a shuffled order, `TOGETHER` at a time, whose images are shuffled with one another. So few shards are
            needed at a time, and still nothing but the seed and the position decides what comes. None shuffles all images.

    Raises:
        ValueError: an empty data set, or another number of groups.
    """

    def __init__(
        self,
        size: int,
        *,
        seed: int,
        share: Share,
        position: Callable[[], int] = lambda: 0,
        groups: Sequence[int] | None = None,
    ) -> None:
        if size < 1:
            raise ValueError("an empty data set has no order")
        if groups is not None and len(groups) != size:
            raise ValueError(f"{len(groups)} groups of {size} images")
        self._groups = None if groups is None else np.asarray(groups, dtype=np.int64)
        self.size, self.seed, self.share, self.position = size, seed, share, position
        self._permutation: tuple[int, np.ndarray] = (-1, np.empty(0, dtype=np.int64))

    def index(self, position: int) -> int:
        """The number of the image at a position."""
        turn, place = divmod(position, self.size)
        if self._permutation[0] != turn:
            self._permutation = (turn, self._shuffled(np.random.default_rng([self.seed, turn])))
        return int(self._permutation[1][place])

    def _shuffled(self, random: np.random.Generator) -> np.ndarray:
        if self._groups is None:
            return random.permutation(self.size)
        known, group = np.unique(self._groups, return_inverse=True)
        window = random.permutation(len(known))[group] // TOGETHER  # of each image
        shuffled = random.permutation(self.size)
        return shuffled[np.argsort(window[shuffled], kind="stable")]

    def __iter__(self) -> Iterator[list[int]]:
        """Yield this process's indices of one batch after another, without end."""
        start, places = self.position(), self.share.places
        while True:
            yield [self.index(start + place) for place in places]
            start += self.share.total
