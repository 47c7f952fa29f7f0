"""Where the page is served, and to whom."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """Where the page is served.

    Attributes:
        host: address at which it listens.
        port: of it; 0 takes one that is free.
        password: asked of everybody; None asks nothing.
        open: whether to open it in the browser of this machine.
        runs: folder below which finished runs can be opened; None for none.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    password: str | None = None
    open: bool = False
    runs: Path | None = None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
