"""A look at a composition while it is solved."""

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from insetgan.metrics.seam import band, seam
from insetgan.ops.images import encode_png, to_uint8
from insetgan.ops.regions import Blend
from insetgan.refine.composition import compose
from insetgan.refine.problem import Step
from insetgan.runtime.errors import UserError

EVERY = 0.4
"""Seconds from one preview to the next at least; a picture of each step would cost more than the step."""

SHARE = 4
"""A preview is made at most so often that it takes one part in so many of the time."""


@dataclass(frozen=True)
class Preview:
    """The composite of one step.

    Attributes:
        step: updates made.
        steps: in all.
        png: the composite.
        size: height and width of it in pixels.
        seam: by part, the step across the border of its box, composite over canvas; 1 is perfect. Only parts that are there.
        band: by part, the difference of inset and canvas inside the border, 0 to 255.
    """

    step: int
    steps: int
    png: bytes
    size: tuple[int, int]
    seam: dict[str, float]
    band: dict[str, float]


class Halted(UserError):
    """The artist has stopped the composition."""

    def __init__(self) -> None:
        super().__init__("the composition was stopped")


class PreviewMaker:
    """An `on_step` of the solver that looks at the first sample now and then, and ends the solver when asked to.

    It reads the state and changes nothing, so that a watched refinement gives the bytes of one that is not watched.

    Args:
        show: told of each preview.
        halted: asked at each step whether to end.
        blend: how the insets are composed.
        clock: seconds that have passed.
    """

    def __init__(
        self,
        show: Callable[[Preview], None],
        halted: Callable[[], bool],
        *,
        blend: Blend = "paste",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.show, self.halted, self.blend, self.clock = show, halted, blend, clock
        self._next = -float("inf")

    def __call__(self, step: Step) -> None:
        """Look at a step if it is time.

        Raises:
            Halted: the artist has stopped it.
        """
        if self.halted():
            raise Halted
        began = self.clock()
        if began < self._next and step.index + 1 < step.steps:
            return
        if bool(step.total.isfinite()[0]):
            self.show(preview_of(step, self.blend))
        now = self.clock()
        self._next = now + max(EVERY, SHARE * (now - began))


@torch.no_grad()
def preview_of(step: Step, blend: Blend = "paste") -> Preview:
    """The composite of the first sample at a step, with its seams.

    Args:
        step: of the solver.
        blend: how the insets are composed.
    """
    view, regions = step.view, step.view.locations.regions
    canvas = to_uint8(view.canvas.image[:1])
    composite = to_uint8(compose(view.canvas.image, view.insets.images, regions, blend)[:1])
    seams: dict[str, float] = {}
    bands: dict[str, float] = {}
    for part, region in regions.items():
        if bool(region.present[0]):
            boxes = region.boxes[:1].cpu()
            seams[part] = float(seam(canvas, composite, boxes)[0])
            bands[part] = float(band(canvas, composite, boxes)[0])
    height, width = composite.shape[1:3]
    return Preview(step.index + 1, step.steps, encode_png(composite[0]), (height, width), seams, bands)


def data_address(png: bytes) -> str:
    """A picture as an address that holds it, so that no file is kept for it."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
