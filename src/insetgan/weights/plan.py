"""Networks without memory: to compare names and shapes with a file before anything is taken for its tensors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_MAKERS = (torch.randn, torch.rand, torch.zeros, torch.ones, torch.empty)
_SAME_SHAPE = (
    "div",
    "__truediv__",
    "true_divide",
    "mul",
    "__mul__",
    "__rmul__",
    "mul_",
    "normal_",
    "uniform_",
    "fill_",
    "zero_",
)


@contextmanager
def planned() -> Iterator[None]:
    """Tensors that are made by size meanwhile are on torch's "meta" device: they have shapes, and no memory.

    `torch.device("meta")` would do the same, but arithmetic on it imports torch's compiler, which takes eight seconds; what
    constructors do to fresh weights changes no shape, so it is left out here.
    """
    with _Planned():
        yield


class _Planned(TorchFunctionMode):
    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if func is torch.full:
            return torch.empty(args[0], dtype=given.get("dtype"), device="meta")
        if func in _MAKERS:
            return torch.empty(*args, **{**given, "device": "meta"})
        if args and isinstance(args[0], Tensor) and args[0].is_meta and getattr(func, "__name__", "") in _SAME_SHAPE:
            return args[0]
        return func(*args, **given)
