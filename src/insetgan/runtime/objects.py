"""Files by address: on this machine or in an object store, one or, by a pattern with braces, many."""

import functools
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import fsspec

from insetgan.runtime.errors import UserError
from insetgan.runtime.reading import size_text

ATTEMPTS = 6
"""How often a piece of an object is asked for before the command gives up."""

FIRST_WAIT = 0.5
"""Seconds before the second attempt; each further wait is twice as long."""

SILENCE = 60
"""Seconds in which a piece has to be there; a store that takes longer is asked again."""

PIECE = 1 << 23
"""Bytes that are asked for at once."""

MOST_SHARDS = 100_000
"""Files that one pattern may stand for."""

_BORN = os.getpid()
_REMOTE = re.compile(r"([a-z][a-z0-9+.-]*):/{1,2}(?!/)(.+)")
_RANGE = re.compile(r"\{(\d{1,12})\.\.(\d{1,12})\}")
_CHOICE = re.compile(r"\{([^{}]*,[^{}]*)\}")

Answer = TypeVar("Answer")


def as_address(path: str | Path) -> str:
    """The address that a path stands for: pathlib makes `s3:/bucket` of `s3://bucket`, which is undone here."""
    found = _REMOTE.fullmatch(str(path))
    return f"{found[1]}://{found[2]}" if found else str(path)


def is_remote(path: str | Path) -> bool:
    """Whether a path is the address of an object store, such as `s3://bucket/people.tar`."""
    return _REMOTE.fullmatch(str(path)) is not None


def is_pattern(path: str | Path) -> bool:
    """Whether a path has braces that stand for several files: `people-{0000..0009}.tar`, `{a,b}.tar`."""
    return bool(_RANGE.search(str(path)) or _CHOICE.search(str(path)))


def expand(path: str | Path) -> list[str]:
    """All addresses that a pattern stands for, in its order; a path without braces stands for itself.

    Raises:
        UserError: a range that runs backwards, or too many files.
    """
    found = [as_address(path)]
    while any(map(is_pattern, found)):
        found = [each for pattern in found for each in _expand_first(pattern)]
        if len(found) > MOST_SHARDS:
            raise UserError(f"{path}: stands for more than {MOST_SHARDS} files")
    return found


def _expand_first(pattern: str) -> list[str]:
    """What a pattern stands for once its first braces are written out."""
    first = min(
        filter(None, (_RANGE.search(pattern), _CHOICE.search(pattern))), key=lambda match: match.start(), default=None
    )
    if first is None:
        return [pattern]
    if first.re is _CHOICE:
        values = first[1].split(",")
    else:
        low, high = int(first[1]), int(first[2])
        if high < low:
            raise UserError(f"{pattern}: the range {first[0]} runs backwards")
        if high - low >= MOST_SHARDS:
            raise UserError(f"{pattern}: stands for more than {MOST_SHARDS} files")
        values = [str(number).zfill(len(first[1])) for number in range(low, high + 1)]
    return [pattern[: first.start()] + value + pattern[first.end() :] for value in values]


def needs_own_process(address: str) -> bool:
    """Whether a store cannot be asked in this process: obstore's threads stay behind where a process is forked off."""
    return address.startswith("s3://") and os.getpid() != _BORN


def _store(address: str) -> tuple[Any, str]:
    """The file system of an address, made anew in each process, and the path there.

    Raises:
        UserError: its package is missing, or there is no such kind of store.
    """
    protocol, _, path = address.partition("://")
    try:
        if protocol == "s3":
            return _s3(os.getpid()), path
        store, path = fsspec.core.url_to_fs(address)
    except ImportError as error:
        needs = "pip install 'insetgan[s3]'" if protocol == "s3" else " ".join(str(error).split())
        raise UserError(f"{address}: needs another package: {needs}") from error
    except Exception as error:  # each store has errors of its own for settings that it cannot use
        raise UserError(f"{address}: {' '.join(str(error).split())[:200]}") from error
    return store, path


@functools.lru_cache(maxsize=1)
def _s3(_: int) -> Any:
    """S3 as fsspec has it, by obstore, for one process; its settings are AWS's environment variables.

    What fails is asked for again here and not there, so that it is counted once.
    """
    from obstore.fsspec import FsspecStore

    make: Any = FsspecStore
    plain = os.environ.get("AWS_ENDPOINT_URL", os.environ.get("AWS_ENDPOINT", "")).startswith("http://")
    return make(
        "s3",
        client_options={"timeout": f"{SILENCE}s", "connect_timeout": f"{SILENCE}s", "allow_http": plain},
        retry_config={"max_retries": 0},
        skip_instance_cache=True,
    )


@functools.lru_cache(maxsize=MOST_SHARDS)
def facts(address: str) -> tuple[int, str]:
    """Size in bytes of an object, and what changes when it is written anew; asked once in each process.

    Raises:
        UserError: it is not there, or the store cannot be reached.
    """
    store, path = _store(address)
    info = _patiently(address, lambda: store.info(path))
    if info.get("type") == "directory" or not isinstance(info.get("size"), int):
        raise UserError(f"{address}: no such object")
    tag = next((str(info[key]) for key in ("ETag", "etag", "e_tag", "LastModified", "mtime") if key in info), "")
    return info["size"], tag


def pieces(address: str, size: int) -> Iterator[bytes]:
    """The content of an object, a piece at a time; a piece that comes short or not at all is asked for again.

    Raises:
        UserError: it cannot be had, or holds fewer bytes than `size`.
    """
    store, path = _store(address)
    for start in range(0, size, PIECE):
        wanted = min(PIECE, size - start)

        def ask(start: int = start, wanted: int = wanted) -> bytes:
            found: bytes = store.cat_file(path, start=start, end=start + wanted)
            if len(found) != wanted:
                raise OSError(f"gave {len(found)} of {wanted} bytes from byte {start} on")
            return found

        yield _patiently(address, ask)


def _patiently(address: str, ask: Callable[[], Answer]) -> Answer:
    """Ask, and ask again after a while where that fails."""
    failure: Exception | None = None
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(FIRST_WAIT * 2 ** (attempt - 1))
        try:
            return ask()
        except (FileNotFoundError, PermissionError) as error:
            said = "no such object" if isinstance(error, FileNotFoundError) else "access is denied"
            raise UserError(f"{address}: {said}") from error
        except Exception as error:  # each store has errors of its own
            failure = error
    reason = " ".join(str(failure).partition("Debug source")[0].split())[:200] or type(failure).__name__
    raise UserError(f"{address}: cannot be read after {ATTEMPTS} attempts ({reason})") from failure


def too_large(address: str, size: int, most: int) -> UserError:
    """The error for an object that the local cache cannot hold."""
    given = f"data.cache_gb={most / (1 << 30):g}"
    return UserError(f"{given}: too small for {address}, which holds {size_text(size)}; give more, or smaller shards")
