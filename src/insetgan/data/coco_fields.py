"""Fields of COCO annotations that are misspelt: other programs write many further ones, which are no mistakes."""

import difflib
from collections.abc import Sequence
from typing import Any

from insetgan.runtime.zips import shown

_NEAR = 0.85  # how alike a field is to a known one if it is taken for it misspelt


def refuse_misspelt(file: str, table: Any, known: Sequence[str]) -> None:
    """Refuse a field that looks like a known one of an annotation, such as `segmentations`: it would be left out.

    Args:
        file: its name, for messages.
        table: the parsed file; its form is checked elsewhere.
        known: the fields that are read.

    Raises:
        ValueError: naming the field and the one that is meant.
    """
    entries = table.get("annotations") if isinstance(table, dict) else None
    dicts = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    for key in sorted({key for entry in dicts for key in entry} - set(known)):
        for name in known:
            if difflib.SequenceMatcher(None, _folded(key), _folded(name)).ratio() >= _NEAR:
                raise ValueError(f"{file}: an annotation has {shown(key)}; the field is called {name}")


def _folded(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")
