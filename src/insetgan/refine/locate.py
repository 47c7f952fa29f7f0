"""Locating the parts: from images of canvases to a locations."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from insetgan.detection.locate import locate_parts
from insetgan.detection.placement import Placement
from insetgan.ops.boxes import inside_boxes, shrink_boxes
from insetgan.refine.composition import compose, regions_at
from insetgan.refine.locations import Locations
from insetgan.refine.problem import EMPTY_MASK, Problem
from insetgan.runtime.errors import UserError


@torch.no_grad()
def locate(
    problem: Problem, canvas: Tensor, insets: Mapping[str, Tensor], previous: Mapping[str, Placement] | None = None
) -> Locations:
    """Find the parts on canvases, and their masks where the problem's region is the mask.

    Args:
        problem: says which parts, and how they are found.
        canvas: I_A, [n, 3, H, W].
        insets: I_B by part, each [n, 3, h, w].
        previous: where the parts were in this run, by name; None at its start. A part that was not there at the start
            stays out of the run, since it was neither judged nor measured.
    """
    canvas, insets = canvas.detach(), {name: inset.detach() for name, inset in insets.items()}
    placements = locate_parts(canvas, problem.parts.values(), problem.placements if previous is None else previous)
    if previous is not None:
        placements = {name: replace(placement, placed=previous[name].placed) for name, placement in placements.items()}
    return locations_at(problem, placements, canvas, insets, masks=problem.region == "mask")


@torch.no_grad()
def locations_at(
    problem: Problem,
    placements: Mapping[str, Placement],
    canvas: Tensor,
    insets: Mapping[str, Tensor],
    *,
    masks: bool,
) -> Locations:
    """The locations of known placements, with `masks` or with boxes alone.

    Masks are those of the naive composite: they bound the part that is seen in the end, whether canvas or inset draws it.
    """
    regions = regions_at(placements, problem.canvas, problem.parts)
    masked = torch.ones(canvas.shape[0], dtype=torch.bool, device=canvas.device)
    if not masks or problem.segmenter is None:
        return Locations(placements, regions, masked)
    segmented = problem.segmenter.segment(compose(canvas, insets, regions))
    for name, region in regions.items():
        if name not in segmented:
            raise UserError(f"parts.{name}: the segmenter knows only {', '.join(sorted(segmented))}")
        covered = region.masked(segmented[name].to(canvas))
        full = covered.cover.sum((1, 2, 3)) >= EMPTY_MASK * region.inside.sum((1, 2, 3)).clamp(min=1)
        regions[name] = replace(covered, cover=torch.where(full[:, None, None, None], covered.cover, region.cover))
        masked = masked & (full | ~region.present)
    return Locations(placements, regions, masked)


def interiors(problem: Problem, locations: Locations) -> dict[str, Tensor]:
    """R^I of each inset in its own pixels, [n, 1, h, w] in 0..1: inside E_8, or its mask."""
    inner = {}
    for name, region in locations.regions.items():
        inset = problem.parts[name].generator
        if problem.region == "mask":
            inner[name] = region.seen_from_inset(region.cover)
            continue
        whole = region.boxes.new_tensor([[0, 0, inset.width, inset.height]])
        box = shrink_boxes(whole, max(1, min(inset.width, inset.height) // 8))
        inner[name] = inside_boxes(box, inset.height, inset.width).float().expand(len(region.boxes), -1, -1, -1)
    return inner
