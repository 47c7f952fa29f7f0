"""The licence of a weights file: how it is known, and what it says about passing the weights on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from insetgan.runtime.errors import UserError
from insetgan.runtime.zips import shown
from insetgan.weights.first_use import remembered
from insetgan.weights.known import Known, known_networks

UNKNOWN = "unknown: ask where the file comes from"
MOST_LETTERS = 100
"""Of a licence's name."""
PEOPLE = "images of real, recognisable people without their consent"
"""What no licence of weights allows by itself."""

Sharing = Literal["free", "same", "none"]


@dataclass(frozen=True)
class Terms:
    """What a licence says, in short; its own text is what counts.

    Attributes:
        hub: its identifier on the Hugging Face Hub; "other" where it has none.
        link: of its text; empty where there is none.
        allows: what it allows.
        forbids: what it does not allow.
        sharing: whether weights may be passed on: "free", "same" under this licence with its text alone, or "none".
    """

    hub: str
    link: str
    allows: str
    forbids: str
    sharing: Sharing


_CC = "https://creativecommons.org/licenses"
_NAMED = "every use, also for money, if the authors are named"
_UNNAMED = "uses that leave the authors' names out"
_MONEY = "use for money"
TERMS: Mapping[str, Terms] = {
    "CC0-1.0": Terms("cc0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/", "every use", "", "free"),
    "CC-BY-4.0": Terms("cc-by-4.0", f"{_CC}/by/4.0/", _NAMED, _UNNAMED, "free"),
    "CC-BY-SA-4.0": Terms("cc-by-sa-4.0", f"{_CC}/by-sa/4.0/", _NAMED, "passing on under other licences", "same"),
    "CC-BY-NC-4.0": Terms("cc-by-nc-4.0", f"{_CC}/by-nc/4.0/", "use without money", _MONEY, "free"),
    "CC-BY-NC-SA-4.0": Terms("cc-by-nc-sa-4.0", f"{_CC}/by-nc-sa/4.0/", "use without money", _MONEY, "same"),
    "MIT": Terms("mit", "https://opensource.org/license/mit", "every use, with its notice", "", "free"),
    "Apache-2.0": Terms("apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0", "every use, with its notices", "", "free"),
    "NVIDIA Source Code License-NC": Terms(
        "other",
        "https://github.com/NVlabs/stylegan3/blob/main/LICENSE.txt",
        "research and evaluation; what is trained from these weights has the same limit",
        f"{_MONEY}, and passing on under another licence or without a copy of this one",
        "same",
    ),
    "no licence stated; research only in practice": Terms(
        "other", "", "nothing by itself", "passing on, and use beyond what its authors allow", "none"
    ),
}  # fmt: skip
"""Licences by the names that `known.yaml` and people give them."""


@dataclass(frozen=True)
class Licence:
    """The licence of a file.

    Attributes:
        name: of the licence; `UNKNOWN` where nothing says it.
        source: how it is known, in words; empty where it is not.
        page: of the network's authors; empty where it is not known.
    """

    name: str
    source: str = ""
    page: str = ""

    @property
    def known(self) -> bool:
        """Whether anything says it."""
        return self.name != UNKNOWN

    @property
    def terms(self) -> Terms:
        """What it says; of one that is not in `TERMS` that is for its own text to say."""
        return TERMS.get(self.name) or Terms("other", "", "what its text says", "what its text does not allow", "free")

    def __str__(self) -> str:
        """The licence, how it is known, and where its network comes from."""
        said = ", ".join(part for part in (self.source, self.page) if part)
        return f"{self.name} ({said})" if said else self.name


def named(text: str, *, key: str = "licence") -> str:
    """The name of a licence as this project writes it: `cc-by-4.0` is CC-BY-4.0.

    Raises:
        UserError: empty, more than a line, or too long.
    """
    words = " ".join(text.split())
    if not words or "\n" in text or len(words) > MOST_LETTERS or not words.isprintable():
        raise UserError(f"{key}={words[:40]}: must be one line of 1 to {MOST_LETTERS} letters, such as cc-by-4.0")
    return next(
        (name for name, terms in TERMS.items() if words.lower() in (name.lower(), terms.hub) and words != "other"),
        words,
    )


def licence_of(path: Path, digest: str, said: Mapping[str, Any], *, embedded: bool = False) -> Licence:
    """The licence of a weights file, by the first that speaks of it.

    Args:
        path: of the file.
        digest: its SHA-256.
        said: what the file says of itself, as `store.read_metadata` returns it.
        embedded: whether it is a model of this project.

    Returns:
        That of a published network with this SHA-256, stated by its authors or remembered from its address; else what the
        file says itself; else that of the published network of which the file has the name. `UNKNOWN` if nothing does.
    """
    if embedded:
        return Licence("MIT", "of this project: LICENSE and NOTICE")
    converted = said.get("converted")
    origin: Mapping[str, Any] = converted if isinstance(converted, dict) else {}
    for found in (digest, origin.get("sha256")):
        if isinstance(found, str) and (known := _by_digest(found)) is not None:
            return Licence(known.licence, f"that of known:{known.name}, by its SHA-256", known.page)
    for table in (said, origin):
        if isinstance(text := table.get("licence"), str) and text.strip():
            return Licence(named(shown(" ".join(text.split()))), "as the file says")
    for name in (path.name, origin.get("file")):
        if (known := _by_name(name)) is not None:
            return Licence(known.licence, f"that of known:{known.name}, by the name {name}", known.page)
    return Licence(UNKNOWN)


def _by_digest(digest: str) -> Known | None:
    """The published network that has a SHA-256, stated or remembered on first use."""
    for network in known_networks().values():
        if digest in (network.sha256, remembered(network.address)):
            return network
    return None


def _by_name(name: Any) -> Known | None:
    for network in known_networks().values():
        if name == (network.file or urlsplit(network.address).path.rpartition("/")[2]):
            return network
    return None


def slug(name: str) -> str:
    """A licence's name as the Hub wants one that it does not know: small letters, numbers and dashes."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.") or "unnamed"
