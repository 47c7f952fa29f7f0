"""`python convert.py`: weights from one form into another, and what a file holds."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from insetgan.cli.convert_config import ConvertConfig
from insetgan.cli.convert_info import SEEDS, eight_seeds, facts, is_drawn, lines, said_of_training
from insetgan.cli.convert_output import Source, find_file, find_place, push_network, refuse_export, write_file
from insetgan.cli.known_networks import print_known
from insetgan.cli.terminal import PatientConsole
from insetgan.ops.images import encode_png
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import write_whole
from insetgan.runtime.fingerprint import file_digest
from insetgan.runtime.paths import read_path
from insetgan.weights.licence import Licence, licence_of, named
from insetgan.weights.store import EMBEDDED, load_network, read_metadata, resolve


def run(config: DictConfig) -> None:
    """List the known networks, or read a network, say what it is and write or push it, as the settings want it."""
    if config.list:
        _refuse_idle(config)
        print_known()
        return
    path, out, known = _ready(config)
    hub = config.out is not None and config.out.startswith("hf:")
    digest = file_digest(path)
    licence = _licence(config, licence_of(path, digest, known, embedded=config.weights in EMBEDDED))
    target = find_place(config.out, known["kind"], licence, config) if hub else None
    source = Source(path, load_network(path, kind=config.kind, key="in"), known, digest, licence)
    console = PatientConsole()
    if config.info:
        _describe(console, source)
        _draw(console, config, source)
    if out is not None:
        write_file(console, out, source, config.takes)
    if target is not None:
        push_network(
            console, target, source, trunc=config.trunc, private=config.private, overwrite=config.overwrite
        )  # fmt: skip


def check_run(config: DictConfig) -> None:
    """Raise what would stop a run before its work; nothing is asked of the Hub.

    Raises:
        UserError: a setting, or a file that it names, cannot be used.
    """
    _refuse_idle(config) if config.list else _ready(config)


def _ready(config: DictConfig) -> tuple[Path, Path | None, dict[str, Any]]:
    """Check the settings; gives the file that is read, the one to write, and what the first one says of itself."""
    if config.weights is None:
        raise UserError("in=null: give in=FILE, or list=true for the published networks")
    if config.out is None and not config.info:
        raise UserError("out=null: give out=NAME.safetensors, .pkl, .pt or .onnx, out=hf:OWNER/REPO, or info=true")
    _refuse_idle(config)
    elsewhere = config.out is None or config.out.startswith("hf:")
    out = None if elsewhere else find_file(config.out, config.overwrite)
    path = resolve(config.weights, key="in")
    if out is not None and out.exists() and out.samefile(path):
        raise UserError(f"out={config.out}: is the file that is read; give another name")
    if config.image is not None:
        image = read_path(config.image, key="image")
        if image.exists() and (not config.overwrite or image.is_dir() or image.samefile(path)):
            raise UserError(f"image={config.image}: exists already; give another name, or overwrite=true for an image")
    known = read_metadata(path, kind=config.kind, key="in")
    if out is not None and out.suffix == ".onnx":
        refuse_export(config.out, known)
    return path, out, known


def _refuse_idle(config: DictConfig) -> None:
    """Refuse settings that would have no effect.

    Raises:
        UserError: naming one.
    """
    if config.list and (config.weights is not None or config.out is not None or config.info):
        raise UserError("list=true: prints the published networks and does nothing else; leave in= and out= away")
    hub = config.out is not None and config.out.startswith("hf:")
    for key, idle, where in (
        ("image", config.image is not None and not config.info, "info=true"),
        ("trunc", config.trunc != ConvertConfig.trunc and not (config.info or hub), "info=true and out=hf:"),
        ("takes", config.takes != ConvertConfig.takes and not str(config.out).endswith(".onnx"), "out=NAME.onnx"),
        ("private", config.private is not None and not hub, "out=hf:"),
    ):
        if idle:
            shown = str(config[key]).lower() if isinstance(config[key], bool) else config[key]
            raise UserError(f"{key}={shown}: belongs to {where}; leave it away")


def _licence(config: DictConfig, found: Licence) -> Licence:
    """The licence that the user names, where nothing else does.

    Raises:
        UserError: the file has another one.
    """
    if config.licence is None:
        return found
    given = named(config.licence)
    if found.known and given != found.name:
        raise UserError(f"licence={config.licence}: the file has another licence: {found}")
    return found if found.known else Licence(given, "as you say")


def _describe(console: PatientConsole, source: Source) -> None:
    rows = facts(source.path, source.network, source.known, source.digest, source.licence)
    rows |= lines(said_of_training(source.known))
    width = max(map(len, rows))
    for name, value in rows.items():  # lines and no table, in which a sha256 is cut off
        console.print(f"{name:<{width}}  {value}")


def _draw(console: PatientConsole, config: DictConfig, source: Source) -> None:
    network = source.network
    if source.known["kind"] != "generator":
        return
    if not is_drawn(network, source.known["kind"]):
        console.print(f"no image: it draws {network.img_channels} channels, and 1 or 3 are shown")
        return
    place = read_path(config.image or Path("outputs/convert") / f"{source.path.stem}.png", key="image")
    write_whole(place, encode_png(eight_seeds(network, config.trunc)))
    labels = getattr(network, "c_dim", 0)
    classes = f", seed i of class i modulo {labels}" if labels else ""
    console.print(f"seeds {SEEDS[0]} to {SEEDS[-1]} at psi {config.trunc:g}{classes}: {place}")
