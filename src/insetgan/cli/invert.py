"""`python invert.py`: find the latents of images."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from insetgan import __version__
from insetgan.cli.build import instantiate
from insetgan.cli.device import choose_device
from insetgan.cli.idle import refuse_idle, typed
from insetgan.cli.invert_config import check, idle
from insetgan.cli.refine_perceptual import settle_perceptual_of
from insetgan.cli.run_index import indexed
from insetgan.cli.terminal import PatientConsole, progress, table
from insetgan.data.reading import Reading
from insetgan.detection.detector import Detector
from insetgan.inversion.alignment import NotFound, align_image
from insetgan.inversion.folder import LAYOUT, Inversions, summarise
from insetgan.inversion.given import GivenImage, changes, content_digest, find_images
from insetgan.inversion.inverter import STEPS, Inverter, Reconstruction, find_encoder, no_encoder
from insetgan.inversion.projector import Projector
from insetgan.inversion.tuning import Tuning
from insetgan.metrics.reconstruction import FIGURES, reconstruction_figures
from insetgan.networks.layered import Layered
from insetgan.networks.perceptual import Perceptual
from insetgan.networks.synthesiser import device_of
from insetgan.ops.images import encode_png
from insetgan.reports.inversion_sheet import SHOWN, inversion_sheet
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import files_of, fingerprint
from insetgan.runtime.provenance import provenance, with_provenance
from insetgan.runtime.settings import read
from insetgan.runtime.store import ResultFolder
from insetgan.runtime.threads import limit_threads
from insetgan.runtime.torchvision_guard import guard
from insetgan.weights.store import load_network, save_network

_BESIDE = ("image", "out", "overwrite", "device", "trainer", "accept_licence", "plugins", "on_fault")
"""Settings that decide no latents."""


@dataclass(frozen=True)
class Taken:
    """An image as the generator is to draw it.

    Attributes:
        given: where it comes from.
        image: [3, height, width] in [-1, 1].
        box: the piece that was taken, in pixels of the upright file.
    """

    given: GivenImage
    image: Tensor
    box: tuple[int, int, int, int]


def run(config: DictConfig) -> None:
    """Invert what is not finished yet, gather the results and say what came out."""
    lines, inverter, perceptual, tuning = _ready(config)
    console = PatientConsole()
    for line in lines:
        console.print(line, markup=False)
    taken, left_out, said = _taken(config, inverter)
    for line in said:
        console.print(line, markup=False)
    for line in left_out:
        console.print(f"left out: {line}", markup=False)
    mark = _fingerprint(config, inverter, perceptual)
    path = Path(config.out or Path("outputs/invert") / f"{Path(config.weights).stem}-{mark[:8]}")
    folder = ResultFolder(path, mark, LAYOUT, overwrite=config.overwrite)
    inversions, names = Inversions(folder), [each.given.name for each in taken]
    blocks = [taken[first : first + config.batch_size] for first in range(0, len(taken), config.batch_size)]
    with folder.open(), indexed(path):
        folder.write("config.yaml", with_provenance(OmegaConf.to_yaml(config, resolve=True)))
        undone = [
            block for block in blocks if not all(inversions.finished(e.given.name, _depends(e, block)) for e in block)
        ]
        began, count = time.monotonic(), sum(map(len, undone))
        steps = inverter.projector.steps + tuning.steps * max(map(len, undone), default=0)
        with progress(f"inverting {count} image{'s' * (count > 1)}", "steps", console=console) as on_progress:
            for number, block in enumerate(undone):
                shown = _counting(on_progress, number * steps, len(undone) * steps)
                _invert(inversions, block, inverter, tuning, perceptual, shown)
        results = _gather(inversions, names, left_out)
    _report(console, folder, results, count, time.monotonic() - began)


def check_run(config: DictConfig) -> None:
    """Raise what would stop a run before its work; the images are not opened.

    Raises:
        UserError: a setting, or a file that it names, cannot be used.
    """
    _ready(config)


def _ready(config: DictConfig) -> tuple[list[str], Inverter, Any, Tuning]:
    """Check the settings; gives lines to be said, what inverts, what measures, and how the generator is tuned."""
    check(config)
    refuse_idle(idle(config), typed())
    guard()
    limit_threads(config.trainer.num_threads)
    lines = settle_perceptual_of(config, [(None, config.weights)])
    return lines, *_inverter(config, choose_device(config.device))


def _inverter(config: DictConfig, device: str) -> tuple[Inverter, Any, Tuning]:
    """What inverts, what measures, and how the generator is tuned."""
    generator = load_network(config.weights, kind="generator").to(device)
    layered: Any = generator if isinstance(generator, Layered) else None
    if layered is None or layered.c_dim or layered.img_channels != 3:
        raise UserError(f"weights={config.weights}: must be a StyleGAN, unconditional, and draw RGB")
    perceptual = instantiate(config.perceptual, Perceptual)
    if hasattr(perceptual, "to"):
        perceptual.to(device)
    encoder = None
    if config.start == "encoder":
        encoder = find_encoder(generator, config.encoder)
        if encoder is None:
            raise no_encoder("start", config.weights)
        encoder.to(device)
    steps = STEPS[config.start] if config.steps is None else config.steps
    options: Any = OmegaConf.to_container(config.projector, resolve=True)
    projector = read(Projector, {**options, "steps": steps, "space": config.space}, "projector")
    tuning: Any = OmegaConf.to_container(config.tuning, resolve=True)
    inverter = Inverter(generator, projector, encoder, config.passes, perceptual if projector.perceptual else None)
    return inverter, perceptual, read(Tuning, tuning, "tuning")


def _taken(config: DictConfig, inverter: Inverter) -> tuple[list[Taken], list[str], list[str]]:
    """The images, aligned, a line about each that cannot be used, and lines about what was passed over or changed."""
    given: Any = OmegaConf.to_object(config.image) if OmegaConf.is_config(config.image) else config.image
    background: Any = (
        OmegaConf.to_object(config.background) if OmegaConf.is_config(config.background) else config.background
    )
    reading = Reading(background, "rgb")
    detector = instantiate(config.detector, Detector) if config.align == "part" else None
    size = (inverter.generator.height, inverter.generator.width)
    box = None if config.box is None else tuple(config.box)
    taken, left_out = [], []
    said: list[str] = []
    changed: Counter[str] = Counter()
    images = find_images(given, say=said.append)
    for each in images:
        try:
            pixels = each.read(reading, changed=changed)
            alignment = align_image(
                pixels,
                size,
                config.align,
                detector=detector,
                part=config.part,
                margin=config.margin,
                box=box,
                key=f"image={each.path}",
            )
        except UserError as error:
            if config.on_fault == "stop":
                more = "; on_fault=skip goes on without it" if isinstance(error, NotFound) else ""
                raise UserError(f"{error}{more}") from error
            left_out.append(str(error))
            continue
        taken.append(Taken(each, alignment.take(pixels), alignment.box))
    if not taken:
        raise UserError(f"image={config.image}: none of these images can be used; the first: {left_out[0]}")
    return taken, left_out, [*said, *changes(changed, len(images))]


def _invert(
    inversions: Inversions, block: Sequence[Taken], inverter: Inverter, tuning: Tuning, perceptual: Any, on_step: Any
) -> None:
    """Invert one block and write it."""
    generator: Any = inverter.generator
    device = device_of(generator)
    images = torch.stack([each.image for each in block]).to(device)
    made = inverter.invert(images, lambda done, _: on_step(done))
    figures = [reconstruction_figures(images, each.images, perceptual) for each in made]
    for row, each in enumerate(block):
        shown, measured, tuned = list(made), [_of_row(one, row) for one in figures], None
        if tuning.steps:
            one, before = images[row : row + 1], inverter.projector.steps + row * tuning.steps
            began, pivot = time.perf_counter(), made[-1].latents.rows(torch.tensor([row], device=device))
            moved = tuning.tune(generator, one, pivot, perceptual=perceptual, on_step=_after(before, on_step))
            seconds = made[-1].seconds + time.perf_counter() - began
            with torch.no_grad():
                shown.append(Reconstruction("tuned", pivot, moved.render(pivot.tensors), seconds))
            measured.append(_of_row(reconstruction_figures(one, shown[-1].images, perceptual), 0))
            tuned = partial(_save_tuned, network=moved, name=each.given.name)
        data = {"file": each.given.path.name, "box": list(each.box), "batch": len(block)}
        inversions.add(
            each.given.name,
            images[row : row + 1],
            shown,
            row,
            measured=measured,
            depends=_depends(each, block),
            data=data,
            tuned=tuned,
        )


def _save_tuned(path: Path, network: Any, name: str) -> None:
    save_network(path, network, kind="generator", half=True, tuned_for=name)


def _counting(on_progress: Callable[[int, int], None], before: int, total: int) -> Callable[[int], None]:
    return lambda done: on_progress(before + done, total)


def _after(before: int, on_step: Callable[[int], None]) -> Callable[[int, int], None]:
    """Tell of steps that follow others."""
    return lambda done, _: on_step(before + done)


def _of_row(figures: Mapping[str, Tensor], row: int) -> dict[str, float]:
    return {name: round(float(values[row]), 6) for name, values in figures.items()}


def _depends(each: Taken, block: Sequence[Taken]) -> dict[str, Any]:
    """What an inversion depends on beside the settings: the pixels, and with which others they were computed."""
    return {"content": content_digest(each.image), "block": [one.given.name for one in block]}


def _fingerprint(config: DictConfig, inverter: Inverter, perceptual: Any) -> str:
    settings: Any = OmegaConf.to_container(config, resolve=True)
    decisive = {key: value for key, value in settings.items() if key not in (*_BESIDE, "weights", "encoder")}
    decisive["projector"] = asdict(inverter.projector)
    decisive["version"] = __version__
    return fingerprint(decisive, files=files_of(inverter.generator, inverter.encoder, perceptual))


def _gather(inversions: Inversions, names: Sequence[str], left_out: Sequence[str]) -> dict[str, Any]:
    """Write results.json and sheet.png."""
    folder = inversions.folder
    folder.require(names)
    records = [inversions.record(name) for name in names]
    results = {"summary": summarise(records), "left_out": list(left_out), "samples": records}
    results["measures"] = {name: each.plain() for name, each in FIGURES.items()}
    results |= provenance()
    folder.write("results.json", (json.dumps(results, indent=1) + "\n").encode())
    rows = []
    for record in records[:SHOWN]:
        notes = {each["method"]: f"MAE {each['mae']:.2f}" for each in record["methods"]}
        rows.append((record["name"], inversions.images(record["name"]), notes))
    folder.write("sheet.png", encode_png(inversion_sheet(rows)))
    return results


def _report(console: Any, folder: ResultFolder, results: Mapping[str, Any], count: int, seconds: float) -> None:
    made = f"{count} inverted in {seconds:.0f} s" if count else "all of them were finished before"
    console.print(f"{len(results['samples'])} images, {made}")
    columns = ["", *(each.heading for each in FIGURES.values()), "seconds a batch"]
    digits = {"mae": 2, "psnr": 1, "mse": 5, "perceptual": 4, "seconds": 2}
    rows = [
        [row["method"], *(f"{row[name]:.{places}f}" for name, places in digits.items())] for row in results["summary"]
    ]
    table("median over the images", columns, rows, console=console)
    console.print(f"images: {folder.path / 'sheet.png'}", markup=False)
    console.print(f"folder: {folder.path}", markup=False)
