"""The library: load generators, draw, compose, measure, without Hydra and without files. See docs/library.md."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from insetgan.data.part_crop import PartCrop
from insetgan.detection.detector import Detector
from insetgan.detection.part import Part
from insetgan.detection.parts_detector import PartsDetector
from insetgan.detection.placement import SquarePlacement
from insetgan.networks.labelled import Label, with_label
from insetgan.networks.owned import move, owned_networks
from insetgan.networks.perceptual import Perceptual
from insetgan.networks.synthesiser import Synthesiser, device_of
from insetgan.ops.images import make_grid, to_uint8
from insetgan.ops.regions import BLENDS, Blend
from insetgan.refine.composition import draw as draw_latents
from insetgan.refine.latents import CANVAS
from insetgan.refine.measures import measure as measure_result
from insetgan.refine.objective import Objective
from insetgan.refine.problem import Problem, Result, Step
from insetgan.refine.schedule import Schedule, steps_for
from insetgan.refine.solver import refine
from insetgan.refine.starts import Trunc, start_latents
from insetgan.refine.terms.paper import PAPER
from insetgan.refine.terms.term import FAMILIES
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import files_of
from insetgan.weights.store import load_network, read_metadata

JOINT = ("part",)
"""The families that do not act in the paper's main mode, as in conf/mode/joint.yaml."""

_EMBEDDED_SCORE = 0.3  # of the embedded detector: people score about 0.75, soft ones 0.4, an empty image below 0.15
_AT_ONCE = 16  # images a draw


@dataclass(frozen=True)
class Composition:
    """What `compose` gives; sample i belongs to seed i.

    Attributes:
        images: the composites, float [n, 3, H, W], nominally in [-1, 1].
        measures: the record of each sample: status, box, seams, changes; see `refine.measures.measure`.
        result: everything else: latents, insets, masks, curves, the naive paste; see `refine.problem.Result`.
    """

    images: Tensor
    measures: list[dict[str, Any]]
    result: Result

    @property
    def seams(self) -> dict[str, list[float | None]]:
        """By part, the seam of each sample: the step across the border of the box, composite over canvas; 1 is perfect.

        None where the part is not on the canvas, or its box has no border there.
        """
        return {
            part: [(record["seam_after"] or {}).get(part) for record in self.measures] for part in self.result.insets
        }


def load(name_or_path: str | Path, *, label: Label | None = None, device: str | torch.device = "cpu") -> Any:
    """Load a generator.

    Args:
        name_or_path: an embedded model ("body", "face", "hands", "feet", "meadow", "blossom") or a .safetensors file that
            train.py wrote.
        label: what a conditional generator draws: a class from 0, or the values of a label.
        device: where it computes, as torch names it.

    Returns:
        The generator, frozen, in evaluation mode. It has what `networks.synthesiser.Synthesiser` says,
        and as a StyleGAN what `networks.layered.Layered` says.

    Raises:
        UserError: there is no such file, it holds no generator, or the label is missing or does not fit.
    """
    generator = load_network(name_or_path, kind="generator", key="name_or_path")
    return with_label(generator, label, key="label").to(device)


@torch.no_grad()
def draw(generator: Synthesiser, seeds: int | Iterable[int], psi: Trunc = 1.0) -> Tensor:
    """Draw the images of seeds, as NVIDIA's tools draw them.

    Args:
        generator: what draws, such as `load` gives.
        seeds: one or more, 0 to 2^32 - 1.
        psi: truncation, 0 (the mean image) to 2, 1 = off; or one value for every layer.

    Returns:
        float32 [n, channels, height, width], nominally in [-1, 1], on the generator's device.

    Raises:
        UserError: seeds or psi are out of range.
    """
    chosen = _seeds(seeds)
    codes = start_latents(generator, chosen, _psi(psi))
    rows = torch.split(torch.arange(len(chosen), device=codes.first.device), _AT_ONCE)
    return torch.cat([draw_latents(generator, codes.rows(few).tensors) for few in rows])


