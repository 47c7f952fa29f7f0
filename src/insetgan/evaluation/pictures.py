"""Where the pictures of an evaluation come from: every source gives the pictures of a block of seeds as bytes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from insetgan.data.picture import read_rgb
from insetgan.metrics.seam import band, seam
from insetgan.ops.images import to_uint8
from insetgan.refine.composition import compose, draw_all
from insetgan.refine.latents import CANVAS
from insetgan.refine.locate import locate
from insetgan.refine.locations import Locations
from insetgan.refine.problem import Problem
from insetgan.refine.refined_samples import RefinedSamples
from insetgan.runtime.errors import UserError

Figures = Mapping[str, Tensor]
"""What is known of each picture beside its looks, such as "seam.face" or "body_change": float [n], NaN where unknown."""

Complete = Callable[[Tensor, Tensor, Sequence[int]], Tensor]
"""Fills holes: pictures [n, 3, H, W] in [-1, 1], 1 where they are known [n, 1, H, W], and seeds; gives whole pictures."""


@dataclass(frozen=True)
class Drawn:
    """The pictures of a block.

    Attributes:
        pictures: uint8 [n, 3, H, W].
        figures: see `Figures`.
    """

    pictures: Tensor
    figures: Figures = field(default_factory=dict)


class Pictures(Protocol):
    """A source of pictures."""

    @property
    def networks(self) -> Sequence[nn.Module]:
        """What has to be on the device on which pictures are drawn."""
        ...

    def draw(self, seeds: Sequence[int]) -> Drawn:
        """The pictures of a block of seeds, or of numbers of a data set: the same for the same block."""
        ...


class CanvasPictures:
    """The canvas generator alone, the paper's "unconditional".

    Args:
        problem: the start of a refinement of given seeds; its canvas is drawn from its start codes.
        networks: see `Pictures`.
    """

    def __init__(self, problem: Callable[[Sequence[int]], Problem], networks: Sequence[nn.Module]) -> None:
        self.problem, self.networks = problem, networks

    @torch.no_grad()
    def draw(self, seeds: Sequence[int]) -> Drawn:
        """Draw the canvases of the seeds."""
        problem = self.problem(seeds)
        canvas = draw_all(problem.canvas, problem.parts, problem.starts, [CANVAS])[CANVAS]
        return Drawn(_bytes(canvas, seeds))


class PastedPictures(CanvasPictures):
    """The naive paste: insets of the start codes over the boxes of the start canvas, exactly as a refinement begins."""

    @torch.no_grad()
    def draw(self, seeds: Sequence[int]) -> Drawn:
        """Draw canvases and insets of the seeds, and paste."""
        problem = self.problem(seeds)
        drawn, locations = _start(problem)
        insets = {name: drawn[name] for name in problem.parts}
        paste = compose(drawn[CANVAS], insets, locations.regions)
        return Drawn(_bytes(paste, seeds), _figures(drawn[CANVAS], paste, locations))


class CompletedPictures(CanvasPictures):
    """The start canvas with its boxes cut out and filled by a network for completion, such as CoModGAN.

    Args:
        problem: as for `CanvasPictures`; its parts say where the holes are.
        networks: see `Pictures`.
        complete: fills the holes.
    """

    def __init__(
        self, problem: Callable[[Sequence[int]], Problem], networks: Sequence[nn.Module], complete: Complete
    ) -> None:
        super().__init__(problem, networks)
        self.complete = complete

    @torch.no_grad()
    def draw(self, seeds: Sequence[int]) -> Drawn:
        """Draw the canvases of the seeds, cut and fill; one without any of the parts stays whole."""
        problem = self.problem(seeds)
        drawn, locations = _start(problem)
        canvas = drawn[CANVAS]
        holes = torch.stack([region.inside for region in locations.regions.values()]).any(0)
        filled = self.complete(canvas, (~holes).to(canvas), seeds)
        whole = torch.where(holes, filled, canvas)
        return Drawn(_bytes(whole, seeds), _figures(canvas, whole, locations))


class RefinedPictures:
    """What a refinement has left in its folder, read back as it was saved.

    Args:
        samples: of the run, in which the seeds are finished.
        parts: names of its insets.
        picture: "refined", or "paste", the naive paste that the refinement began with.
    """

    networks: Sequence[nn.Module] = ()

    def __init__(self, samples: RefinedSamples, parts: Sequence[str], picture: str = "refined") -> None:
        self.samples, self.parts, self.picture = samples, parts, picture

    def draw(self, seeds: Sequence[int]) -> Drawn:
        """Read the pictures of the seeds, and what the run measured."""
        paths = [self.samples.image(str(seed), self.picture) for seed in seeds]
        records = [self.samples.record(str(seed)) for seed in seeds]
        when = "after" if self.picture == "refined" else "before"
        known: dict[str, list[float]] = {}
        for figure in ("seam", "band"):
            for part in self.parts:
                values = [(record[f"{figure}_{when}"] or {}).get(part) for record in records]
                known[f"{figure}.{part}"] = [_known(value) for value in values]
        changes = [0.0 if when == "before" else _known(record["body_change"]) for record in records]
        figures = {name: torch.tensor(values) for name, values in {**known, "body_change": changes}.items()}
        return Drawn(torch.stack([read_picture(path) for path in paths]), figures)


class DatasetPictures:
    """Pictures that are there already: real ones, or any folder's.

    Args:
        dataset: items are uint8 [3, H, W], all of one size; "seeds" are their numbers.
    """

    networks: Sequence[nn.Module] = ()

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def draw(self, seeds: Sequence[int]) -> Drawn:
        """Read the pictures of these numbers."""
        return Drawn(torch.stack([self.dataset[number] for number in seeds]))


def read_picture(path: Path) -> Tensor:
    """Read a picture file as uint8 [3, H, W]."""
    return torch.from_numpy(np.array(read_rgb(path))).permute(2, 0, 1)


def _start(problem: Problem) -> tuple[dict[str, Tensor], Locations]:
    """What all generators draw from the start codes, and where the parts are on the canvas."""
    drawn = draw_all(problem.canvas, problem.parts, problem.starts, problem.generators)
    return drawn, locate(problem, drawn[CANVAS], {name: drawn[name] for name in problem.parts})


def _figures(canvas: Tensor, composite: Tensor, locations: Locations) -> Figures:
    """Seam and band of each part, as `refine.measures` has them; the canvas outside the boxes is what it was."""
    before, after = to_uint8(canvas), to_uint8(composite)
    figures: dict[str, Tensor] = {}
    for part, region in locations.regions.items():
        there, boxes = region.present.cpu(), region.boxes.cpu()
        for name, measured in (("seam", seam), ("band", band)):
            value = measured(before, after, boxes).double()
            figures[f"{name}.{part}"] = torch.where(there & value.isfinite(), value, torch.nan).float()
    return {**figures, "body_change": torch.zeros(len(before))}


def _bytes(images: Tensor, seeds: Sequence[int]) -> Tensor:
    finite = images.isfinite().flatten(1).all(1)
    if not bool(finite.all()):
        raise UserError(
            f"seed {seeds[int((~finite).nonzero()[0, 0])]}: the generator draws numbers that are not finite"
        )
    return to_uint8(images).permute(0, 3, 1, 2)


def _known(value: float | None) -> float:
    return float("nan") if value is None else value
