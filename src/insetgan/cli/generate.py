"""`python generate.py`: draw images from one generator."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from insetgan import __version__
from insetgan.cli.device import choose_device
from insetgan.cli.generate_config import check, parse_layers, parse_mix, parse_truncs, parse_walk
from insetgan.cli.run_index import indexed
from insetgan.cli.seeds import parse_seeds
from insetgan.cli.terminal import PatientConsole, progress
from insetgan.generation.folder import LAYOUT, Block, Images, blocks_of
from insetgan.generation.plan import MixPlan, Plan, SeedPlan, WalkPlan
from insetgan.networks.labelled import with_label
from insetgan.networks.layered import Layered
from insetgan.networks.synthesiser import Synthesiser
from insetgan.reports.generation_sheet import draw_sheet, write_film
from insetgan.reports.video import find_encoder
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import files_of, fingerprint
from insetgan.runtime.printing import printable
from insetgan.runtime.provenance import provenance, with_provenance
from insetgan.runtime.store import ResultFolder
from insetgan.runtime.threads import limit_threads
from insetgan.runtime.torchvision_guard import guard
from insetgan.weights.store import load_network

_BESIDE = ("seeds", "batch_size", "device", "out", "overwrite", "plugins", "accept_licence", "trainer")
"""Settings that decide neither an image nor its name."""
_LONGEST_LABEL = 40
"""Letters of a label on the grid."""


def run(config: DictConfig) -> None:
    """Draw what is not finished yet, lay out the grid, and say where it is."""
    generator, plan = _ready(config)
    mark = _fingerprint(config, generator)
    folder = ResultFolder(_out(config, mark), mark, LAYOUT, overwrite=config.overwrite)
    images, console = Images(folder), PatientConsole()
    with folder.open(), indexed(folder.path):
        folder.write("config.yaml", with_provenance(OmegaConf.to_yaml(config, resolve=True)))
        blocks = images.unfinished(blocks_of(plan, config.batch_size))
        count, began = sum(len(block.names) for block in blocks), time.monotonic()
        if count:
            _draw(images, generator, plan, blocks, console)
        seconds = time.monotonic() - began
        notes = _gather(images, plan, _about(config))
    _report(console, folder, len(plan.names), count, seconds, notes)


def check_run(config: DictConfig) -> None:
    """Raise what would stop a run before its work.

    Raises:
        UserError: a setting, or a file that it names, cannot be used.
    """
    _ready(config)


def _ready(config: DictConfig) -> tuple[Synthesiser, Plan]:
    """Check the settings; gives the generator and what it is to draw."""
    check(config)
    if config.walk is not None:  # before the work
        find_encoder(f"walk={config.walk}")
    guard()
    limit_threads(config.trainer.num_threads)
    generator = _generator(config, choose_device(config.device))
    return generator, _plan(config, generator)


def _generator(config: DictConfig, device: str) -> Synthesiser:
    loaded = load_network(config.weights, kind="generator").to(device)
    if (channels := getattr(loaded, "img_channels", 3)) not in (1, 3):
        raise UserError(f"weights={config.weights}: draws {channels} channels; images have 1 or 3")
    label: Any = OmegaConf.to_object(config.label) if OmegaConf.is_config(config.label) else config.label
    found: Any = with_label(loaded, label, key="label")
    drawn: Synthesiser = found.to(device)
    return drawn


def _plan(config: DictConfig, generator: Synthesiser) -> Plan:
    """What the settings ask for."""
    truncs = parse_truncs(OmegaConf.to_object(config.trunc) if OmegaConf.is_config(config.trunc) else config.trunc)
    if config.mix is not None:
        rows, columns = parse_mix(config.mix)
        if not isinstance(generator, Layered):
            raise UserError(
                f"mix=: styles are mixed layer by layer, and weights={config.weights} has no layers of its own"
            )
        return MixPlan(rows, columns, parse_layers(config.layers, generator.layers), truncs[0])
    if config.walk is not None:
        return WalkPlan(parse_walk(config.walk), config.frames, truncs[0], config.space)
    return SeedPlan(
        parse_seeds(OmegaConf.to_object(config.seeds) if OmegaConf.is_config(config.seeds) else config.seeds), truncs
    )


def _fingerprint(config: DictConfig, generator: Any) -> str:
    """What decides the images and their names: settings and the file of weights, not where or how many."""
    settings: Any = OmegaConf.to_container(config, resolve=True)
    decisive = {key: value for key, value in settings.items() if key not in (*_BESIDE, "weights")}
    decisive["trunc"] = parse_truncs(settings["trunc"])
    if config.walk is None:
        decisive.pop("frames"), decisive.pop("space")
    decisive["version"] = __version__
    return fingerprint(decisive, files=files_of(generator))


def _out(config: DictConfig, mark: str) -> Path:
    if config.out is not None:
        return Path(config.out)
    what = "mix" if config.mix is not None else "walk" if config.walk is not None else "seeds"
    return Path("outputs/generate") / f"{what}-{mark[:8]}"


def _draw(images: Images, generator: Synthesiser, plan: Plan, blocks: Sequence[Block], console: Any) -> None:
    """Draw with progress: rate and time left."""
    count, done = sum(len(block.names) for block in blocks), 0
    with progress(f"drawing {count} image{'s' * (count > 1)}", "images", console=console) as on_progress:
        on_progress(0, count)

        def on_images(more: int) -> None:
            nonlocal done
            done += more
            on_progress(done, count)

        images.draw(generator, plan, blocks, on_images)


def _about(config: DictConfig) -> str:
    """The network and its label, for the grid."""
    name = printable(config.weights.rpartition("/")[2])[-60:]
    if config.label is None:
        return name
    label = str(config.label)
    return f"{name}, label {label if len(label) <= _LONGEST_LABEL else f'{label[:_LONGEST_LABEL]}...'}"


def _gather(images: Images, plan: Plan, about: str) -> list[str]:
    """Write results.json, grid.png and the film of a walk; gives what is to be said of them."""
    names, folder = plan.names, images.folder
    records = [{"name": name, **plan.record(index)} for index, name in enumerate(names)]
    folder.write("results.json", (json.dumps({"images": records, **provenance()}, indent=1) + "\n").encode())
    notes = draw_sheet(images, plan, about)
    if isinstance(plan, WalkPlan):
        write_film(images, plan)
        notes.append(f"film:     {folder.path / 'walk.mp4'}")
    return notes


def _report(console: Any, folder: ResultFolder, images: int, drawn: int, seconds: float, notes: Sequence[str]) -> None:
    rate = f", {drawn / seconds:.1f} images/s" if seconds > 0 else ""
    made = f"{drawn} drawn in {seconds:.0f} s{rate}" if drawn else "all of them were finished before"
    console.print(f"{images} image{'s' * (images > 1)}, {made}")
    for note in notes:
        console.print(note, markup=False)
    console.print(f"grid:     {folder.path / 'grid.png'}", markup=False)
    console.print(f"images:   {folder.results}", markup=False)
