"""`python complete.py`: fill holes in images with a CoModGAN."""

import json
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from insetgan import __version__
from insetgan.cli.build import instantiate
from insetgan.cli.complete_config import check, idle
from insetgan.cli.device import choose_device
from insetgan.cli.idle import refuse_idle, typed
from insetgan.cli.run_index import indexed
from insetgan.cli.seeds import refuse_too_many
from insetgan.cli.terminal import PatientConsole, progress, table
from insetgan.completion.completion import complete
from insetgan.completion.faced import FacedImages
from insetgan.completion.folder import LAYOUT, Completion, Completions, summarise
from insetgan.completion.holes import Holes
from insetgan.completion.mask_files import read_known
from insetgan.completion.sheet import completion_sheet
from insetgan.data.datasets import open_archive
from insetgan.detection.detector import Detector
from insetgan.ops.images import encode_png, from_uint8, to_uint8
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import files_of, fingerprint
from insetgan.runtime.provenance import provenance, with_provenance
from insetgan.runtime.store import ResultFolder
from insetgan.runtime.threads import limit_threads
from insetgan.runtime.torchvision_guard import guard
from insetgan.weights.store import load_network

EMBEDDED_IMAGES = 16
"""Of the package's people that are completed unless more are asked for."""


def run(config: DictConfig) -> None:
    """Complete what is not finished yet, gather the results and say what came out."""
    seeds, generator = _ready(config)
    images = _images(config, generator.height, generator.width)
    known, shown = _known(config, images, generator.height, generator.width)
    refuse_too_many(f"seeds={config.seeds} data.path={config.data.path}", len(shown) * len(seeds))
    console = PatientConsole()
    for note in images.notes:
        console.print(note, markup=False)
    if skipped := images.skipped:
        console.print(f"skipped {len(skipped)} faulty images, the first: {skipped[0]}", markup=False)
    mark = _fingerprint(config, generator, images)
    path = Path(config.out) if config.out is not None else Path("outputs/complete") / f"{config.hole}-{mark[:8]}"
    folder = ResultFolder(path, mark, LAYOUT, overwrite=config.overwrite)
    completions = Completions(folder)
    with folder.open(), indexed(path), torch.inference_mode():
        folder.write("config.yaml", with_provenance(OmegaConf.to_yaml(config, resolve=True)))
        names = images.names
        wanted = [Completion(images.indices[row], names[row], seed) for row in shown for seed in seeds]
        rows = {images.indices[row]: row for row in shown}
        undone = [
            each
            for each in wanted
            if not completions.finished(each, images[rows[each.index]][0], known(rows[each.index]))
        ]
        began = time.monotonic()
        with progress(f"completing {len(undone)}", "images", console=console) as on_progress:
            for done, each in enumerate(undone):
                row = rows[each.index]
                _complete(generator, completions, each, images[row][0], known(row), config.trunc)
                on_progress(done + 1, len(undone))
        left_out = [names[row] for row in sorted(set(range(len(names))) - set(shown))]
        results = _gather(completions, wanted, lambda index: images[rows[index]][0], left_out)
    _report(console, folder, results, len(undone), time.monotonic() - began)


def check_run(config: DictConfig) -> None:
    """Raise what would stop a run before its work; the images are opened, but not looked at one by one.

    Raises:
        UserError: a setting, or a file that it names, cannot be used.
    """
    _ready(config)
    open_archive(config.data.path, background=config.data.background, grey=config.data.grey)


def _ready(config: DictConfig) -> tuple[list[int], Any]:
    """Check the settings; gives the seeds and the network."""
    seeds = check(config)
    refuse_idle(idle(config), typed())
    guard()
    limit_threads(config.trainer.num_threads)
    return seeds, load_network(config.weights, kind="comodgan").to(choose_device(config.device))


def _images(config: DictConfig, height: int, width: int) -> "FacedImages":
    """The images that are wanted, in the network's size."""
    archive = open_archive(config.data.path, background=config.data.background, grey=config.data.grey)
    last = config.data.last
    if last is None:
        last = EMBEDDED_IMAGES if config.data.path is None else len(archive)
    return FacedImages(
        archive,
        height,
        width,
        part=config.data.part,
        held_out=last,
        take="held_out",
        on_fault=config.data.on_fault,
        crop=config.data.crop,
    )


