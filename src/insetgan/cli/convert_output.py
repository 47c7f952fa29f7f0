"""Where `convert.py` writes a network: a file, or a repository of the Hugging Face Hub with a page that describes it."""

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from omegaconf import DictConfig

from insetgan.cli.convert_info import eight_seeds, facts, is_drawn, said_of_training
from insetgan.cli.terminal import PatientConsole
from insetgan.ops.images import encode_png
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import write_whole
from insetgan.runtime.paths import read_path
from insetgan.weights.card import Card
from insetgan.weights.licence import Licence
from insetgan.weights.onnx_file import Input, onnx_stream, refuse_lacking
from insetgan.weights.published.writing import nvidia_stream, rosinality_file
from insetgan.weights.push import CARD, Target, look, push
from insetgan.weights.store import save_network

_PUSHED = (".safetensors", ".pkl", ".pt")
_ENDINGS = (*_PUSHED, ".onnx")
_WRITTEN = {"form", "network", "training", "arguments", "class_name", "converted", "licence"}
"""What a file says of itself that others' forms have a place for, or that says nothing in them."""


@dataclass(frozen=True)
class Source:
    """A network that was read.

    Attributes:
        path: of its file.
        network: itself.
        known: what the file says of itself, as `read_metadata` returns it.
        digest: SHA-256 of the file.
        licence: of the weights.
    """

    path: Path
    network: Any
    known: dict[str, Any]
    digest: str
    licence: Licence

    @property
    def others(self) -> dict[str, Any]:
        """What the file says beside kind and architecture."""
        return {key: value for key, value in self.known.items() if key not in ("kind", "architecture")}


def refuse_export(typed: str, known: dict[str, Any]) -> None:
    """Refuse an ONNX file of what is no generator, or without the packages that it takes.

    Args:
        typed: what was given for out=, a file ending in .onnx.
        known: what the source says of itself, as `read_metadata` returns it.

    Raises:
        UserError: one of the two.
    """
    if known["kind"] != "generator":
        raise UserError(
            f"out={typed}: only generators are exported; the file holds a network of the kind {known['kind']}"
        )
    refuse_lacking(f"out={typed}")


def find_file(typed: str, overwrite: bool) -> Path:
    """The path of a file that may be written.

    Raises:
        UserError: another ending, or it exists already.
    """
    out = read_path(typed, key="out")
    if out.suffix not in _ENDINGS:
        raise UserError(f"out={typed}: must end in {', '.join(_ENDINGS)}, or be hf:OWNER/REPO")
    if out.is_dir() or (out.exists() and not overwrite):
        raise UserError(f"out={typed}: exists already; give another name, or overwrite=true")
    return out


def find_place(typed: str, kind: str, licence: Licence, config: DictConfig) -> Target:
    """The place on the Hub to which a network may be pushed.

    Raises:
        UserError: its licence is not known or does not allow it, another ending, offline, or what `push.look` refuses.
    """
    address = typed if ":" in typed.removeprefix("hf:") else f"{typed}:{kind}.safetensors"
    if PurePosixPath(address).suffix not in _PUSHED:
        raise UserError(f"out={typed}: must end in {', '.join(_PUSHED)}")
    _refuse_licence(typed, licence, accepted=config.accept_licence)
    return look(address, also=(CARD,), overwrite=config.overwrite)


def _refuse_licence(typed: str, licence: Licence, *, accepted: bool) -> None:
    if not licence.known:
        raise UserError(
            f"out={typed}: the licence of the weights is not known; name it, as in licence=cc-by-4.0, if you may publish "
            "them: what was trained from published weights has their limits"
        )
    words = {
        "none": "does not allow to pass the weights on",
        "same": "lets the weights be passed on under the same licence only, with a copy of it",
    }
    if (said := words.get(licence.terms.sharing)) and not accepted:
        raise UserError(f"out={typed}: the licence, {licence}, {said}; accept_licence=true pushes them nevertheless")


