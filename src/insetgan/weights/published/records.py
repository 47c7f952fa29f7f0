"""What a pickle describes, as inert records: nothing of it is imported, called or built."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

TYPES = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "I64": "<i8", "I32": "<i4", "I16": "<i2", "U8": "|u1", "BOOL": "|b1"}
"""Types of numbers by the names that safetensors gives them, as numpy's."""

_MOST_AXES = 8


@dataclass(frozen=True, slots=True)
class Name:
    """The name of something in a Python module. It is compared as text and never looked up."""

    module: str
    name: str

    @property
    def full(self) -> str:
        """Module and name."""
        return f"{self.module}.{self.name}"


@dataclass(slots=True, eq=False)
class Made:
    """What a call would make. The call is not made.

    Attributes:
        function: what would be called.
        arguments: with what.
        state: what its attributes would be set to.
        entries: what would be put into it, if it is like a dict.
    """

    function: Name
    arguments: tuple[Any, ...]
    state: Any = None
    entries: dict[Any, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Storage:
    """Numbers in a row, somewhere in the file.

    Attributes:
        dtype: safetensors's name of their type, such as "F32".
        count: how many.
        read: gives their bytes; None until it is known where they lie.
    """

    dtype: str
    count: int
    read: Callable[[], bytes | memoryview] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """An array in the file: its type and shape are known, and it takes memory only when it is read.

    Attributes:
        dtype: safetensors's name of the type.
        shape: of the array.
        read: gives a fresh array of that shape.
    """

    dtype: str
    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]

    @property
    def count(self) -> int:
        """Number of values."""
        return prod(self.shape)

    def changed(self, change: Callable[[np.ndarray], np.ndarray], shape: tuple[int, ...] | None = None) -> "Numbers":
        """The array after a change, which is made when it is read; `shape` is that of the result, if it is another."""
        return Numbers(self.dtype, self.shape if shape is None else shape, lambda: change(self.read()))

    def turned(self, *axes: int) -> "Numbers":
        """The array with its axes in another order. Raises ValueError when it has another number of axes."""
        if sorted(axes) != list(range(len(self.shape))):
            raise ValueError(f"an array of the shape {list(self.shape)} stands where one of {len(axes)} axes belongs")
        return self.changed(lambda values: values.transpose(axes), tuple(self.shape[axis] for axis in axes))

    def folded(self, *shape: int) -> "Numbers":
        """The array in another shape of as many values. Raises ValueError when there are not as many."""
        if prod(shape) != self.count:
            raise ValueError(f"an array of the shape {list(self.shape)} stands where {list(shape)} belongs")
        return self.changed(lambda values: values.reshape(shape), tuple(shape))


def stored_numbers(storage: Any, offset: Any, shape: Any, strides: Any) -> Numbers:
    """A tensor of PyTorch within its storage.

    Raises:
        ValueError: it does not lie within the storage, or not in one piece and in order.
    """
    if not isinstance(storage, Storage):
        raise ValueError("a tensor has no storage")
    rows = isinstance(shape, tuple) and isinstance(strides, tuple) and len(shape) <= _MOST_AXES
    numbers = [offset, *shape, *strides] if rows and len(strides) == len(shape) else [None]
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError("a tensor has no whole numbers for its shape")
    count, row = prod(shape), 1
    for size, stride in reversed(list(zip(shape, strides, strict=True))):
        if size > 1 and stride != row:
            raise ValueError(f"a tensor of the shape {list(shape)} does not lie in one piece")
        row *= size
    if offset + count > storage.count:
        raise ValueError(f"a tensor of the shape {list(shape)} reaches beyond its storage")
    return Numbers(storage.dtype, shape, lambda: _read(storage, offset, shape))


def _read(storage: Storage, offset: int, shape: tuple[int, ...]) -> np.ndarray:
    if storage.read is None or storage.dtype not in TYPES:
        raise ValueError("a tensor has no storage")
    values = np.frombuffer(
        storage.read(), TYPES[storage.dtype], count=prod(shape), offset=offset * size_of(storage.dtype)
    )
    return values.reshape(shape).copy()


def size_of(dtype: str) -> int:
    """Bytes of a number of that type."""
    return {"BF16": 2, "C64": 8}.get(dtype) or np.dtype(TYPES[dtype]).itemsize


def array_numbers(value: Any) -> Numbers | None:
    """An array or a number of numpy; None where the record is of neither.

    Raises:
        ValueError: it is one, and its data are not as long as it says, or of another type than numbers.
    """
    if not isinstance(value, Made):
        return None
    name = value.function.full.replace("numpy._core.", "numpy.core.")
    if name == "numpy.core.multiarray._reconstruct" and isinstance(value.state, tuple) and len(value.state) == 5:
        _, shape, kind, fortran, data = value.state
    elif name == "numpy.core.numeric._frombuffer" and len(value.arguments) == 4:
        data, kind, shape, order = value.arguments
        fortran = order == "F"
    elif name == "numpy.core.multiarray.scalar" and len(value.arguments) == 2:
        (kind, data), shape, fortran = value.arguments, (), False
    else:
        return None
    dtype = _dtype(kind)
    whole = (
        isinstance(shape, tuple) and len(shape) <= _MOST_AXES and all(type(side) is int and side >= 0 for side in shape)
    )
    if not whole or not isinstance(data, (bytes, memoryview)) or prod(shape) * size_of(dtype) != len(data):
        raise ValueError("an array is not as long as it says")
    order = "F" if fortran is True or fortran == 1 else "C"
    return Numbers(
        dtype,
        shape,
        lambda: np.frombuffer(data, TYPES[dtype]).reshape(shape, order=order).copy(),  # type: ignore[call-overload]
    )


def _dtype(kind: Any) -> str:
    text = (
        kind.arguments[0] if isinstance(kind, Made) and kind.function.full == "numpy.dtype" and kind.arguments else None
    )
    found = {numpy.lstrip("<|"): name for name, numpy in TYPES.items()}.get(text if isinstance(text, str) else "")
    order = kind.state[1] if isinstance(kind, Made) and isinstance(kind.state, tuple) and len(kind.state) > 1 else "<"
    if found is None or order not in ("<", "|", "="):
        raise ValueError("an array holds other things than numbers")
    return found
