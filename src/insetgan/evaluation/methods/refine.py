"""Refinements: what refine.py makes."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from insetgan.evaluation.images import Images, read_image
from insetgan.evaluation.methods.from_refinement import FromRefinement
from insetgan.metrics.measures import Measure
from insetgan.refine.refined_samples import RefinedSamples
from insetgan.runtime.fingerprint import fingerprint
from insetgan.runtime.lightning import pl
from insetgan.runtime.settings import settings


@settings(kw_only=True)
class Refine(FromRefinement):
    """A run of refine.py, whose images are read back as they were saved."""

    kind = "refine"
    has_insets = True
    passes = 1

    def prepare(self, trainer: pl.Trainer, title: str) -> None:
        """Refine what is not finished yet."""
        self.refinement.run(trainer, self.file_name, title)

    def fingerprint(self) -> str:
        """What decides the refined images, those that the refinement begins with among it."""
        return fingerprint([self.kind, self.refinement.fingerprint, self.refinement.start_fingerprint])

    @property
    def networks(self) -> Sequence[nn.Module]:
        """None: the images are files."""
        return ()

    def images(self, block: Sequence[int]) -> Images:
        """Read the refined images of the seeds, and what the run measured."""
        return self.read(block, "after")

    def read(self, block: Sequence[int], when: Literal["before", "after"]) -> Images:
        """Read the refined images of finished seeds ("after"), or the naive pastes from which they began ("before")."""
        samples = self.refinement.samples(self.file_name)
        image = "refined" if when == "after" else "paste"
        paths = [samples.image(str(seed), image) for seed in block]
        measures: dict[str, Tensor] = {}
        for measure in self.setup.measures:
            parts = self.refinement.parts if measure.per_part else None
            measures |= _read(samples, block, measure, when, parts)
        return Images(torch.stack([read_image(path) for path in paths]), measures)


def _read(
    samples: RefinedSamples,
    block: Sequence[int],
    measure: Measure,
    when: Literal["before", "after"],
    parts: Sequence[str] | None,
) -> dict[str, Tensor]:
    """The values of a measure in the records of a block; a change from the start is 0 before anything was done."""
    values = [samples.record(str(seed))[measure.key(when)] for seed in block]
    start = measure.of_change and when == "before"
    if parts is None:
        return {measure.name: torch.tensor([0.0 if start else _known(value) for value in values])}
    found = {}
    for part in parts:
        of_part = [_known((value or {}).get(part)) for value in values]
        found[f"{measure.name}.{part}"] = torch.tensor([value * 0 if start else value for value in of_part])
    return found


def _known(value: float | None) -> float:
    return float("nan") if value is None else value
