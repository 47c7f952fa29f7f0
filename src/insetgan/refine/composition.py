"""From codes and boxes to pictures."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from insetgan.detection.part import Part
from insetgan.detection.placement import Placement
from insetgan.networks.synthesiser import Synthesiser
from insetgan.ops.regions import Blend, Region
from insetgan.refine.context import CANVAS
from insetgan.refine.latents import Latents


def draw(generator: Synthesiser, ws: Tensor) -> Tensor:
    """Pictures of the codes [n, num_ws, w_dim] with the constant noise, [n, 3, height, width], float32 at least."""
    images = generator.draw(ws)
    return images.to(torch.promote_types(images.dtype, torch.float32))


def draw_all(
    canvas: Synthesiser, parts: Mapping[str, Part], codes: Mapping[str, Latents], names: Iterable[str]
) -> dict[str, Tensor]:
    """Pictures of the named generators; parts that share a generator are drawn in one call, mirrored ones flipped."""
    wanted = list(names)
    owners: dict[int, list[str]] = {}
    for name in wanted:
        owners.setdefault(id(canvas if name == CANVAS else parts[name].generator), []).append(name)
    pictures = {}
    for group in owners.values():
        generator = canvas if group[0] == CANVAS else parts[group[0]].generator
        images = draw(generator, torch.cat([codes[name].ws for name in group]))
        for name, drawn in zip(group, images.chunk(len(group)), strict=True):
            pictures[name] = drawn.flip(3) if name != CANVAS and parts[name].mirror else drawn
    return {name: pictures[name] for name in wanted}


def regions_at(
    placements: Mapping[str, Placement], canvas: Synthesiser, parts: Mapping[str, Part]
) -> dict[str, Region]:
    """What follows from where each part is; a part that was never seen covers nothing."""
    size = (canvas.height, canvas.width)
    regions = {}
    for name, placement in placements.items():
        inset = parts[name].generator
        regions[name] = Region.at(placement.boxes, size, (inset.height, inset.width), placement.placed)
    return regions


def compose(
    canvas: Tensor, insets: Mapping[str, Tensor], regions: Mapping[str, Region], blend: Blend = "paste"
) -> Tensor:
    """Put the insets over their boxes, in their order, [n, 3, H, W]; see `Region.composite`."""
    for name, region in regions.items():
        canvas = region.composite(canvas, insets[name], blend)
    return canvas
