"""From latents and boxes to images."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from insetgan.detection.part import Part
from insetgan.detection.placement import Placement
from insetgan.networks.synthesiser import LatentTensors, Synthesiser
from insetgan.ops.regions import Blend, Region
from insetgan.refine.latents import CANVAS, Latents


def draw(generator: Synthesiser, latents: LatentTensors) -> Tensor:
    """Images of latents without anything random, [n, 3, height, width], float32 at least."""
    images = generator.render(latents)
    return images.to(torch.promote_types(images.dtype, torch.float32))


def draw_all(
    canvas: Synthesiser, parts: Mapping[str, Part], latents: Mapping[str, Latents], names: Iterable[str]
) -> dict[str, Tensor]:
    """Images of the named generators; parts that share a generator are drawn in one call, mirrored ones flipped.

    The canvas is always drawn by itself, so that an image does not depend on what else is drawn with it, even by rounding.
    """
    wanted = list(names)
    by_generator: dict[int, list[str]] = {}
    for name in wanted:
        if name != CANVAS:
            by_generator.setdefault(id(parts[name].generator), []).append(name)
    images = {CANVAS: draw(canvas, latents[CANVAS].tensors)} if CANVAS in wanted else {}
    for group in by_generator.values():
        own = [latents[name].tensors for name in group]
        joined = {kind: torch.cat([one[kind] for one in own]) for kind in own[0]}
        together = draw(parts[group[0]].generator, joined)
        for name, drawn in zip(group, together.chunk(len(group)), strict=True):
            images[name] = drawn.flip(3) if parts[name].mirror else drawn
    return {name: images[name] for name in wanted}


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
