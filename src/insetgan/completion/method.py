"""Completion as a method of an evaluation."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import nn

from insetgan.completion.completion import complete
from insetgan.evaluation.images import Images, as_bytes
from insetgan.evaluation.methods.from_refinement import FromRefinement
from insetgan.refine.latents import CANVAS
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import fingerprint
from insetgan.runtime.paths import UserWeights
from insetgan.runtime.settings import settings
from insetgan.weights.store import load_network, resolve


@settings(kw_only=True)
class Complete(FromRefinement):
    """The start canvas with the boxes of its parts cut out and filled by a CoModGAN."""

    weights: Annotated[
        UserWeights | None, Field(description="of the network, a .safetensors file or embedded; must be given")
    ] = None
    trunc: Annotated[float, Field(ge=0, le=2, description="psi of the network's own latents; 1 is off")] = 1.0

    kind = "complete"
    has_insets = True

    @cached_property
    def _loaded(self) -> dict[str, Any]:
        return {}

    @property
    def network(self) -> Any:
        """The network; loaded when it is first asked for, and after `release`.

        Raises:
            UserError: there is no such file, or its images have another size.
        """
        if not self._loaded:
            key = f"method.{self.setup.name}.weights"
            network = load_network(self._weights, kind="comodgan", key=key)
            found = (getattr(network, "height", 0), getattr(network, "width", 0))
            if found != tuple(self.setup.size):
                wanted = f"the canvas is {self.setup.size[0]} x {self.setup.size[1]}"
                raise UserError(f"{key}={self.weights}: completes {found[0]} x {found[1]}, {wanted}")
            self._loaded["network"] = network
        return self._loaded["network"]

    @property
    def _weights(self) -> str:
        key = f"method.{self.setup.name}.weights"
        if not self.weights:
            raise UserError(f"{key}: must be given, as in {key}=PATH")
        return self.weights

    @property
    def networks(self) -> Sequence[nn.Module]:
        """The generators and detectors, and the network that completes."""
        return [*super().networks, self.network]

    def check(self) -> None:
        """Load the network, and forget it again."""
        _ = self.network.height
        super().check()

    def fingerprint(self) -> str:
        """What decides the images: what is cut, and the network."""
        network = resolve(self._weights, key=f"method.{self.setup.name}.weights")
        return fingerprint([self.kind, self.refinement.start_fingerprint, self.trunc], files=[network])

    def generator_files(self) -> Sequence[Path]:
        """That of the network that completes, and of the canvas."""
        network = resolve(self._weights, key=f"method.{self.setup.name}.weights")
        return [network, *(path for name, path in self.refinement.weights.items() if name == CANVAS)]

    @torch.no_grad()
    def images(self, block: Sequence[int]) -> Images:
        """Draw the canvases of the seeds, cut and fill; one without any of the parts stays whole."""
        start = self.start(block)
        holes = torch.stack([region.inside for region in start.locations.regions.values()]).any(0)
        filled = complete(self.network, start.canvas, (~holes).to(start.canvas), block, trunc=self.trunc)
        whole = torch.where(holes, filled, start.canvas)
        return Images(as_bytes(whole, block), start.measured(whole, self.setup.measures, insets=False))

    def release(self) -> None:
        """Forget all networks."""
        self._loaded.clear()
        super().release()
