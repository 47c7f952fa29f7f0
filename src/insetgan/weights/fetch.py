"""Files from the web, kept in the user's cache: fetched once, in pieces where the connection breaks, and never half."""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests
from filelock import FileLock

from insetgan.runtime import limits
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import file_digest
from insetgan.runtime.reading import read_file
from insetgan.runtime.record import seal, unseal
from insetgan.weights.first_use import check_first_use, folder_of
from insetgan.weights.transfer import Transfer

TIMEOUT = (20.0, 60.0)
"""Seconds to wait for a connection, and for the next bytes."""
TRIES = 6
"""Attempts in a row that bring no byte, or an answer that asks to come again, before a fetch is given up."""
PAUSE = 1.0
"""Seconds before the second try; twice as many before each further one."""
_OFFLINE = ("INSETGAN_OFFLINE", "HF_HUB_OFFLINE")
_PIECE = 1 << 16
_AGAIN = (429, 500, 502, 503, 504)
_REASONS = {401: "asks for a password", 403: "is forbidden", 404: "is not there", 410: "is gone"}


class _Broken(Exception):
    """The connection ended, or the server asks to come again; what came so far is kept."""


@dataclass
class _Part:
    """A file that has not come whole yet, and what says that the rest belongs to it.

    Attributes:
        path: of the bytes so far.
        note: of the validator of the server.
    """

    path: Path
    note: Path

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def validator(self) -> str | None:
        """What the server called this state of the file: a strong ETag or a time of change; None where it said neither."""
        try:
            found = unseal(read_file(self.note, 1 << 16))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, str) else None

    def begin(self, headers: Mapping[str, str]) -> None:
        """Start anew, and keep the server's validator."""
        tag = headers.get("ETag", "")
        self.note.write_bytes(seal(headers.get("Last-Modified") if not tag or tag.startswith("W/") else tag))
        self.path.write_bytes(b"")

    def remove(self) -> None:
        """Leave nothing."""
        for each in (self.path, self.note):
            each.unlink(missing_ok=True)


def is_offline() -> bool:
    """Whether the environment forbids fetching: `INSETGAN_OFFLINE=1` or `HF_HUB_OFFLINE=1`."""
    return any(os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE") for name in _OFFLINE)


def fetch(
    address: str, *, key: str = "weights", said: str | None = None, name: str | None = None, sha256: str | None = None
) -> Path:
    """Return the file of an address, from the cache if it is there.

    A connection that breaks is taken up where it broke, by a range, in this command or in the next one. The file gets its
    name in the cache once it is whole. Its SHA-256 is remembered, see `first_use`.

    Args:
        address: http:// or https://.
        key: what the setting is called, for messages.
        said: what the user typed, if that is not the address.
        name: of the file in the cache; None takes it from the address.
        sha256: that is published of it, if there is one.

    Raises:
        UserError: it cannot be had, it is a web page, it is too large, or it is not what it was.
    """
    shown = f"{key}={said or address}"
    try:
        urlsplit(address)
    except ValueError as error:  # brackets of an IPv6 address that are not closed
        raise UserError(f"{shown}: is no address of a file") from error
    folder = folder_of(address)
    path = folder / (name or _name(address))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):  # another process may fetch the same file
            if not path.is_file():
                if is_offline():
                    switch = next(each for each in _OFFLINE if os.environ.get(each))
                    raise UserError(f"{shown}: is not in the cache, and {switch} forbids to fetch it")
                _fetch(address, path, shown)
                if sha256 is not None and (found := file_digest(path)) != sha256:
                    path.unlink()
                    raise UserError(f"{shown}: came with SHA-256 {found}, but {sha256} is published; it was removed")
            check_first_use(address, path, key=key, expected=sha256)
    except OSError as error:
        raise UserError(f"{shown}: cannot be kept in {folder} ({error.strerror or error})") from error
    return path


def is_cached(address: str, name: str | None = None) -> bool:
    """Whether the file of an address lies in the cache whole; `name` as in `fetch`."""
    return (folder_of(address) / (name or _name(address))).is_file()


def _fetch(address: str, path: Path, shown: str) -> None:
    """Bring the file to its place, in as many tries as it takes."""
    part, idle, reason = _Part(path.with_name(".part"), path.with_name(".part.json")), 0, ""
    with Transfer(f"fetching {path.name}") as transfer:
        while idle < TRIES:
            before = part.size
            try:
                _receive(address, part, transfer, shown)
                os.replace(part.path, path)
                part.remove()
                return
            except _Broken as broken:
                reason = str(broken)
            except UserError:
                part.remove()
                raise
            idle = 0 if part.size > before else idle + 1
            if idle < TRIES:
                time.sleep(PAUSE * 2 ** max(idle - 1, 0))
    size = part.size
    if not size or part.validator is None:  # nothing that could be gone on with
        part.remove()
        raise UserError(f"{shown}: {reason}, {TRIES} times in a row; try again later")
    raise UserError(
        f"{shown}: {reason}, {TRIES} times in a row; {size / 2**20:.1f} MB have come, and the same command goes on from there"
    )


