"""The canvas generator alone."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from insetgan.evaluation.images import Images, as_bytes
from insetgan.evaluation.methods.from_refinement import FromRefinement
from insetgan.refine.composition import draw_all
from insetgan.refine.latents import CANVAS
from insetgan.runtime.settings import settings


@settings(kw_only=True)
class Unconditional(FromRefinement):
    """The canvas generator alone, the paper's "unconditional"."""

    kind = "canvas"
    has_path_length = True

    @torch.no_grad()
    def images(self, block: Sequence[int]) -> Images:
        """Draw the canvases of the seeds."""
        problem = self.problem(block)
        canvas = draw_all(problem.canvas, problem.parts, problem.starts, [CANVAS])[CANVAS]
        return Images(as_bytes(canvas, block))

    def generator_files(self) -> Sequence[Path]:
        """That of the canvas."""
        return [path for name, path in self.refinement.weights.items() if name == CANVAS]

    @property
    def path_generator(self) -> nn.Module:
        """The generator of the canvas."""
        canvas = self.refinement.module.canvas
        assert isinstance(canvas, nn.Module)
        return canvas
