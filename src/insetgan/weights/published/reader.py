"""The one reader of published weights: which form a file has, which networks it holds, and the one that is wanted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from insetgan.runtime import limits
from insetgan.runtime.zips import shown
from insetgan.weights.published import nvidia, rosinality, tensorflow
from insetgan.weights.published.containers import read_records
from insetgan.weights.published.modules import module_of
from insetgan.weights.published.network import PublishedNetwork
from insetgan.weights.published.plain import plain
from insetgan.weights.published.records import Made

SUFFIXES = (".pkl", ".pickle", ".pt", ".pth")
_FIRST = {"generator": ("G_ema", "Gs", "g_ema", "G", "g"), "discriminator": ("D", "d")}
_AVERAGES = ("G_ema", "Gs", "g_ema")


@dataclass(frozen=True, eq=False)
class Published:
    """A file that others have published.

    Attributes:
        form: of the file, in words.
        networks: its networks by the names that it gives them; each is read when it is called for.
        training: what it says of the data set and the training, as plain values.
        licence: of the weights, as it says; empty where it does not.
        foreign: names in it that no network needs. Nothing of them was looked up or called.
    """

    form: str
    networks: Mapping[str, Callable[[], PublishedNetwork]]
    training: dict[str, Any] = field(default_factory=dict)
    licence: str = ""
    foreign: tuple[str, ...] = ()

    def choose(self, kind: str | None, name: str | None = None) -> tuple[str, PublishedNetwork]:
        """The network that is wanted, with the notes that concern it.

        Args:
            kind: "generator", "discriminator", or None for the first of either.
            name: of the network, if a certain one is wanted.

        Raises:
            ValueError: there is none, or it is one that ours do not build.
        """
        wanted = (name,) if name else _FIRST.get(kind or "", (*_FIRST["generator"], *_FIRST["discriminator"]))
        found = next((each for each in wanted if each in self.networks), None)
        if found is None:
            raise ValueError(f"holds {', '.join(self.networks)} and no {name or kind}")
        network = self.networks[found]()
        network.refuse_size()
        notes = list(network.notes)
        if found in ("G", "g") and not name and not set(_AVERAGES) & set(self.networks):
            notes.append(f"it has no average generator; {found} is taken")
        if self.foreign:
            notes.append(
                f"it names {', '.join(map(shown, self.foreign[:3]))}{', ...' if len(self.foreign) > 3 else ''}, "
                "which no network needs; nothing of it was run"
            )
        known = {"form": self.form, "network": found, "training": self.training, **network.known}
        if self.licence:
            known["licence"] = self.licence
        return found, replace(network, notes=tuple(notes), known=known)


def is_published(path: Path) -> bool:
    """Whether a file is to be read as a published one: by its first bytes, and by its name where they say nothing.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        start = stream.read(9)
    if path.suffix == ".safetensors":
        return False
    length = int.from_bytes(start[:8], "little")
    if start[8:] == b"{" and length <= limits.WEIGHTS_HEADER:
        return False
    return path.suffix in SUFFIXES or start.startswith((b"\x80", b"PK\x03\x04", b"<"))


def read_published(path: Path) -> Published:
    """Look into a file without executing anything of it; the networks are read when they are called for.

    Raises:
        ValueError: it is damaged, beyond a bound, or of a form that is not known, in words that follow its name.
        OSError: it cannot be read.
    """
    root, budget = read_records(path)
    size, foreign = path.stat().st_size, tuple(budget.foreign)
    if isinstance(root, (tuple, list)) and root and any(map(tensorflow.is_network, root)):
        names = ("G", "D", "Gs") if len(root) == 3 else ("Gs",)
        networks = dict(zip(names, root, strict=False))
        made = {
            name: partial(tensorflow.network, record, size)
            for name, record in networks.items()
            if tensorflow.is_network(record)
        }
        return Published("a TensorFlow pickle of StyleGAN2", made, foreign=foreign)
    if states := rosinality.states_in(root):
        made = {name: partial(rosinality.network, state, root, size) for name, state in states.items()}
        return Published("rosinality's layout", made, _training(root, "args"), _licence(root), foreign)
    records = _networks(root)
    if not records:
        raise ValueError(f"holds no network of a known form, but {_described(root)}")
    made = {name: partial(nvidia.network, record, size) for name, record in records.items()}
    return Published("NVIDIA's pickle", made, _training(root, "training_set_kwargs"), _licence(root), foreign)


def _networks(root: Any) -> dict[str, Any]:
    if module_of(root) is not None:
        return {"G_ema": root}
    if not isinstance(root, dict):
        return {}
    return {name: root[name] for name in nvidia.NETWORKS if isinstance(root.get(name), (Made, dict))}


def _training(root: Any, name: str) -> dict[str, Any]:
    found = root.get(name) if isinstance(root, dict) else None
    if isinstance(found, Made) and found.function.full == "argparse.Namespace":
        found = found.state
    said = plain(found) if isinstance(found, dict) else {}
    return said if isinstance(said, dict) else {}


def _licence(root: Any) -> str:
    """A licence that the file states: one line of text."""
    for name in ("licence", "license"):
        found = root.get(name) if isinstance(root, dict) else None
        if isinstance(found, str) and found.strip():
            return shown(" ".join(found.split()))
    return ""


def _described(root: Any) -> str:
    if isinstance(root, Made):
        return f"what {shown(root.function.full)} would make, which is never called"
    if isinstance(root, dict):
        keys = ", ".join(shown(str(key)) for key in list(root)[:5] if isinstance(key, (str, int)))
        return f"a table with {keys or 'nothing'}"
    return f"a {type(root).__name__}"
