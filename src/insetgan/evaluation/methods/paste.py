"""The naive paste."""

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import nn

from insetgan.evaluation.images import Images, as_bytes
from insetgan.evaluation.methods.from_refinement import FromRefinement
from insetgan.evaluation.methods.refine import Refine
from insetgan.refine.composition import compose
from insetgan.runtime.settings import settings


@settings(kw_only=True)
class Paste(FromRefinement):
    """The insets of the start latents over the boxes of the start canvas, exactly as a refinement begins."""

    kind = "paste"
    has_insets = True

    @torch.no_grad()
    def images(self, block: Sequence[int]) -> Images:
        """Draw canvases and insets of the seeds, and paste; or read what a refinement that begins alike has left."""
        if self._begun_alike is not None:
            return self._begun_alike.read(block, "before")
        start = self.start(block)
        paste = compose(start.canvas, start.insets, start.locations.regions)
        return Images(as_bytes(paste, block), start.measured(paste, self.setup.measures, insets=True))

    @property
    def networks(self) -> Sequence[nn.Module]:
        """The generators and detectors, unless the pastes are files."""
        return () if self._begun_alike is not None else super().networks

    @cached_property
    def _begun_alike(self) -> Refine | None:
        """A refinement of this evaluation that begins with these very images."""
        for other in self.setup.methods:
            if isinstance(other, Refine) and other.setup.trunc == self.setup.trunc:
                # Of several initialisations a run keeps the paste of the best one, which may not be the first.
                alike = other.refinement.start_settings == self.refinement.start_settings
                if alike and other.refinement.starts == 1:
                    return other
        return None