def _known(
    config: DictConfig, images: "FacedImages", height: int, width: int
) -> tuple[Callable[[int], "Tensor"], Sequence[int]]:
    """What gives the known of an image, [1, h, w], by its row, and the rows of the images that show the part."""
    everything = range(len(images))
    if config.hole == "masks":
        given = read_known(config.data.masks, images.names, height, width).bool()  # a quarter of the memory
        return lambda row: given[row].float(), everything
    boxes, names, holes = images.boxes, images.names, Holes({config.hole: 1.0})
    shown: Sequence[int] = everything
    if config.hole != "free":
        if not images.has_boxes:
            boxes = _found(config, images)
        else:
            known = f"the boxes of {images.archive.path.name} are taken"
            refuse_idle({"data.score": known, "detector": known}, typed())
        shown = [row for row in everything if bool(boxes[row, 2] > boxes[row, 0])]
        if not shown:
            raise UserError(
                f"data.part={config.data.part}: is in none of the {len(images)} images; hole=free needs none"
            )
    # An image's hole hangs on its name, not on which others are completed; it is cut when it is wanted.
    return lambda row: holes.known(height, width, boxes[row][None], [zlib.crc32(names[row].encode())])[0], shown


def _found(config: DictConfig, images: "FacedImages") -> "Tensor":
    """Boxes [n, 4] that the detector sees; zeros where it sees none."""
    detector = instantiate(config.detector, Detector)
    if config.data.part not in detector.names:
        raise UserError(f"data.part={config.data.part}: the detector knows {', '.join(detector.names)}")
    boxes = torch.zeros(len(images), 4)
    for row in range(len(images)):
        image = from_uint8(images[row][0].permute(1, 2, 0)[None])
        detection = detector.detect(image)[config.data.part]
        if float(detection.scores[0]) >= config.data.score:
            boxes[row] = detection.boxes[0].cpu()
    return boxes


def _complete(
    generator: Any, completions: "Completions", each: "Completion", image: "Tensor", known: "Tensor", trunc: float
) -> None:

    images = from_uint8(image.permute(1, 2, 0)[None])
    made = complete(generator, images, known[None], [each.seed], trunc=trunc)
    completions.add(each, to_uint8(made)[0], image, known)


def _gather(
    completions: "Completions",
    wanted: "Sequence[Completion]",
    original: "Callable[[int], Tensor]",
    left_out: Sequence[str],
) -> dict[str, Any]:
    """Write results.json and sheet.png.

    Args:
        completions: all of `wanted` are finished.
        wanted: in the order of the records.
        original: gives an image by its index.
        left_out: names of images in which no part was found.

    Returns:
        What results.json holds.
    """
    records, shown = completions.measured(wanted, original)
    results = {"summary": summarise(records), "left_out": list(left_out), "samples": records, **provenance()}
    completions.folder.write("results.json", (json.dumps(results, indent=2) + "\n").encode())
    sheet = completion_sheet(*(torch.cat(each) for each in zip(*shown, strict=True)))
    completions.folder.write("sheet.png", encode_png(sheet))
    return results


def _fingerprint(config: DictConfig, generator: Any, images: "FacedImages") -> str:
    """What decides the completions: settings and contents of files, not where or how many."""
    settings: Any = OmegaConf.to_container(config, resolve=True)
    beside = ("seeds", "out", "overwrite", "device", "trainer", "accept_licence")
    decisive = {key: value for key, value in settings.items() if key not in beside}
    del decisive["data"]["last"]
    decisive["version"] = __version__
    decisive["data"]["names"] = images.archive.names
    return fingerprint(decisive, files=files_of(generator))


def _report(console: Any, folder: "ResultFolder", results: Any, made: int, seconds: float) -> None:

    said = f"{made} completed in {seconds:.0f} s" if made else "all of them were finished before"
    console.print(f"{len(results['samples'])} completions, {said}")
    if results["left_out"]:
        console.print(
            f"left out {len(results['left_out'])} images without the part: {_some(results['left_out'])}", markup=False
        )
    titles = {"hole": "share that was filled", "seam": "seam", "difference": "difference to the image, of 255"}
    rows = [[title, _figure(results["summary"][name])] for name, title in titles.items()]
    table("median over the completions", ["", ""], rows, console=console)
    console.print(f"images: {folder.path / 'sheet.png'}", markup=False)
    console.print(f"folder:   {folder.path}", markup=False)


def _some(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"
