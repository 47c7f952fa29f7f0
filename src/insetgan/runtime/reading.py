"""Bytes and JSON from files that may hold anything, read within bounds."""

import io
import json
from pathlib import Path
from typing import IO, Any

from insetgan.runtime import limits

_PIECE = 1 << 20


def take(stream: IO[bytes], most: int) -> bytes:
    """Read a stream to its end, a piece at a time, so that no more memory is taken than there are bytes.

    Raises:
        ValueError: it holds more than `most` bytes.
    """
    whole = io.BytesIO()
    while piece := stream.read(_PIECE):
        if whole.tell() + len(piece) > most:
            raise ValueError(f"holds more than {size_text(most)}, the most that is read")
        whole.write(piece)
    return whole.getvalue()


def read_file(path: Path, most: int) -> bytes:
    """Read a regular file of at most so many bytes.

    Raises:
        ValueError: it is larger, or a pipe or device, from which reading may never end.
        OSError: it cannot be read.
    """
    if path.exists() and not path.is_file():
        raise ValueError("is no file")
    with path.open("rb") as stream:
        return take(stream, most)


def parse_json(text: str | bytes, *, most: int | None = None) -> Any:
    """Parse JSON of bounded size, number of values and depth, in which no key stands twice.

    Args:
        text: the JSON.
        most: values that it may have; `limits.JSON_VALUES` unless given.

    Raises:
        ValueError: it is not JSON or breaks a bound, in one line.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    most = limits.JSON_VALUES if most is None else most
    if len(data) > limits.JSON_BYTES:
        raise ValueError(f"holds more than {size_text(limits.JSON_BYTES)} of JSON")
    if data.count(b",") + data.count(b"[") + data.count(b"{") > most:  # those within text count too
        raise ValueError(f"holds more than {most} values")
    try:
        found: Any = json.loads(data, object_pairs_hook=_without_repeats)
    except RecursionError:
        raise ValueError(f"is nested deeper than {limits.JSON_DEPTH} levels") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON ({' '.join(str(error).split())})") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"is not JSON ({error.reason})") from error
    _refuse_depth(found)
    return found


def size_text(count: int) -> str:
    """A number of bytes for people: "512 MiB"."""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count} bytes"


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        known: set[str] = set()
        repeated = next(key for key, _ in pairs if key in known or known.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"has the key {repeated[:100]} twice")
    return table


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(limits.JSON_DEPTH):
        level = [
            child
            for each in level
            if isinstance(each, (list, dict))
            for child in (each.values() if isinstance(each, dict) else each)
            if isinstance(child, (list, dict))
        ]
        if not level:
            return
    raise ValueError(f"is nested deeper than {limits.JSON_DEPTH} levels")
