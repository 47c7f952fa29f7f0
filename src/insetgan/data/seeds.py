"""Seeds in the place of images, for what is trained on images that its generators draw."""

from torch.utils.data import Dataset


class Seeds(Dataset[int]):
    """Seeds in a row.

    Args:
        first: the first of them.
        count: how many.

    Attributes:
        skipped: nothing is left out.
        notes: nothing is to be said.

    Raises:
        ValueError: none at all, or one below 0 or above 2**32 - 1.
    """

    skipped: tuple[()] = ()
    notes: tuple[()] = ()

    def __init__(self, first: int, count: int) -> None:
        if count < 1 or first < 0 or first + count > 2**32:
            raise ValueError(f"first={first} count={count}: must name one seed or more, from 0 to 4294967295")
        self.first, self.count = first, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> int:
        if not 0 <= index < self.count:
            raise IndexError(index)
        return self.first + index
