"""A latent walk behind a Trainer: one image after the other."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from insetgan.refine.composition import draw_all
from insetgan.refine.latents import Latents
from insetgan.refine.module import Refined, RefinementModule
from insetgan.refine.refined_samples import RefinedSamples
from insetgan.refine.walk import Footing, between, footing_of, set_out

LATER = 0.25
"""Share of the steps that images after the first take, since they start from one that fits."""


class WalkModule(RefinementModule):
    """Refines the images of a walk in their order; a batch of the predict loop is a list of one number of an image.

    Attributes:
        stops: seeds that the walk leads by.
        walk: images from one to the next.
        samples: hold the images before, so that a walk that was killed goes on as an unbroken one.
    """

    sample_word = "image"
    stops: Sequence[int]
    walk: int
    samples: RefinedSamples

    def predict_step(self, batch: Sequence[int], *_: Any) -> Refined:
        """Refine one image."""
        (image,) = batch
        codes = self._between(image)
        problem = self.problem(codes)
        schedule = self.schedule
        footing = self._footing(image)
        if footing is not None and self.one_pass is not None:
            # A composer follows the way by itself: neighbours in latent space come to neighbours. Only boxes stay calm.
            problem = replace(problem, placements=footing.placements)
        elif footing is not None:
            with torch.no_grad():
                drawn = draw_all(self.canvas, self.parts, codes, codes)
            problem = set_out(problem, drawn, footing)
            schedule = replace(schedule, steps=max(1, round(schedule.steps * LATER)))
        return Refined(self.refine(batch, problem, schedule), [])

    def origin(self, sample: int) -> str:
        """Each image depends on all key seeds."""
        found = [self.plan.origin(seed) for seed in self.stops]
        return json.dumps(found) if any(found) else ""

    def _between(self, image: int) -> dict[str, Latents]:
        starts = {name: self.starts(name, generator, self.stops) for name, generator in self.generators.items()}
        return {name: between(codes, image, self.walk) for name, codes in starts.items()}

    def _footing(self, image: int) -> Footing | None:
        """State of the last refined image, read from disk so that a resumed walk is identical."""
        for before in range(image - 1, -1, -1):
            if (state := self.samples.state(*self.samples.names([before]))) is not None:
                found, placements = state
                interpolated = {name: codes.detached() for name, codes in self._between(before).items()}
                latents = {
                    name: replace(
                        codes, tensors={kind: found[name][kind].to(own) for kind, own in codes.tensors.items()}
                    )
                    for name, codes in interpolated.items()
                }
                placements = {name: placement.to(self.device) for name, placement in placements.items()}
                return footing_of(latents, placements, interpolated)
        return None
