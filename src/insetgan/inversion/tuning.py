"""Pivotal tuning: the generator itself is moved a little, so that the latents of one image draw it exactly."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor

from insetgan.inversion.options import TuningOptions
from insetgan.networks.generator import Generator
from insetgan.networks.perceptual import Perceptual, describe, feature_distance
from insetgan.refine.latents import Latents
from insetgan.runtime.settings import settings


@settings
class Tuning(TuningOptions):
    """Pivotal tuning (Roich et al. 2022), of the synthesis network for one image.

    The pivot is what projection found, and stays. So that other latents draw what they drew before, images half-way from the
    pivot to random ones are held to those of the untouched generator (its section 3.3).
    """

    def tune(
        self,
        generator: Generator,
        image: Tensor,
        pivot: Latents,
        *,
        perceptual: Perceptual | None = None,
        on_step: Callable[[int, int], None] | None = None,
    ) -> Generator:
        """A copy of the generator that draws the image from the pivot.

        Args:
            generator: not changed.
            image: [1, 3, height, width] in [-1, 1].
            pivot: latents of one sample without a feature map; not changed.
            perceptual: gives features; None leaves the perceptual terms out.
            on_step: called with the steps done and the steps in all.

        Returns:
            With frozen weights, in evaluation mode.

        Raises:
            ValueError: not one image.
        """
        if len(image) != 1 or pivot.size != 1:
            raise ValueError(f"{len(image)} images and {pivot.size} latents: one image is tuned for at a time")
        tuned = copy.deepcopy(generator).eval()
        with torch.inference_mode(False), torch.enable_grad():
            trained = list(tuned.synthesis.requires_grad_(True).parameters())
            optimizer = torch.optim.Adam(trained, lr=self.rate)
            random = torch.Generator().manual_seed(self.seed)
            ws, image = generator.ws(pivot.tensors).detach().clone(), image.clone()
            for step in range(self.steps):
                loss = self._difference(tuned.draw(ws), image, perceptual)
                if self.locality:
                    loss = loss + self.locality * self._strayed(generator, tuned, ws, random, perceptual)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                if on_step is not None:
                    on_step(step + 1, self.steps)
        tuned.source = None
        return tuned.requires_grad_(False)

    def _strayed(
        self, generator: Generator, tuned: Generator, ws: Tensor, random: torch.Generator, perceptual: Perceptual | None
    ) -> Tensor:
        z = torch.randn(self.others, generator.z_dim, generator=random).to(ws.device)
        with torch.no_grad():
            between = ws.lerp(generator.mapping(z, truncation_psi=1.0), self.interpolation)
            before = generator.draw(between)
        return self._difference(tuned.draw(between), before, perceptual)

    def _difference(self, drawn: Tensor, wanted: Tensor, perceptual: Perceptual | None) -> Tensor:
        loss = self.l2 * (drawn - wanted).square().mean()
        if perceptual is not None and self.perceptual:
            with torch.no_grad():
                described = describe(perceptual, wanted)
            loss = loss + self.perceptual * feature_distance(describe(perceptual, drawn), described).mean()
        return loss
