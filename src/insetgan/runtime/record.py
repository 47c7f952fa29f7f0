"""Records: plain values on disk with a checksum, such as the one beside each result."""

import hashlib
import json
from pathlib import Path
from typing import Any

from insetgan.runtime import limits
from insetgan.runtime.reading import parse_json, read_file

_RECORD = {"key", "fingerprint", "depends", "pieces", "data"}


def seal(value: Any) -> bytes:
    """Plain JSON values with a checksum, in one line."""
    text = json.dumps(value, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f'{{"sha256":"{digest}","value":{text}}}\n'.encode()


def unseal(content: bytes) -> Any:
    """The values that `seal` was given, or None where the content is not what it wrote."""
    try:
        known = parse_json(content)
        value = known["value"]
    except (ValueError, KeyError, TypeError):
        return None
    return value if seal(value) == content else None


def read_record(path: Path) -> dict[str, Any] | None:
    """What the record beside a result says; None where there is none, or it is damaged, no file, or beyond its bound."""
    try:
        note: Any = unseal(read_file(path, limits.RECORD_BYTES))
    except (OSError, ValueError):
        return None
    whole = isinstance(note, dict) and note.keys() == _RECORD and isinstance(note["pieces"], dict)
    return note if whole else None
