"""What follows from a frozen weight is computed once."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")
_anew: ContextVar[bool] = ContextVar("anew", default=False)


@contextmanager
def computed_anew() -> Iterator[None]:
    """Keep nothing in this context: a CUDA graph that is recorded in it must compute what follows from changing weights."""
    token = _anew.set(True)
    try:
        yield
    finally:
        _anew.reset(token)


class Remembered(Generic[T]):
    """A function of one weight whose result is kept while the weight is frozen and unchanged.

    For a weight that takes gradients it is computed at each call. Changes in place show in the tensor's version counter.
    Copies and pickles carry the function alone.
    """

    def __init__(self, function: Callable[..., T]) -> None:
        """Wrap `function(weight, *options)`; options must be hashable."""
        self.function = function
        self.key: Hashable = None
        self.result: T | None = None

    def __call__(self, weight: Tensor, *options: Any) -> T:
        """Return `function(weight, *options)`."""
        if weight.requires_grad or weight.is_inference() or _anew.get():
            self.key = self.result = None
            return self.function(weight, *options)
        key = (weight.data_ptr(), weight._version, weight.dtype, weight.device, *options)
        if self.result is None or key != self.key:
            with torch.inference_mode(False):  # results made for inference could not serve a gradient later
                self.key, self.result = key, self.function(weight, *options)
        return self.result

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave the memory behind."""
        return type(self), (self.function,)
