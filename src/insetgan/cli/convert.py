"""`python convert.py`: weights from one form into another, and what a file holds."""

import math
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from torch import Tensor

from insetgan.cli.known_networks import print_known
from insetgan.cli.terminal import PatientConsole
from insetgan.networks.generator import Generator
from insetgan.ops.images import encode_png, make_grid, seeded_latents, to_uint8
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import write_whole
from insetgan.runtime.fingerprint import file_digest
from insetgan.runtime.paths import read_path
from insetgan.runtime.reading import size_text
from insetgan.weights.published.writing import nvidia_stream, rosinality_file
from insetgan.weights.store import load_network, read_metadata, resolve, save_network

SEEDS = range(8)
COLUMNS = 4
_ENDINGS = (".safetensors", ".pkl", ".pt")
_LONGEST = 100


def run(config: DictConfig) -> None:
    """List the known networks, or read a network, say what it is and write it, as the settings want it."""
    if config.list:
        print_known()
        return
    path, out, known = _ready(config)
    network = load_network(path, kind=config.kind, key="in")
    digest = file_digest(path)
    console = PatientConsole()
    if config.info:
        _describe(console, path, network, known, digest)
        _draw(console, config, path, network)
    if out is not None:
        _write(console, out, path, network, known, digest)


def check_run(config: DictConfig) -> None:
    """Raise what would stop a run before its work.

    Raises:
        UserError: a setting, or a file that it names, cannot be used.
    """
    if not config.list:
        _ready(config)


def _ready(config: DictConfig) -> tuple[Path, Path | None, dict[str, Any]]:
    """Check the settings; gives the file that is read, the one to write, and what the first one says of itself."""
    if config.weights is None:
        raise UserError("in=null: give in=FILE, or list=true for the published networks")
    if config.out is None and not config.info:
        raise UserError("out=null: give out=NAME.safetensors, .pkl or .pt, or info=true")
    out = None if config.out is None else _place(config.out, config.overwrite)
    path = resolve(config.weights, key="in")
    if out is not None and out.exists() and out.samefile(path):
        raise UserError(f"out={config.out}: is the file that is read; give another name")
    return path, out, read_metadata(path, kind=config.kind, key="in")


def _place(typed: str, overwrite: bool) -> Path:
    out = read_path(typed, key="out")
    if out.suffix not in _ENDINGS:
        raise UserError(f"out={typed}: must end in {', '.join(_ENDINGS)}")
    if out.is_dir() or (out.exists() and not overwrite):
        raise UserError(f"out={typed}: exists already; give another name, or overwrite=true")
    return out


def _describe(console: PatientConsole, path: Path, network: Any, known: dict[str, Any], digest: str) -> None:
    rows = [
        ["file", f"{path.name}, {size_text(path.stat().st_size)}"],
        ["sha256", digest],
        ["form", str(known.get("form", "this project's safetensors"))],
        ["network", f"{known.get('network', '')} {known['kind']}".strip()],
        ["parameters", f"{sum(each.numel() for each in network.parameters()):,}".replace(",", " ")],
    ]
    rows += [[name, str(value)] for name, value in known["architecture"].items()]
    if isinstance(network, Generator):
        mean = network.mapping.w_avg
        rows.append(
            ["w_avg", f"length {float(mean.norm()):.3f}, from {float(mean.min()):.3f} to {float(mean.max()):.3f}"]
        )
    others = {key: value for key, value in known.items() if key not in ("kind", "architecture", "form", "network")}
    rows += [[name, text] for name, text in _lines(others) if text]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:  # lines and no table, in which a sha256 is cut off
        console.print(f"{name:<{width}}  {value}")


def _lines(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested plain values as lines."""
    found: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            found += _lines(value, f"{prefix}{name}.")
        else:
            text = str(value)
            found.append((f"{prefix}{name}", text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."))
    return found


def _draw(console: PatientConsole, config: DictConfig, path: Path, network: Any) -> None:
    if not isinstance(network, Generator):
        return
    if network.img_channels not in (1, 3):
        console.print(f"no picture: it draws {network.img_channels} channels, and 1 or 3 are shown")
        return
    place = read_path(config.picture or Path("outputs/convert") / f"{path.stem}.png", key="picture")
    images = torch.cat([_image(network, seed, config.trunc) for seed in SEEDS])
    grid = to_uint8(make_grid(images, COLUMNS))[0].expand(-1, -1, 3)
    write_whole(place, encode_png(grid))
    classes = f", seed i of class i modulo {network.c_dim}" if network.c_dim else ""
    console.print(f"seeds {SEEDS[0]} to {SEEDS[-1]} at psi {config.trunc:g}{classes}: {place}")


@torch.inference_mode()
def _image(network: Generator, seed: int, trunc: float) -> Tensor:
    """One image, since eight of 1024 x 1024 at once take memory: [1, c, h, w]."""
    label = None
    if network.c_dim:
        label = torch.zeros(1, network.c_dim)
        label[0, seed % network.c_dim] = 1
    image: Tensor = network(seeded_latents([seed], network.z_dim), label, truncation_psi=trunc)
    return image


def _write(console: PatientConsole, out: Path, path: Path, network: Any, known: dict[str, Any], digest: str) -> None:
    others = {key: value for key, value in known.items() if key not in ("kind", "architecture")}
    notes: list[str] = []
    left = sorted(set(others) - {"form", "network", "training", "arguments", "class_name", "converted"})
    if out.suffix == ".safetensors":
        own = others if "form" not in others else {"converted": {**others, "file": path.name, "sha256": digest}}
        save_network(out, network, kind=known["kind"], **own)
    else:
        try:
            if out.suffix == ".pkl":
                content, notes = nvidia_stream(network, _training(others))
            else:
                content, notes = rosinality_file(network)
        except ValueError as error:
            raise UserError(f"out={out}: the network {error}") from error
        write_whole(out, content)
        if left:
            notes.append(f"what the file says of {', '.join(left)} is left out: the form has no place for it")
    for note in notes:
        console.print(note)
    side = f"{network.height} x {network.width}" if hasattr(network, "height") else known["kind"]
    console.print(f"{out}: {side}, {math.ceil(out.stat().st_size / 1e5) / 10:.1f} MB")


def _training(others: dict[str, Any]) -> dict[str, Any]:
    """What is known of the data, for the files of others."""
    source = others.get("converted", others)
    found = source.get("training", {}) if isinstance(source, dict) else {}
    return found if isinstance(found, dict) else {}
