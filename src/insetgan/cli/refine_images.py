"""From `canvas.image=`, `parts.NAME.image=` and the matrix of `faces=` by `bodies=` to starts and references of samples."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from insetgan import __version__
from insetgan.cli.build import instantiate
from insetgan.cli.refine_config import RefineConfig
from insetgan.cli.seeds import parse_seeds
from insetgan.detection.detector import Detector
from insetgan.inversion.alignment import NotFound, align_image
from insetgan.inversion.given import GivenImage, changes, find_images
from insetgan.inversion.image_generator import NUMBER, ImageGenerator
from insetgan.inversion.inverter import STEPS, Inverter, find_encoder
from insetgan.inversion.options import Align
from insetgan.inversion.photograph import Photographs
from insetgan.inversion.projector import Projector
from insetgan.inversion.sample_images import AlignedImage, ImageStart, stacked, start_from
from insetgan.networks.perceptual import Perceptual
from insetgan.networks.synthesiser import Synthesiser
from insetgan.ops.boxes import MARGIN
from insetgan.ops.images import encode_png, to_uint8
from insetgan.refine.composition import draw
from insetgan.refine.latents import CANVAS
from insetgan.refine.module import RefinementModule
from insetgan.refine.problem import Result
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import file_digest, files_of
from insetgan.runtime.settings import read
from insetgan.runtime.store import Content

_SEEDS = str(RefineConfig.seeds)
"""By default."""

_AT_ONCE = 16  # images that are inverted together


@dataclass
class SampleImages:
    """The images that the samples of a run are given.

    Attributes:
        starts: by `CANVAS` and part name.
        references: by `CANVAS` and part name and by seed.
        photographs: the canvases; None where they are generated.
        canvas: draws the canvas where that is an image which stands still; None where a generator draws it.
        said: lines about what was chosen.
    """

    starts: dict[str, ImageStart] = field(default_factory=dict)
    references: dict[str, dict[int, Tensor]] = field(default_factory=dict)
    photographs: Photographs | None = None
    canvas: ImageGenerator | None = None
    said: list[str] = field(default_factory=list)


def settle_matrix(config: DictConfig) -> tuple[int, int] | None:
    """Turn `faces=` and `bodies=` into samples: every face with every body, row by row.

    Returns:
        Rows (faces) and columns (bodies) of the matrix; None where none is asked for.

    Raises:
        UserError: one is given without the other, or beside settings that it decides.
    """
    if config.faces is None and config.bodies is None:
        return None
    if config.faces is None or config.bodies is None:
        raise UserError("faces, bodies: a matrix needs both, as in faces=folder bodies=0-5")
    if len(config.parts) != 1:
        raise UserError(f"faces={config.faces}: a matrix has one part, not {', '.join(config.parts)}")
    if config.mode.name not in ("montage", "body_for_part"):
        raise UserError(
            f"mode={config.mode.name}: faces= takes mode=montage or body_for_part, which keep a given inset"
        )
    if config.walk is not None or config.starts > 1:
        raise UserError("faces: a matrix goes with neither walk= nor starts=")
    (part,) = config.parts.values()
    if (
        part.image is not None
        or part.start != "seed"
        or config.canvas.image is not None
        or config.canvas.start != "seed"
    ):
        raise UserError("faces, bodies: decide canvas.start and the part's image; leave these away")
    if parse_seeds(_plain(config.seeds)) != parse_seeds(_SEEDS):
        raise UserError(f"seeds={config.seeds}: a matrix has a sample for each face and body; leave it away")
    images, bodies = find_images(_plain(config.faces), key="faces"), parse_seeds(_plain(config.bodies), key="bodies")
    part.image = [str(image.path) for image in images for _ in bodies]
    config.canvas.start = [body for _ in images for body in bodies]
    config.seeds = f"0-{len(images) * len(bodies) - 1}"
    return len(images), len(bodies)


def check_images(config: DictConfig) -> None:
    """Refuse settings that do not go with given images.

    Raises:
        UserError: naming the key.
    """
    for key, node in _nodes(config):
        if node.image is None:
            if alone := [name for name in ("align", "box", "encoder") if node.get(name) is not None]:
                raise UserError(f"{key}.{alone[0]}: belongs to {key}.image")
            continue
        if node.start != "seed" or config.resume_from is not None:
            raise UserError(f"{key}.image={node.image}: goes with neither {key}.start= nor resume_from=")
        if config.walk is not None:
            raise UserError(f"{key}.image={node.image}: goes not with walk=")
        if node.get("mirror"):
            raise UserError(f"{key}.image={node.image}: its images are mirrored; turn the image, or mirror=false")


def given_images(config: DictConfig, generators: Mapping[str, Synthesiser], seeds: Sequence[int]) -> SampleImages:
    """Read, align and invert the images that a run is given.

    Args:
        config: checked.
        generators: by `CANVAS` and part name.
        seeds: of the run; images that are given one a sample follow their order.

    Raises:
        UserError: an image that cannot be used, another number of images than of samples, or no encoder.
    """
    found = SampleImages()
    perceptual: Any = None
    for name, node in {CANVAS: config.canvas, **config.parts}.items():
        if node.image is None:
            continue
        key = "canvas" if name == CANVAS else f"parts.{name}"
        aligned, chosen = _aligned(config, key, name, node, generators[name], seeds, found.said)
        stands = name == CANVAS and "canvas" not in config.mode.optimise
        if stands:
            found.canvas = ImageGenerator(stacked(aligned))
            codes: list[Any] = [{NUMBER: torch.tensor(float(number))} for number in range(len(aligned))]
            method = "as it is"
        else:
            perceptual = perceptual or instantiate(config.perceptual, Perceptual)
            codes, method = _inverted(config, key, node, generators[name], aligned, perceptual, found.said)
        found.starts[name] = start_from(aligned, chosen, codes, method=method, source=str(node.image))
        found.references[name] = {seed: aligned[number].image for seed, number in chosen.items()}
        if name == CANVAS:
            found.photographs = Photographs(aligned, chosen, config.composite)
    return found


def _aligned(
    config: DictConfig,
    key: str,
    name: str,
    node: DictConfig,
    generator: Synthesiser,
    seeds: Sequence[int],
    said: list[str],
) -> tuple[list[AlignedImage], dict[int, int]]:
    """The different images of a generator, aligned, and which one each seed takes."""
    images = find_images(_plain(node.image), key=f"{key}.image", say=said.append)
    if len(images) not in (1, len(seeds)):
        raise UserError(
            f"{key}.image={node.image}: names {len(images)} images for {len(seeds)} samples; give one, or one each (seeds=)"
        )
    paths = list(dict.fromkeys(image.path for image in images))
    first = {image.path: image for image in reversed(images)}
    detector = instantiate(config.image_detector or config.detector, Detector)
    changed: Counter[str] = Counter()
    aligned = [_align(key, name, node, generator, detector, first[path], said, changed) for path in paths]
    said += changes(changed, len(paths), key=f"{key}.image")
    order = [paths.index(image.path) for image in images] * (len(seeds) // len(images))
    return aligned, dict(zip(seeds, order, strict=True))


def _align(
    key: str,
    name: str,
    node: DictConfig,
    generator: Synthesiser,
    detector: Detector,
    image: GivenImage,
    said: list[str],
    changed: Counter[str],
) -> AlignedImage:
    pixels, digest = image.read_with_digest(key=f"{key}.image", changed=changed)
    size = (generator.height, generator.width)
    label = f"{key}.image={image.path}"
    box: Any = None if node.box is None else tuple(node.box)
    margin = float(OmegaConf.select(node, "placement.margin", default=MARGIN))
    align: Any = node.align or ("whole" if name == CANVAS else "part")
    try:
        alignment = align_image(pixels, size, align, detector=detector, part=name, margin=margin, box=box, key=label)
    except NotFound as error:
        if node.align is not None or box is not None:
            raise UserError(f"{error} ({key}.align, {key}.box)") from error
        otherwise: Align = "person" if name == CANVAS else "whole"
        try:
            alignment = align_image(pixels, size, otherwise, key=label)
        except NotFound as none:
            why = f"; align=person: {str(none).removeprefix(f'{label}: ')}" if name == CANVAS else ""
            raise UserError(f"{error}{why} ({key}.align, {key}.box)") from none
        said.append(
            f"{label}: its ratio is not the canvas's, so the person in it is placed as in prepared sets ({key}.align=person)"
            if name == CANVAS
            else f"{label}: no {name} was found in it, so it is taken whole"
        )
    # All of a photograph that is the canvas is written again in the end, with the insets in it.
    return AlignedImage(image, alignment.take(pixels), alignment, digest if name == CANVAS else "")


def _inverted(
    config: DictConfig,
    key: str,
    node: DictConfig,
    generator: Any,
    aligned: Sequence[AlignedImage],
    perceptual: Any,
    said: list[str],
) -> tuple[list[dict[str, Tensor]], str]:
    """Latents of each image, and a text of how they were found."""
    options: Any = OmegaConf.to_container(config.invert, resolve=True)
    encoder = find_encoder(generator, node.encoder, key=f"{key}.encoder") if options["start"] == "encoder" else None
    if options["start"] == "encoder" and encoder is None:
        said.append(f"{key}.image: no encoder knows {key}.weights={node.weights}, so inversion starts from the mean")
    steps = options["steps"]
    steps = STEPS["mean" if encoder is None else "encoder"] if steps is None else steps
    space = node.space or next(iter(generator.spaces))
    projector = read(Projector, {**options["projector"], "steps": steps, "space": space}, "invert.projector")
    inverter = Inverter(generator, projector, encoder, None, perceptual if projector.perceptual else None)
    found: list[dict[str, Tensor]] = []
    images = stacked(aligned)
    for block in torch.split(images, _AT_ONCE):
        best = inverter.invert(block)[-1].latents.tensors
        found += [{name: each[row].detach().clone() for name, each in best.items()} for row in range(len(block))]
    method = {"projector": asdict(projector), "encoder": [file_digest(path) for path in files_of(encoder)]}
    return found, json.dumps(method, sort_keys=True)


def finish_with(module: RefinementModule, images: SampleImages, mark: str) -> Any:
    """What is written beside the results of samples with given images; None where there are none.

    The composed image, and the photograph it goes back into, say in a text chunk that they are synthetic, and of which run.
    Nothing else is said of them: what the camera wrote into the file stays there.
    """
    if not images.starts:
        return None

    def finish(name: str, seed: int, result: Result, row: int) -> Mapping[str, Content]:
        text = {
            "Comment": f"Synthetic image: composed by insetgan {__version__}, run {mark[:16]}, sample {name}",
            "Software": f"insetgan {__version__}",
        }
        pieces: dict[str, Content] = {
            f"{name}_refined.png": encode_png(_levels(result.refined[row]), text),
            f"{name}_paste.png": encode_png(_levels(result.paste[row]), text),
        }
        for part in images.references:
            if part != CANVAS:
                pieces[f"{name}_given_{part}.png"] = encode_png(_levels(result.start_insets[part][row]))
        pieces[f"{name}_start.png"] = encode_png(_levels(result.start_canvas[row]))
        if images.photographs is not None:
            there = [part for part, present in result.present.items() if bool(present[row])]
            with torch.no_grad():
                start = {kind: each[row : row + 1] for kind, each in result.start_latents[CANVAS].tensors.items()}
                before = draw(module.canvas, start)[0]
            whole = images.photographs.compose(
                seed,
                {part: result.insets[part][row] for part in there},
                {part: _box(result.boxes[part][row]) for part in there},
                before=before,
                after=result.canvas[row],
            )
            pieces[f"{name}_photo.png"] = encode_png(whole, text)
        return pieces

    return finish


def _box(box: Tensor) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = box.tolist()
    return x0, y0, x1, y1


def _levels(image: Tensor) -> Any:
    return to_uint8(image[None])[0]


def _nodes(config: DictConfig) -> list[tuple[str, DictConfig]]:
    return [("canvas", config.canvas), *((f"parts.{name}", part) for name, part in config.parts.items())]


def _plain(value: Any) -> Any:
    return OmegaConf.to_object(value) if OmegaConf.is_config(value) else value
