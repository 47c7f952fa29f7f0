"""PartsNet: finds the parts of a person, and lends its feature maps to distances between pictures."""

from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (16, 32, 64, 96, 128)  # channels at strides 1, 2, 4, 8, 16
STRIDE = 4  # of the map on which parts are located


class PartsOutput(NamedTuple):
    """Where the parts are.

    Attributes:
        boxes: [n, parts, 4], (x0, y0, x1, y1) in pixels of the given pictures, not rounded.
        scores: [n, parts], confidence in 0..1.
        heat: [n, parts, h / 4, w / 4], logits of "the centre of this part is here", at the working size.
    """

    boxes: Tensor
    scores: Tensor
    heat: Tensor


class PartsNet(nn.Module):
    """A small feature pyramid with one centre map and one set of box edges a part.

    Every place of a stride-4 map votes for a box by its distances to the four edges, and the box of a part is the mean
    of the votes under the softmax of its centre map: no peak picking, so boxes move smoothly with the picture. The
    centre map follows CenterNet (Zhou et al. 2019, "Objects as Points"), the edges FCOS (Tian et al. 2019).

    Args:
        num_parts: parts to find.
        working_height: pictures are resampled to this height before they are searched, since the network has learned
            people of that size; the width becomes the nearest multiple of 16.
    """

    def __init__(self, *, num_parts: int = 4, working_height: int = 256) -> None:
        super().__init__()
        self.architecture: dict[str, Any] = {"num_parts": num_parts, "working_height": working_height}
        self.num_parts, self.working_height = num_parts, working_height
        stages = [_stage(3, WIDTHS[0], stride=1, depth=1)]
        stages += [_stage(below, width, stride=2, depth=2) for below, width in pairwise(WIDTHS)]
        self.stages = nn.ModuleList(stages)
        self.context = nn.Linear(WIDTHS[-1], WIDTHS[-1])
        self.laterals = nn.ModuleList(nn.Conv2d(width, 64, 1) for width in WIDTHS[2:])
        self.neck = nn.Sequential(_layer(64, 64), _layer(64, 64))
        self.heat = nn.Conv2d(64, num_parts, 1)
        self.edges = nn.Conv2d(64, 4 * num_parts, 1)
        nn.init.constant_(self.heat.bias, -4.0)  # type: ignore[arg-type]  # a part's centre is rare: start by saying no
        nn.init.constant_(self.edges.bias, 0.0)  # type: ignore[arg-type]

    def features(self, images: Tensor) -> tuple[Tensor, ...]:
        """Feature maps for a perceptual distance.

        Args:
            images: [n, 3, h, w] in [-1, 1], any size of at least 16 x 16; not resampled.

        Returns:
            After each stage: [n, (16, 32, 64, 96, 128), h / s, w / s] for s = 1, 2, 4, 8, 16, not negative.
        """
        maps, x = [], images.contiguous(memory_format=torch.channels_last)
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return tuple(maps)

    def forward(self, images: Tensor) -> PartsOutput:
        """Locate the parts in pictures [n, 3, h, w] in [-1, 1]."""
        height, width = images.shape[-2:]
        working = (self.working_height, max(16, round(width * self.working_height / height / 16) * 16))
        if (height, width) != working:
            images = functional.interpolate(images, working, mode="bilinear", antialias=True, align_corners=False)
        heat, edges = self._maps(images)
        boxes = self._vote(heat, edges)
        scale = boxes.new_tensor([width / working[1], height / working[0]]).repeat(2)
        return PartsOutput(boxes * scale, heat.flatten(2).amax(dim=2).sigmoid(), heat)

    def _maps(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Centre logits [n, parts, h / 4, w / 4] and edge distances in pixels [n, parts, 4, h / 4, w / 4]."""
        maps = self.features(images)[2:]
        top = maps[-1]
        maps = (*maps[:-1], top + self.context(top.mean(dim=(2, 3)))[:, :, None, None])
        x = self.laterals[-1](maps[-1])
        for lateral, finer in zip(reversed(self.laterals[:-1]), reversed(maps[:-1]), strict=True):
            x = lateral(finer) + functional.interpolate(x, finer.shape[-2:], mode="nearest")
        x = self.neck(x)
        heat, edges = self.heat(x).float(), self.edges(x).float()
        # Softplus keeps distances near zero or above while gradients flow; 16 pixels a unit suits parts of 8 to 60.
        return heat, (functional.softplus(edges) * 16).view(-1, self.num_parts, 4, *heat.shape[-2:])

    def _vote(self, heat: Tensor, edges: Tensor) -> Tensor:
        rows, columns = heat.shape[-2:]
        weight = heat.flatten(2).softmax(dim=2)
        y = (torch.arange(rows, device=heat.device) + 0.5).mul(STRIDE).repeat_interleave(columns)
        x = (torch.arange(columns, device=heat.device) + 0.5).mul(STRIDE).repeat(rows)
        left, top, right, bottom = edges.flatten(3).unbind(dim=2)
        votes = torch.stack([x - left, y - top, x + right, y + bottom], dim=2)
        return (votes * weight[:, :, None]).sum(dim=3)


def _layer(inner: int, outer: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inner, outer, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outer), nn.ReLU())


def _stage(inner: int, outer: int, *, stride: int, depth: int) -> nn.Sequential:
    return nn.Sequential(_layer(inner, outer, stride), *(_layer(outer, outer) for _ in range(depth - 1)))
