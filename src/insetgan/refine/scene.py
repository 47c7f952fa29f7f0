"""Where the insets are on their canvases: boxes, and masks where somebody segments."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from insetgan.detection.placement import Placement
from insetgan.detection.survey import survey
from insetgan.ops.boxes import inside_boxes, shrink_boxes
from insetgan.ops.regions import Region
from insetgan.refine.composition import compose, regions_at
from insetgan.refine.problem import EMPTY_MASK, Problem
from insetgan.runtime.errors import UserError


@dataclass(frozen=True)
class Scene:
    """What one look at a batch of canvases says.

    Attributes:
        placements: where each part is, by name.
        regions: what follows from that, with masks as covers where they are asked for.
        masked: bool [n], whether every part that is there has a mask that is not empty; all true without a segmenter.
    """

    placements: Mapping[str, Placement]
    regions: Mapping[str, Region]
    masked: Tensor

    @property
    def boxes(self) -> dict[str, Tensor]:
        """Boxes by part, int64 [n, 4]."""
        return {name: placement.boxes for name, placement in self.placements.items()}

    def rows(self, chosen: Tensor) -> "Scene":
        """The samples numbered in `chosen`, int64 [m]."""
        placements = {name: placement.rows(chosen) for name, placement in self.placements.items()}
        return Scene(
            placements, {name: region.rows(chosen) for name, region in self.regions.items()}, self.masked[chosen]
        )

    def same_boxes(self, other: "Scene") -> bool:
        """Whether nothing has moved."""
        return all(torch.equal(boxes, other.boxes[name]) for name, boxes in self.boxes.items())


@torch.no_grad()
def look(problem: Problem, canvas: Tensor, insets: Mapping[str, Tensor], before: Scene | None = None) -> Scene:
    """Find the parts on canvases [n, 3, H, W], starting from where they were, and their masks if there is a segmenter."""
    previous = before.placements if before is not None else problem.placements
    placements = survey(canvas, problem.parts.values(), previous)
    if before is not None:  # what was not there at the start was neither judged nor measured, and stays out of the run
        placements = {
            name: replace(placement, placed=before.placements[name].placed) for name, placement in placements.items()
        }
    return scene_at(problem, placements, canvas, insets, masks=problem.region == "mask")


@torch.no_grad()
def scene_at(
    problem: Problem,
    placements: Mapping[str, Placement],
    canvas: Tensor,
    insets: Mapping[str, Tensor],
    *,
    masks: bool,
) -> Scene:
    """The scene of known placements, with `masks` or with boxes alone.

    Masks are those of the naive composite: they bound the part that is seen in the end, be it drawn by canvas or inset.
    """
    regions = regions_at(placements, problem.canvas, problem.parts)
    masked = torch.ones(canvas.shape[0], dtype=torch.bool, device=canvas.device)
    if not masks or problem.segmenter is None:
        return Scene(placements, regions, masked)
    found = problem.segmenter.segment(compose(canvas, insets, regions))
    for name, region in regions.items():
        if name not in found:
            raise UserError(f"parts.{name}: the segmenter knows only {', '.join(sorted(found))}")
        covered = region.masked(found[name].to(canvas))
        full = covered.cover.sum((1, 2, 3)) >= EMPTY_MASK * region.inside.sum((1, 2, 3)).clamp(min=1)
        regions[name] = replace(covered, cover=torch.where(full[:, None, None, None], covered.cover, region.cover))
        masked = masked & (full | ~region.present)
    return Scene(placements, regions, masked)


def interiors(problem: Problem, scene: Scene) -> dict[str, Tensor]:
    """R^I of each inset in its own pixels, [n, 1, h, w] in 0..1: inside E_8, or its mask."""
    found = {}
    for name, region in scene.regions.items():
        inset = problem.parts[name].generator
        if problem.region == "mask":
            found[name] = region.seen_from_inset(region.cover)
            continue
        whole = region.boxes.new_tensor([[0, 0, inset.width, inset.height]])
        inner = shrink_boxes(whole, max(1, min(inset.width, inset.height) // 8))
        found[name] = inside_boxes(inner, inset.height, inset.width).float().expand(len(region.boxes), -1, -1, -1)
    return found
