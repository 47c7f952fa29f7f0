"""What a refinement starts from, and what it comes to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from torch import Tensor

from insetgan.detection.part import Part
from insetgan.detection.placement import Placement
from insetgan.detection.segmenter import Segmenter
from insetgan.networks.perceptual import Perceptual
from insetgan.networks.synthesiser import Synthesiser
from insetgan.ops.regions import Blend
from insetgan.refine.latents import CANVAS, Latents
from insetgan.refine.sides import Side
from insetgan.refine.views import View

OK = "ok"
NO_PART_FOUND = "no_part_found"
PART_LOST = "part_lost"
PART_MISSING = "part_missing"
NO_MASK = "no_mask"
NOT_FINITE = "not_finite"
STATUSES = (OK, NO_PART_FOUND, PART_MISSING, PART_LOST, NO_MASK, NOT_FINITE)
"""How a sample may end: well; not started, because none of its parts is on the start canvas; finished without a part that
is not there; finished with the last known box, because a part went out of sight; finished with the box of a part, because
its mask was empty; stopped at its best state, because numbers ran away. The later in the list wins where several hold."""

EMPTY_MASK = 0.01
"""Share of the box below which a mask counts as empty."""


@dataclass(frozen=True)
class Problem:
    """A batch of independent compositions.

    Attributes:
        canvas: draws I_A.
        parts: the insets, by name.
        starts: start latents, by `CANVAS` and part name, all of one batch size.
        perceptual: gives the perceptual terms their features; may be None when there are none.
        references: images that L_body and L_part hold on to, by `CANVAS` and part name; those of the start latents where
            absent.
        placements: where the parts were before, by name, for a run that continues another; looked for afresh where absent.
        segmenter: gives soft masks, where `region` or `blend` asks for them.
        region: what bounds R^I and R^O, the boxes or the masks.
        blend: how the insets are composed.
    """

    canvas: Synthesiser
    parts: Mapping[str, Part]
    starts: Mapping[str, Latents]
    perceptual: Perceptual | None = None
    references: Mapping[str, Tensor] = field(default_factory=dict)
    placements: Mapping[str, Placement] | None = None
    segmenter: Segmenter | None = None
    region: Literal["box", "mask"] = "box"
    blend: Blend = "paste"

    def __post_init__(self) -> None:
        """Refuse pieces that do not belong together."""
        if not self.parts or CANVAS in self.parts:
            raise ValueError(f"parts must name at least one inset, none of them {CANVAS!r}")
        if "mask" in (self.blend, self.region) and self.segmenter is None:
            raise ValueError("masks need a segmenter")
        for name, generator in self.generators.items():
            if name not in self.starts:
                raise ValueError(f"no start latents for {name!r}")
            found = {kind: tuple(tensor.shape) for kind, tensor in self.starts[name].tensors.items()}
            wanted = {kind: (self.size, *tensor.shape) for kind, tensor in generator.mean.items()}
            if found != wanted:
                raise ValueError(f"start latents of {name!r} have the shapes {found}, expected {wanted}")

    @property
    def size(self) -> int:
        """Number of samples."""
        return self.starts[CANVAS].size

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
        sides: what was updated.
        total: objective at full weights before the update, [n]; infinite for samples that have stopped.
        values: unweighted terms, each [n].
        view: images, boxes and latents the values belong to.
        state: makes what `refine` needs to go on behind this step, as named tensors.
    """

    index: int
    steps: int
    sides: tuple[Side, ...]
    total: Tensor
    values: Mapping[str, Tensor]
    view: View
    state: Callable[[], dict[str, Tensor]]


@dataclass(frozen=True)
class Result:
    """What came of a batch; images are [n, 3, height, width], nominally in [-1, 1].

    Attributes:
        status: one of `STATUSES` a sample.
        started: bool [n], whether there was anything to refine; where not, all images are the start canvas.
        present: by part, bool [n], whether it is on the canvas; elsewhere its boxes mean nothing and it is not composed.
        placements: where each part was at the end, by name.
        steps: int64 [n], updates made.
        best_step: int64 [n], number of updates after which the kept state was reached.
        total: objective of the kept state, [n]; infinite where nothing was judged.
        boxes: by part, int64 [n, 4], of the kept state.
        start_boxes: the same on the start canvas.
        latents: the kept latents, by `CANVAS` and part.
        start_latents: the latents it started from.
        curves: unweighted terms by name, and "total" at full weights, each [n, longest steps + 1] on the CPU; NaN before
            a term's stage, and behind the end of a sample.
        start_canvas: I_A of the start latents, or the one that was given to hold on to.
        paste: the naive paste, start insets on the start canvas.
        canvas: I_A of the kept latents.
        fitted: the insets of the kept latents pasted without blending, which is what is measured.
        refined: the composite of the kept latents as the problem blends it.
        insets: I_B of the kept latents, by part.
        start_insets: I_B of the start latents, or those that were given to hold on to, by part.
        interiors: R^I by part, weights in 0..1, each [n, 1, h, w].
        covers: by part, how much of each pixel of the canvas it stands for, weights in 0..1, each [n, 1, H, W]; empty where
            no masks were asked for.
    """

    status: tuple[str, ...]
    started: Tensor
    present: Mapping[str, Tensor]
    placements: Mapping[str, Placement]
    steps: Tensor
    best_step: Tensor
    total: Tensor
    boxes: Mapping[str, Tensor]
    start_boxes: Mapping[str, Tensor]
    latents: Mapping[str, Latents]
    start_latents: Mapping[str, Latents]
    curves: Mapping[str, Tensor]
    start_canvas: Tensor
    paste: Tensor
    canvas: Tensor
    fitted: Tensor
    refined: Tensor
    insets: Mapping[str, Tensor]
    start_insets: Mapping[str, Tensor]
    interiors: Mapping[str, Tensor]
    covers: Mapping[str, Tensor] = field(default_factory=dict)

    def rows(self, chosen: Tensor) -> "Result":
        """The samples numbered in `chosen`, int64 [m], in this order."""

        def take(value: Any, name: str) -> Any:
            if name == "status":
                return tuple(value[i] for i in chosen.tolist())
            if name == "curves":
                return {key: curve[chosen.cpu()] for key, curve in value.items()}
            if isinstance(value, Mapping):
                return {key: take(inner, "") for key, inner in value.items()}
            return value[chosen] if isinstance(value, Tensor) else value.rows(chosen)

        return Result(**{f.name: take(getattr(self, f.name), f.name) for f in fields(self)})