def _receive(address: str, part: _Part, transfer: Transfer, shown: str) -> None:
    """Take one answer of the server, as far as it comes.

    Raises:
        _Broken: it came in part, or not at all.
        UserError: what comes is not the file.
    """
    start, validator = part.size, part.validator
    headers = {"Accept-Encoding": "identity", "User-Agent": "insetgan"}
    if start and validator:
        headers |= {"Range": f"bytes={start}-", "If-Range": validator}
    try:
        with requests.get(address, headers=headers, stream=True, timeout=TIMEOUT) as response:
            _check_answer(response, address, shown)
            if response.status_code == 416:  # the file became shorter
                part.remove()
                raise _Broken("the server has no such range")
            if response.status_code != 206 or not response.headers.get("Content-Range", "").startswith(
                f"bytes {start}-"
            ):
                start = 0
                part.begin(response.headers)
            total = _total(response, start)
            if total is not None and total > limits.WEIGHTS_BYTES:
                raise UserError(f"{shown}: has {total} bytes; at most {limits.WEIGHTS_BYTES} are fetched")
            _store(response, part, start, total, transfer, shown)
    except requests.exceptions.InvalidURL as error:
        raise UserError(f"{shown}: is no address of a file") from error
    except requests.exceptions.TooManyRedirects as error:
        raise UserError(f"{shown}: leads from address to address without end") from error
    except requests.RequestException as error:
        raise _Broken(_words(error)) from error


def _check_answer(response: requests.Response, address: str, shown: str) -> None:
    """Refuse what is not the file."""
    status = response.status_code
    if urlsplit(address).scheme == "https" and not response.url.startswith("https:"):
        raise UserError(f"{shown}: leads to {response.url}, which is not encrypted")
    if status in _AGAIN:
        raise _Broken(f"the server answers {status}")
    if status not in (200, 206, 416):
        raise UserError(f"{shown}: {_REASONS.get(status, 'cannot be fetched')} (the server answers {status})")
    if status == 200 and response.headers.get("Content-Type", "").startswith("text/html"):
        raise _page(response.url, shown)


def _store(
    response: requests.Response, part: _Part, start: int, total: int | None, transfer: Transfer, shown: str
) -> None:
    """Append what comes."""
    have = start
    transfer.move(have, total)
    with part.path.open("r+b") as file:
        file.seek(start)
        file.truncate()
        for piece in response.iter_content(_PIECE):
            if have == 0 and re.match(rb"\s*<(!doctype html|html)", piece[:256], re.IGNORECASE):
                raise _page(response.url, shown)
            have += len(piece)
            if have > limits.WEIGHTS_BYTES:
                raise UserError(f"{shown}: has more than {limits.WEIGHTS_BYTES} bytes; no more are fetched")
            file.write(piece)
            transfer.move(have, total)
    if total is not None and have < total:
        raise _Broken(f"the connection ended after {have} of {total} bytes")
    if total is not None and have > total:
        raise UserError(f"{shown}: {have} bytes came, but the server announced {total}")
    if have == 0:
        raise UserError(f"{shown}: is empty")


def _total(response: requests.Response, start: int) -> int | None:
    """Bytes of the whole file, as far as the server says it."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return None
    if start and (whole := re.fullmatch(r"bytes \d+-\d+/(\d+)", response.headers.get("Content-Range", ""))):
        return int(whole[1])  # a server may send less than the range that was asked for
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdecimal() else None


def _page(url: str, shown: str) -> UserError:
    host = urlsplit(url).hostname or ""
    if host.endswith(("drive.google.com", "drive.usercontent.google.com")):
        return UserError(
            f"{shown}: Google Drive sends a page that asks to confirm the download, or says that too many people fetch the "
            "file; open the address in a browser, save the file, and give its path"
        )
    return UserError(f"{shown}: is a web page and not a file; give the address of the file itself")


def _words(error: requests.RequestException) -> str:
    """What went wrong with a connection, in a few words."""
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate is not trusted"
    if isinstance(error, requests.exceptions.Timeout):
        return "the server does not answer"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke"
    return "no connection can be made" if isinstance(error, requests.ConnectionError) else type(error).__name__


def _name(address: str) -> str:
    """A file name from an address: its last part, plain letters only."""
    last = unquote(urlsplit(address).path).rpartition("/")[2]
    plain = re.sub(r"[^\w.-]", "_", last, flags=re.ASCII).lstrip(".")[-120:]
    return plain or "file"
