"""From codes and boxes to pictures."""

from collections.abc import Mapping

import torch
from torch import Tensor

from insetgan.ops.regions import Region
from insetgan.parts.generator import Synthesiser
from insetgan.refine.latents import Latents


def draw(generator: Synthesiser, latents: Latents) -> Tensor:
    """Pictures of the codes with the constant noise, [n, 3, height, width], float32 at least."""
    images: Tensor = generator.synthesis(latents.ws, noise_mode="const")
    return images.to(torch.promote_types(images.dtype, torch.float32))


def regions_at(
    boxes: Mapping[str, Tensor], canvas: Synthesiser, insets: Mapping[str, Synthesiser]
) -> dict[str, Region]:
    """What follows from the boxes [n, 4] of each part."""
    size = (canvas.height, canvas.width)
    return {name: Region.at(box, size, (insets[name].height, insets[name].width)) for name, box in boxes.items()}


def compose(canvas: Tensor, insets: Mapping[str, Tensor], regions: Mapping[str, Region]) -> Tensor:
    """Paste the insets over their boxes, in their order, without blending, [n, 3, H, W]."""
    for name, region in regions.items():
        canvas = region.composite(canvas, insets[name])
    return canvas