def write_file(console: PatientConsole, out: Path, source: Source, takes: Input) -> None:
    """Write a network as a file, and say what is lost; `takes` is for an ONNX file."""
    for note in _export(out, source, takes) if out.suffix == ".onnx" else _write(out, source):
        console.print(note)
    console.print(f"{out}: {_size(source)}, {_megabytes(out)}")


def push_network(
    console: PatientConsole, target: Target, source: Source, *, trunc: float, private: bool | None, overwrite: bool
) -> None:
    """Push a network with its page and an image of eight seeds, in one commit."""
    name = target.place.file
    files: dict[str, Path | bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / PurePosixPath(name).name
        for note in _write(path, source):
            console.print(note)
        files[name] = path
        if CARD in target.there and not overwrite:
            console.print(f"{target.place.repo} has a {CARD}, which stays as it is; overwrite=true replaces it")
        else:
            images = ""
            if is_drawn(source.network, source.known["kind"]):
                images = f"{PurePosixPath(name).with_suffix('')}-seeds.png"
                files[images] = encode_png(eight_seeds(source.network, trunc))
            files[CARD] = _card(target, source, images).encode()
        commit = push(target, files, private=private)
        made = "pushed to the new repository" if target.new else "pushed to"
        console.print(
            f"{made} {target.place.repo}: {', '.join(files)} ({_size(source)}, {_megabytes(path)}; {source.licence.name}); "
            f"{commit}"
        )


def _card(target: Target, source: Source, images: str) -> str:
    place, network = target.place, source.network
    revision = f"@{place.revision}" if place.revision else ""
    tall = getattr(network, "height", 0) > getattr(network, "width", 0)
    rows = facts(source.path, network, source.known, source.digest, source.licence)
    address = f"hf:{place.repo}{revision}:{place.file}"
    training = said_of_training(source.known)
    return Card(address, source.known["kind"], rows, training, source.licence, PurePosixPath(images).name, tall).text()


def _write(out: Path, source: Source) -> list[str]:
    """Write a network in the form of its ending; returns lines for the user.

    Raises:
        UserError: the form has no such network.
    """
    others, licence = source.others, source.licence.name if source.licence.known else None
    stated = {"licence": licence} if licence else {}
    if out.suffix == ".safetensors":
        if "form" in others:
            others = {"converted": {**others, "file": source.path.name, "sha256": source.digest}}
        save_network(out, source.network, kind=source.known["kind"], **{**others, **stated})
        return []
    try:
        if out.suffix == ".pkl":
            content, notes = nvidia_stream(source.network, _training(others), licence)
        else:
            content, notes = rosinality_file(source.network, licence)
    except ValueError as error:
        raise UserError(f"out={out.name}: the network {error}") from error
    write_whole(out, content)
    if left := sorted(set(others) - _WRITTEN):
        notes.append(f"what the file says of {', '.join(left)} is left out: the form has no place for it")
    return notes


def _export(out: Path, source: Source, takes: Input) -> list[str]:
    """Write a generator as an ONNX file; returns lines for the user.

    Raises:
        UserError: it cannot be exported, or would draw other images.
    """
    said = {"licence": str(source.licence), "file": source.path.name, "sha256": source.digest}
    try:
        content, difference = onnx_stream(source.network, takes, said)
    except ValueError as error:
        raise UserError(f"out={out.name}: the network {error}") from error
    write_whole(out, content)
    inputs = "ws" if takes == "w" else "z, psi and label" if source.network.c_dim else "z and psi"
    return [
        f"from {inputs} to images; ONNX Runtime's differ from PyTorch's by at most {difference:.1e}",
        "not in the file: training arguments, and noise other than the stored one",
    ]


def _training(others: dict[str, Any]) -> dict[str, Any]:
    """What is known of the data, for the files of others."""
    source = others.get("converted", others)
    found = source.get("training", {}) if isinstance(source, dict) else {}
    return found if isinstance(found, dict) else {}


def _size(source: Source) -> str:
    network = source.network
    return f"{network.height} x {network.width}" if hasattr(network, "height") else str(source.known["kind"])


def _megabytes(path: Path) -> str:
    return f"{math.ceil(path.stat().st_size / 1e5) / 10:.1f} MB"
