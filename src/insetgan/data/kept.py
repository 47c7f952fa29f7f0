"""Images that are made once and then kept in memory, for all processes together."""

import mmap
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

MEMORY_LIMIT = 4 << 30  # bytes that are kept; of more, nothing is


class Kept:
    """Byte tensors of one shape, each made when it is first asked for; training needs the processor for other things.

    The memory is shared with processes that are forked off, and with those that get a pickled copy through torch's
    multiprocessing, so an image is made by whichever process needs it first. There is no lock: at worst two
    make the same image at the same time.

    Args:
        shape: [n, ...] of all items.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._items: Tensor | None = None
        self._known: Tensor | None = None
        size = torch.Size(shape).numel()
        if size <= MEMORY_LIMIT:
            # Anonymous pages: taken only when written, and not limited by the size of /dev/shm, tiny in containers.
            self._items = torch.frombuffer(mmap.mmap(-1, size), dtype=torch.uint8).view(shape)
            self._known = torch.frombuffer(mmap.mmap(-1, shape[0]), dtype=torch.bool)

    def get(self, index: int, make: Callable[[int], Tensor]) -> Tensor:
        """Item of an index, made by `make`, uint8 of the items' shape, unless it is there already."""
        if self._items is None or self._known is None:
            return make(index)
        if not self._known[index]:
            self._items[index] = make(index)
            self._known[index] = True
        return self._items[index]

    def __getstate__(self) -> dict[str, Any]:
        """State whose tensors torch's multiprocessing passes on as the same memory; without them where it has no room."""
        try:
            for tensor in (self._items, self._known):
                if tensor is not None:
                    tensor.share_memory_()  # type: ignore[no-untyped-call]
        except RuntimeError:
            return {**self.__dict__, "_items": None, "_known": None}
        return self.__dict__
