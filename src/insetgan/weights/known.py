"""Published networks by name, `known:NAME`: where they are, what they draw, and under which licence."""

import difflib
import functools
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from insetgan.runtime.errors import UserError
from insetgan.runtime.printing import say_error


@dataclass(frozen=True)
class Known:
    """A published network.

    Attributes:
        name: as in `known:NAME`.
        domain: what it draws.
        size: height x width of its images.
        kind: family of networks.
        licence: of the weights.
        page: of its authors.
        address: of the file.
        file: its name; None is that of the address.
        read: whether this project reads networks of its kind.
        sha256: of the file, where its authors state it.
    """

    name: str
    domain: str
    size: str
    kind: str
    licence: str
    page: str
    address: str
    file: str | None = None
    read: bool = True
    sha256: str | None = None


@functools.cache
def known_networks() -> dict[str, Known]:
    """All of them by name, the permissive ones first."""
    text = Path(__file__).with_name("known.yaml").read_text(encoding="utf-8")
    return {name: Known(name=name, **entry) for name, entry in yaml.safe_load(text).items()}


def find(name: str, *, key: str) -> Known:
    """Return a network by its name.

    Raises:
        UserError: there is none of this name.
    """
    networks = known_networks()
    if name in networks:
        return networks[name]
    near = difflib.get_close_matches(name, networks, n=1)
    hint = f"did you mean known:{near[0]}? " if near else ""
    raise UserError(f"{key}=known:{name}: no such network; {hint}docs/weights.md lists all {len(networks)}")


class _Consent:
    """Whether `accept_licence=true` was given to this command."""

    given = False


def accept_licences(accepted: bool) -> None:
    """Say whether the user accepts the licences of the networks that this command fetches."""
    _Consent.given = accepted


def ask_for_consent(network: Known, *, key: str) -> None:
    """Show the licence of a network that is to be fetched, and go on only if the user accepts it.

    Raises:
        UserError: it is not accepted, or there is no terminal at which to ask.
    """
    say_error(f"{network.name}: {network.domain}, {network.size}. Licence: {network.licence}. {network.page}")
    if not network.read:
        say_error(f"{network.name}: is a {network.kind} network, which this version does not read")
    if _Consent.given:
        return
    if sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None and sys.stderr.isatty():
        sys.stderr.write("Accept it? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            return
    raise UserError(
        f"{key}=known:{network.name}: its licence ({network.licence}) must be accepted: accept_licence=true"
    )
