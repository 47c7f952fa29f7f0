"""Files that appear whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path


def write_whole(path: Path, content: bytes | Callable[[Path], object]) -> None:
    """Write a file beside its place, then move it there at once; what stood there before stands until then.

    The name beside is always the same, so what a killed process left half-written is overwritten by the next one.

    Args:
        path: where to; missing folders are made.
        content: the bytes, or what writes them to the path it is given.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.tmp")
    try:
        if callable(content):
            content(beside)
        else:
            beside.write_bytes(content)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