def objective(exclude: Iterable[str] = JOINT, **weights: float) -> Objective:
    """The paper's objective, see docs/method.md.

    Args:
        exclude: names of families (coarse, border, reg, body, part) or terms that do not act. The default is the paper's
            main mode: what holds the insets to their first images does not act.
        weights: other weights of terms, by name, 0 or more, as in `border_l1=25`.

    Raises:
        UserError: there is no such family or term, or a weight is none.
    """
    out = (exclude,) if isinstance(exclude, str) else tuple(exclude)
    for name in (*out, *weights):
        if name not in PAPER and (name not in FAMILIES or name in weights):
            raise UserError(
                f"objective: no {name}; terms are {', '.join(PAPER)}, and exclude takes {', '.join(FAMILIES)} too"
            )
    try:
        terms = {name: _weighed(term, weights.get(name)) for name, term in PAPER.items()}
    except ValueError as error:
        raise UserError(f"objective: {error}") from error
    return Objective({name: term for name, term in terms.items() if name not in out and term.family not in out})


def compose(
    canvas: Synthesiser,
    insets: Mapping[str, Synthesiser | Part],
    seeds: int | Iterable[int] = 0,
    psi: Trunc = 0.7,
    *,
    steps: int | None = None,
    objective: Objective | None = None,
    schedule: Schedule | None = None,
    detector: Detector | None = None,
    perceptual: Perceptual | None = None,
    blend: Blend = "paste",
    on_step: Callable[[Step], None] | None = None,
) -> Composition:
    """Optimise the latents of a canvas and of its insets until the insets fit (section 3.3 of the paper).

    The defaults are those of refine.py, so the images are those of `refine.py seeds=...` with this number of seeds as its
    batch size. All seeds are one batch; where memory is short, call it for a few seeds at a time.

    Args:
        canvas: draws the whole image.
        insets: by the name under which the detector knows the part ("face", "hand_left", "hand_right", "feet"), what
            draws it, placed and mirrored as the header of its file says that it has learned; or a `Part`, which says
            so itself. The embedded models say nothing: a right hand of "hands" is mirrored by
            `Part("hand_right", hands, detector, placement, mirror=True)`.
        seeds: one sample each, 0 to 2^32 - 1; canvas and insets start from the same seed.
        psi: truncation of the start, 0 to 2, 1 = off; or one value for every layer.
        steps: updates; 300 and 100 more for each further inset when absent. Leave it out where `schedule` is given.
        objective: what to minimise; `objective()` when absent.
        schedule: in which order and how fast; the defaults of `Schedule` when absent.
        detector: where parts are; the embedded one when absent. `FixedBoxes` is told.
        perceptual: features of the perceptual terms; the embedded PartsNet when absent.
        blend: how the insets are put on the canvas: "paste", or "feather", which fades out; masks need refine.py.
        on_step: called after every update, e.g. to show progress.

    Raises:
        UserError: no insets, arguments out of range, networks on different devices, or a part unknown to the detector.
    """
    chosen = _seeds(seeds)
    if steps is not None and schedule is not None:
        raise UserError(f"steps={steps}: the schedule has its own steps={schedule.steps}; give one of them")
    if blend not in BLENDS or blend == "mask":
        raise UserError(f"blend={blend}: must be one of {', '.join(name for name in BLENDS if name != 'mask')}")
    if not insets:
        raise UserError("insets: must name at least one part and what draws it")
    device = device_of(canvas)
    if perceptual is None or (detector is None and not all(isinstance(inset, Part) for inset in insets.values())):
        network = load_network("parts", kind="parts").to(device)
        perceptual = network if perceptual is None else perceptual
        detector = PartsDetector(network) if detector is None else detector
    parts = {name: _part(name, inset, detector) for name, inset in insets.items()}
    _refuse_misfits(canvas, parts)
    for owner in (perceptual, *(part.detector for part in parts.values())):
        for network in owned_networks(owner):
            network.to(device)
        move(owner, device)
    generators = {CANVAS: canvas, **{name: part.generator for name, part in parts.items()}}
    starts = {name: start_latents(generator, chosen, _psi(psi)) for name, generator in generators.items()}
    problem = Problem(canvas, parts, starts, perceptual, blend=blend)
    plan = schedule or Schedule(steps=steps_for(len(parts)) if steps is None else steps)
    goal = objective or Objective({name: term for name, term in PAPER.items() if term.family not in JOINT})
    result = refine(problem, goal, plan, on_step=on_step)
    return Composition(result.refined, measure_result(result), result)


