"""What a refinement starts from, and what it comes to."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from insetgan.losses.context import CANVAS, Context
from insetgan.losses.perceptual import Perceptual
from insetgan.losses.term import Side
from insetgan.parts.generator import Synthesiser
from insetgan.parts.part import Part
from insetgan.refine.latents import Latents

OK = "ok"
NO_PART_FOUND = "no_part_found"
PART_LOST = "part_lost"
NOT_FINITE = "not_finite"
STATUSES = (OK, NO_PART_FOUND, PART_LOST, NOT_FINITE)
"""How a sample may end: well; not started, because a part is not on the start canvas; finished with the last known box,
because a part went out of sight; stopped at its best state, because numbers ran away."""


@dataclass(frozen=True)
class Problem:
    """A batch of independent compositions.

    Attributes:
        canvas: draws I_A.
        parts: the insets, by name.
        starts: start codes, by `CANVAS` and part name, all of one batch size.
        perceptual: gives the perceptual terms their features; may be None when there are none.
    """

    canvas: Synthesiser
    parts: Mapping[str, Part]
    starts: Mapping[str, Latents]
    perceptual: Perceptual | None = None

    def __post_init__(self) -> None:
        """Refuse pieces that do not belong together."""
        if not self.parts or CANVAS in self.parts:
            raise ValueError(f"parts must name at least one inset, none of them {CANVAS!r}")
        for name, generator in self.generators.items():
            if name not in self.starts:
                raise ValueError(f"no start latents for {name!r}")
            shape, wanted = self.starts[name].ws.shape, (self.size, generator.num_ws, generator.w_dim)
            if shape != wanted:
                raise ValueError(f"start latents of {name!r} have shape {tuple(shape)}, expected {wanted}")

    @property
    def size(self) -> int:
        """Number of samples."""
        return self.starts[CANVAS].shared.shape[0]

    @property
    def generators(self) -> dict[str, Synthesiser]:
        """All generators, by `CANVAS` and part name."""
        return {CANVAS: self.canvas, **{name: part.generator for name, part in self.parts.items()}}


@dataclass(frozen=True)
class Step:
    """What a callback sees after each step.

    Attributes:
        index: number of the step, from 0.
        steps: how many there will be.
        active: the sides that were updated.
        total: objective at full weights before the update, [n]; infinite for samples that are not running.
        values: unweighted terms, each [n].
        context: pictures, boxes and codes the values belong to.
    """

    index: int
    steps: int
    active: tuple[Side, ...]
    total: Tensor
    values: Mapping[str, Tensor]
    context: Context


@dataclass(frozen=True)
class Result:
    """What came of a batch; pictures are [n, 3, height, width], nominally in [-1, 1].

    Attributes:
        status: one of `STATUSES` a sample.
        started: bool [n], whether there was anything to refine; where not, all pictures are the start canvas.
        steps: updates made.
        best_step: int64 [n], number of updates after which the kept state was reached.
        boxes: by part, int64 [n, 4]; meaningless where it did not start.
        start_boxes: the same on the start canvas.
        latents: the kept codes, by `CANVAS` and part.
        start_latents: the codes it started from.
        curves: unweighted terms by name, and "total" at full weights, each [steps + 1, n] on the CPU.
        start_canvas: I_A of the start codes.
        paste: the naive paste, insets of the start codes on the start canvas.
        canvas: I_A of the kept codes.
        refined: the composite of the kept codes.
        insets: I_B of the kept codes, by part.
    """

    status: tuple[str, ...]
    started: Tensor
    steps: int
    best_step: Tensor
    boxes: Mapping[str, Tensor]
    start_boxes: Mapping[str, Tensor]
    latents: Mapping[str, Latents]
    start_latents: Mapping[str, Latents]
    curves: Mapping[str, Tensor]
    start_canvas: Tensor
    paste: Tensor
    canvas: Tensor
    refined: Tensor
    insets: Mapping[str, Tensor]
