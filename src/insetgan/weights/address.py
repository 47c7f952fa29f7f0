"""Weights that are named by an address: `https://...`, `hf:owner/repo[@revision]:file` or `known:NAME`."""

from pathlib import Path
from urllib.parse import urlsplit

from insetgan.runtime.errors import UserError
from insetgan.runtime.paths import ADDRESSES
from insetgan.runtime.zips import shown
from insetgan.weights.known import ask_for_consent, find


def is_address(text: str) -> bool:
    """Whether a text names a file elsewhere."""
    return text.startswith(ADDRESSES)


def locate(address: str, *, key: str = "weights") -> Path:
    """Return the file of an address in the user's cache; it is fetched if it is not there.

    Args:
        address: begins with one of `ADDRESSES`.
        key: what the setting is called, for messages.

    Raises:
        UserError: it cannot be had, or its licence is not accepted.
    """
    _refuse_malformed(address, key)
    # Imported here, since what fetches takes half a second to import and most weights lie on the disk.
    from insetgan.weights.fetch import fetch, is_cached
    from insetgan.weights.hub import fetch_from_hub

    if address.startswith("hf:"):
        return fetch_from_hub(address, key=key)
    if not address.startswith("known:"):
        return fetch(address, key=key)
    network = find(address.removeprefix("known:"), key=key)
    if not is_cached(network.address, network.file):
        ask_for_consent(network, key=key)
    if network.address.startswith("hf:"):
        return fetch_from_hub(network.address, key=key)
    return fetch(network.address, key=key, said=address, name=network.file, sha256=network.sha256)


def _refuse_malformed(address: str, key: str) -> None:
    """Refuse what Python's readers of addresses stumble over, such as brackets without an end.

    Raises:
        UserError: letters that cannot be written, or no host or port where there must be one.
    """
    try:
        parts = urlsplit(address)
        whole = address.isprintable() and (parts.scheme not in ("http", "https") or (parts.hostname, parts.port)[0])
    except ValueError:
        whole = False
    if not whole:
        raise UserError(f"{key}={shown(address)}: is no address of a file")
