"""The SHA-256 of a fetched file, remembered when it is first used and compared whenever it is used again."""

import hashlib
from pathlib import Path

from insetgan.runtime.errors import UserError
from insetgan.runtime.files import cache_folder, write_whole
from insetgan.runtime.fingerprint import file_digest
from insetgan.runtime.reading import read_file
from insetgan.runtime.record import seal, unseal

_MOST = 1 << 16  # bytes of a record


def folder_of(address: str) -> Path:
    """The folder of the user's cache that belongs to an address.

    Raises:
        UserError: this user has no cache folder.
    """
    return cache_folder() / "weights" / hashlib.sha256(address.encode()).hexdigest()[:16]


def remembered(address: str) -> str | None:
    """The SHA-256 that the file of an address had when it was first used; None before that."""
    try:
        note = unseal(read_file(_record(address), _MOST))
    except (OSError, ValueError):
        return None
    return str(note["sha256"]) if isinstance(note, dict) and note.get("address") == address else None


def check_first_use(address: str, path: Path, *, key: str, expected: str | None = None) -> None:
    """Remember what a file holds, or compare it with what is remembered.

    Args:
        address: where the file came from.
        path: where it lies.
        key: what the setting is called, for messages.
        expected: SHA-256 that is published of it; None where there is none.

    Raises:
        UserError: the file holds something else than it did, or than it should.
    """
    found, known = file_digest(path), remembered(address)
    if expected is not None and found != expected:
        raise UserError(f"{key}={address}: has SHA-256 {found}, but {expected} is published; the file is not used")
    if known is None:
        write_whole(_record(address), seal({"address": address, "sha256": found, "size": path.stat().st_size}))
    elif found != known:
        raise UserError(
            f"{key}={address}: {path} has SHA-256 {found}, but had {known} when it was first used; "
            f"if you trust the new file, remove {_record(address)}"
        )


def _record(address: str) -> Path:
    return folder_of(address) / "first_use.json"
