"""Labels of images: NVIDIA's ``dataset.json``.

::

    {"labels": [["00000/img00000000.png", 3], ...]}             classes 0, 1, ...: one-hot vectors
    {"labels": [["00000/img00000000.png", [0.5, 1.0]], ...]}    vectors, as they are
    {"labels": null}                                            no labels

Images are named as in the archive, with forward slashes. Entries for images that are not there are passed over with a
note; an image that stands twice is refused.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from insetgan.runtime import limits
from insetgan.runtime.reading import parse_json
from insetgan.runtime.zips import shown

DATASET_FILE = "dataset.json"
_FORM = (
    '{"labels": null} or {"labels": [[image, label], ...]} with a label for every image: classes 0, 1, ... for all, '
    "or vectors of numbers of one length for all"
)

Labels = npt.NDArray[np.float32]


def parse_labels(text: str | bytes, names: Sequence[str], notes: list[str] | None = None) -> Labels | None:
    """Labels of the named images, float32 [n, c_dim]; None where there are none.

    Args:
        text: a ``dataset.json``.
        names: of the images, in the order wanted.
        notes: to which a line about labels without an image is added.

    Raises:
        ValueError: it is not of that form, in one line.
    """
    try:
        table: Any = parse_json(text)
    except ValueError as error:  # not JSON, or too much of it
        raise ValueError(f"{DATASET_FILE} {error}") from error
    if not isinstance(table, dict) or "labels" not in table:
        raise ValueError(f"{DATASET_FILE} must be {_FORM}")
    if table["labels"] is None:
        return None
    found = _by_name(table["labels"])
    if missing := [name for name in names if name not in found]:
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ValueError(f"{DATASET_FILE} has no label for {missing[0]}{others}; it must be {_FORM}")
    if notes is not None and (strange := sorted(set(found) - set(names))):
        notes.append(
            f"{DATASET_FILE} has labels for {len(strange)} images that are not there, the first {shown(strange[0])}"
        )
    chosen = [found[name] for name in names]
    return np.array(chosen, dtype=np.float32) if isinstance(chosen[0], list) else _one_hot(chosen)


def one_hot_classes(classes: Mapping[str, int], names: Sequence[str]) -> Labels:
    """One-hot vectors of the classes of the named images, float32 [n, classes].

    Raises:
        ValueError: an image has no class, or one is too high.
    """
    if missing := [name for name in names if name not in classes]:
        raise ValueError(f"{len(missing)} images have no class (cls), the first {shown(missing[0])}")
    return _one_hot([classes[name] for name in names])


def _one_hot(classes: list[Any]) -> Labels:
    count = max(classes) + 1
    if count > limits.LABEL_VALUES or count * len(classes) > limits.LABELS_VALUES:  # perhaps identifiers
        raise ValueError(f"{DATASET_FILE}: class {count - 1} is too high, classes must count 0, 1, ...")
    vectors = np.zeros((len(classes), count), dtype=np.float32)
    vectors[np.arange(len(classes)), classes] = 1
    return vectors


def _by_name(entries: Any) -> dict[str, int | list[float]]:
    """Check the entries, and that their labels are of one kind."""
    fault = "" if isinstance(entries, list) and entries else "labels"
    kinds = set()
    for entry in entries if not fault else ():
        if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str) and _kind(entry[1]) >= 0):
            fault = f"the entry {json.dumps(entry)[:60]}"
            break
        kinds.add(_kind(entry[1]))
    if len(kinds) > 1:
        fault = "classes beside vectors" if 0 in kinds else "vectors of several lengths"
    if fault:
        raise ValueError(f"{DATASET_FILE}: {fault} will not do; it must be {_FORM}")
    labels = {name: label for name, label in entries}
    if len(labels) < len(entries):
        known: set[str] = set()
        for name, _ in entries:
            if name in known:
                raise ValueError(f"{DATASET_FILE}: {shown(name)} has two labels, must have one")
            known.add(name)
    return labels


def _kind(label: Any) -> int:
    """0 for a class, the length of a vector, -1 for anything else."""
    if type(label) is int:
        return 0 if label >= 0 else -1
    if isinstance(label, list) and 0 < len(label) <= limits.LABEL_VALUES and all(_is_number(value) for value in label):
        return len(label)
    return -1


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 3e38  # nan, too, is none that float32 can hold
