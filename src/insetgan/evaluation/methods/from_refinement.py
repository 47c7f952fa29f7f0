"""Methods whose images begin as those of a refinement do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from insetgan.evaluation.method import Method, Refinement
from insetgan.metrics.measures import Composites, Measure, known_values
from insetgan.ops.images import to_uint8
from insetgan.refine.composition import draw_all
from insetgan.refine.latents import CANVAS
from insetgan.refine.locate import locate
from insetgan.refine.locations import Locations
from insetgan.refine.problem import Problem
from insetgan.runtime.fingerprint import fingerprint
from insetgan.runtime.settings import settings


@dataclass(frozen=True)
class StartImages:
    """What a refinement of a block begins with.

    Attributes:
        canvas: [n, 3, H, W] in [-1, 1].
        insets: by part, [n, 3, h, w] in [-1, 1].
        locations: of the parts on the canvas.
    """

    canvas: Tensor
    insets: Mapping[str, Tensor]
    locations: Locations

    def measured(self, composite: Tensor, measures: Sequence[Measure], *, insets: bool) -> dict[str, Tensor]:
        """Measures of the canvas with something in its boxes, float [n] by name and part.

        Args:
            composite: [n, 3, H, W] in [-1, 1].
            measures: to take.
            insets: whether the start insets are what fills the boxes.
        """
        regions, canvas = self.locations.regions, to_uint8(self.canvas)
        boxes = {part: region.boxes.cpu() for part, region in regions.items()}
        present = {part: region.present.cpu() for part, region in regions.items()}
        shown = {part: to_uint8(inset) for part, inset in self.insets.items()} if insets else {}
        # Nothing has changed yet, wherever one looks.
        interiors = {part: torch.ones(len(inset), 1, *inset.shape[1:3]) for part, inset in shown.items()}
        images = Composites(canvas, canvas, to_uint8(composite), boxes, present, shown, shown, interiors)
        found: dict[str, Tensor] = {}
        for measure in measures:
            values = measure.compute(images)
            if isinstance(values, Mapping):
                for part, each in values.items():
                    found[f"{measure.name}.{part}"] = known_values(each.double(), present[part]).float()
            else:
                found[measure.name] = values.float()
        return found


@settings(kw_only=True)
class FromRefinement(Method):
    """A method that begins with the images with which a run of refine.py begins."""

    overrides: Annotated[
        tuple[str, ...], Field(description="settings of refine.py beside those in refine=, such as mode=joint")
    ] = ()

    kind = "start"
    """Tells methods apart whose images begin alike."""

    @cached_property
    def refinement(self) -> Refinement:
        """The run of refine.py."""
        made: Refinement = self.setup.refinement(self.overrides)
        return made

    @property
    def networks(self) -> Sequence[nn.Module]:
        """The generators and detectors."""
        return [self.refinement.module]

    def check(self) -> None:
        """Build the networks, and forget them again."""
        self.fingerprint()
        self.release()

    def fingerprint(self) -> str:
        """What decides the start images."""
        return fingerprint([self.kind, self.refinement.start_fingerprint])

    def generator_files(self) -> Sequence[Path]:
        """Those of canvas and insets."""
        return list(self.refinement.weights.values())

    def release(self) -> None:
        """Forget the networks."""
        self.refinement.release()

    def problem(self, seeds: Sequence[int]) -> Problem:
        """What a refinement of these seeds would solve, from the first initialisation of each."""
        module = self.refinement.module
        return module.problem(
            {name: module.first_starts(name, each, seeds) for name, each in module.generators.items()}
        )

    def start(self, seeds: Sequence[int]) -> StartImages:
        """Draw canvas and insets of the start latents, and find the parts."""
        problem = self.problem(seeds)
        drawn = draw_all(problem.canvas, problem.parts, problem.starts, problem.generators)
        insets = {name: drawn[name] for name in problem.parts}
        return StartImages(drawn[CANVAS], insets, locate(problem, drawn[CANVAS], insets))
