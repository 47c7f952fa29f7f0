"""What a file says in words and numbers, as JSON has it; records may hold themselves, or each other times without end."""

from itertools import islice
from typing import Any

from insetgan.weights.published.records import array_numbers

_MOST = 1000
_DEPTH = 8
_LETTERS = 1000


def plain(value: Any) -> Any:
    """Text, numbers, lists and tables; what is none of these becomes its kind in brackets, and what is too much is left out."""
    return _plain(value, _DEPTH, [_MOST])


def word(value: Any) -> str:
    """A value in a message: 40 letters of it, or the kind of what is no plain value."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return str(value)[:40]
    return f"<{type(value).__name__}>"


def _plain(value: Any, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return value[:_LETTERS]
    if depth and left[0] > 0 and isinstance(value, (list, tuple)):
        return [_plain(each, depth - 1, left) for each in islice(value, left[0]) if left[0] > 0]
    if depth and left[0] > 0 and isinstance(value, dict):
        return {
            str(key)[:100]: _plain(each, depth - 1, left)
            for key, each in islice(value.items(), left[0])
            if isinstance(key, (str, int)) and left[0] > 0
        }
    found = array_numbers(value)
    return found.read().item() if found is not None and found.shape == () else f"<{type(value).__name__}>"
