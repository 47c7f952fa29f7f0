"""The files below a folder, those behind symbolic links too, and what of them is passed over."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from insetgan.runtime import limits
from insetgan.runtime.zips import shown


@dataclass
class Listing:
    """What lies below a folder.

    Attributes:
        files: with forward slashes, from the folder on; links that lead nowhere are among them.
        notes: lines about what is not entered.
    """

    files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def list_folder(path: Path) -> Listing:
    """Find all files below a folder. Folders that are symbolic links are entered, each real folder once.

    Raises:
        ValueError: too many files, or folders too deep within folders.
        OSError: a folder cannot be read.
    """
    listing, entered = Listing(), {_identity(path)}
    again: list[str] = []
    odd: list[str] = []
    _walk(path, "", listing, entered, again, odd)
    if again:
        listing.notes.append(
            f"{_many(len(again), 'link')} to a folder that is read already, or to one round it, not entered: {some_of(again)}"
        )
    if odd:
        listing.notes.append(
            f"{_many(len(odd), 'pipe, socket or device', 'pipes, sockets or devices')}: {some_of(odd)}"
        )
    return listing


def _walk(
    path: Path, below: str, listing: Listing, entered: set[tuple[int, int]], again: list[str], odd: list[str]
) -> None:
    if below.count("/") > limits.FOLDER_DEPTH:
        raise ValueError(f"{shown(below)}: more than {limits.FOLDER_DEPTH} folders within folders")
    with os.scandir(path / below) as entries:
        found = sorted(entries, key=lambda entry: (entry.is_symlink(), entry.name))  # real folders before links to them
    for entry in found:
        name = below + entry.name
        if entry.is_dir():
            identity = _identity(Path(entry.path))
            if identity in entered:
                again.append(name)
                continue
            entered.add(identity)
            _walk(path, name + "/", listing, entered, again, odd)
        elif entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path)):
            listing.files.append(name)
        else:
            odd.append(name)
        if len(listing.files) > limits.FOLDER_FILES:
            raise ValueError(f"more than {limits.FOLDER_FILES} files")


def passed_over(names: Iterable[str], hidden: Iterable[str]) -> str:
    """A line about the files that are no images; "" when there are none."""
    others, unseen = sorted(names), sorted(hidden)
    if not others and not unseen:
        return ""
    endings = Counter(PurePosixPath(name).suffix.lower() or "without ending" for name in others)
    counts = [f"{count} {ending}" for ending, count in endings.most_common(5)]
    if (rest := len(others) - sum(count for _, count in endings.most_common(5))) > 0:
        counts.append(f"{rest} of other endings")
    if unseen:
        counts.append(f"{len(unseen)} hidden")
    total = len(others) + len(unseen)
    return f"{_many(total, 'file')} passed over ({', '.join(map(shown, counts))}), the first {shown((others or unseen)[0])}"


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _many(count: int, one: str, more: str | None = None) -> str:
    return f"{count} {one if count == 1 else more or one + 's'}"


def some_of(names: list[str]) -> str:
    """The first three of names, for a message."""
    return ", ".join(map(shown, names[:3])) + (" and more" if len(names) > 3 else "")