def measure(composition: Composition) -> dict[str, float | None]:
    """Medians over the samples of a composition, and over its parts; what has no figure is left out.

    Returns:
        "seam_before" and "seam_after" (1 is perfect), "band_before", "band_after", "part_change" and "body_change" (0 to
        255), and "samples", how many have ended with status "ok". None where no sample has a figure. The figures of each
        sample are in `composition.measures`; docs/metrics.md says what they mean.
    """
    found: dict[str, float | None] = {}
    for key in ("seam_before", "seam_after", "band_before", "band_after", "part_change", "body_change"):
        values = [record[key] for record in composition.measures]
        flat = [number for value in values for number in (value.values() if isinstance(value, Mapping) else [value])]
        known = [number for number in flat if number is not None]
        found[key] = float(torch.tensor(known, dtype=torch.float64).quantile(0.5)) if known else None
    found["samples"] = sum(record["status"] == "ok" for record in composition.measures)
    return found


def sheet(images: Tensor, columns: int = 4) -> Image.Image:
    """Lay images out in rows, as a Pillow image, which notebooks show and `save` writes.

    Args:
        images: float [n, 3, height, width], nominally in [-1, 1]; values outside are clipped.
        columns: images a row, 1 or more.

    Raises:
        UserError: the images have another shape, or there are none.
    """
    if images.ndim != 4 or images.shape[1] != 3 or not len(images) or columns < 1:
        raise UserError(f"images of shape {tuple(images.shape)} in {columns} columns: must be [n, 3, height, width]")
    return Image.fromarray(to_uint8(make_grid(images, min(columns, len(images))))[0].numpy())


def _part(name: str, inset: Synthesiser | Part, detector: Detector | None) -> Part:
    if isinstance(inset, Part):
        if inset.name != name:
            raise UserError(f"insets: {name} is a part called {inset.name}; the names must agree")
        return inset
    assert detector is not None
    learned = _learned(name, inset)
    placement = SquarePlacement(margin=learned.margin)
    if isinstance(detector, PartsDetector):
        placement = replace(placement, min_score=_EMBEDDED_SCORE)
    return Part(name, inset, detector, placement, mirror=name in learned.mirrored)


def _learned(name: str, inset: Synthesiser) -> PartCrop:
    """How the training images of a generator were cut, by the header of its file, or as usual where it says nothing."""
    for path in files_of(inset):
        crop = PartCrop.of_metadata(read_metadata(path))
        if crop is not None and name not in crop.parts:
            raise UserError(
                f"insets: {path} has learned {' and '.join(crop.parts)}, not {name}; give a Part to use it so"
            )
        if crop is not None:
            return crop
    return PartCrop((name,))


def _refuse_misfits(canvas: Synthesiser, parts: Mapping[str, Part]) -> None:
    """Refuse parts that no detector knows, generators of other than three channels, and several devices."""
    if CANVAS in parts:
        raise UserError(f"insets: a part cannot be called {CANVAS}")
    for name, part in parts.items():
        if name not in part.detector.names:
            raise UserError(f"insets: {name} is unknown; the detector knows {', '.join(part.detector.names)}")
    for name, generator in {CANVAS: canvas, **{name: part.generator for name, part in parts.items()}}.items():
        if (channels := getattr(generator, "img_channels", 3)) != 3:
            raise UserError(f"{name}: draws {channels} channels; refinement takes RGB generators")
        if device_of(generator) != device_of(canvas):
            raise UserError(
                f"{name}: is on {device_of(generator)}, and the canvas on {device_of(canvas)}; use one device"
            )


def _weighed(term: Any, weight: float | None) -> Any:
    return term if weight is None else replace(term, weight=weight)


def _seeds(seeds: int | Iterable[int]) -> list[int]:
    chosen = list(seeds) if isinstance(seeds, Iterable) else [seeds]
    whole = [isinstance(seed, (int, np.integer)) and not isinstance(seed, bool) for seed in chosen]
    if not chosen or not all(whole) or any(not 0 <= seed < 2**32 for seed in chosen):
        raise UserError(f"seeds={seeds}: must be whole numbers from 0 to 2^32 - 1, at least one")
    return [int(seed) for seed in chosen]


def _psi(psi: Trunc) -> Trunc:
    for value in psi if isinstance(psi, Sequence) else [psi]:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 2:
            raise UserError(f"psi={psi}: must be between 0 (the mean image) and 2; 1 is no truncation")
    return psi
