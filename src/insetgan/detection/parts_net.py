"""PartsNet: finds and outlines the parts of a person, and lends its feature maps to distances between images."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from insetgan.data.person import PART_NAMES
from insetgan.runtime.fingerprint import FromFile

WIDTHS = (16, 32, 64, 96, 128)  # channels at strides 1, 2, 4, 8, 16
STRIDE = 4  # of the map on which parts are located
_MOST_PARTS = 64
_MASK_WIDTH = 24  # channels of the mask head, which works at full size: what it costs grows with their square


class PartsOutput(NamedTuple):
    """Where the parts are.

    Attributes:
        boxes: [n, parts, 4], (x0, y0, x1, y1) in pixels of the given images, not rounded.
        scores: [n, parts], confidence in 0..1.
        heat: [n, parts, h / 4, w / 4], logits of "the centre of this part is here", at the working size.
    """

    boxes: Tensor
    scores: Tensor
    heat: Tensor


def _names(parts: Sequence[str] | None, num_parts: int | None) -> tuple[str, ...]:
    """Names of the parts of a network, by its description."""
    if parts is None:
        parts = PART_NAMES if num_parts is None else PART_NAMES[:num_parts]
        if num_parts not in (None, len(parts)):
            raise ValueError(
                f"num_parts={num_parts}: without names there are at most {len(PART_NAMES)}; give parts=[...]"
            )
    elif num_parts not in (None, len(parts)):
        raise ValueError(f"num_parts={num_parts}: leave it out beside parts={list(parts)}")
    named = not isinstance(parts, str) and all(isinstance(part, str) and part.isidentifier() for part in parts)
    if not named or not 1 <= len(parts) <= _MOST_PARTS or len(set(parts)) < len(parts):
        raise ValueError(
            f"parts={parts}: must be a list of 1 to {_MOST_PARTS} different names, such as [ear_left, ear_right]"
        )
    return tuple(parts)


class MaskHead(nn.Module):
    """Outlines the parts: refines the map on which they are located with the finer maps of the trunk.

    Args:
        num_parts: parts to outline.
    """

    def __init__(self, num_parts: int) -> None:
        super().__init__()
        self.coarse = nn.Conv2d(64, _MASK_WIDTH, 1)
        self.laterals = nn.ModuleList(nn.Conv2d(width, _MASK_WIDTH, 1) for width in (WIDTHS[1], WIDTHS[0]))
        self.layers = nn.ModuleList(_layer(_MASK_WIDTH, _MASK_WIDTH) for _ in self.laterals)
        self.logits = nn.Conv2d(_MASK_WIDTH, num_parts, 1)
        nn.init.constant_(self.logits.bias, -4.0)  # type: ignore[arg-type]  # few pixels belong to a part

    def forward(self, neck: Tensor, half: Tensor, full: Tensor) -> Tensor:
        """Logits of the masks at the working size.

        Args:
            neck: [n, 64, h / 4, w / 4], from which centres and edges are read.
            half: [n, 32, h / 2, w / 2], the trunk at stride 2.
            full: [n, 16, h, w], the trunk at stride 1.

        Returns:
            [n, num_parts, h, w].
        """
        x = self.coarse(neck)
        for lateral, layer, finer in zip(self.laterals, self.layers, (half, full), strict=True):
            x = layer(lateral(finer) + functional.interpolate(x, finer.shape[-2:], mode="nearest"))
        logits: Tensor = self.logits(x)
        return logits


class PartsNet(FromFile, nn.Module):
    """A small feature pyramid with one centre map and one set of box edges a part, and masks if wanted.

    Every place of a stride-4 map votes for a box by its distances to the four edges, and the box of a part is the mean
    of the votes under the softmax of its centre map: no peak picking, so boxes move smoothly with the image. The
    centre map follows CenterNet (Zhou et al. 2019, "Objects as Points"), the edges FCOS (Tian et al. 2019).

    Args:
        parts: names of the parts to find, 1 to 64; those of a person where nothing is said, as in files of older versions.
        working_height: images are resampled to this height before they are searched, since the network has learned
            people of that size; the width becomes the nearest multiple of 16.
        masks: have a head that outlines the parts, for `segment`; what `forward` and `features` give, and what they cost, is
            the same with and without.
        num_parts: how many of a person's parts, in files of older versions; not beside `parts`.

    Raises:
        ValueError: the parts are no such names.
    """

    known_as = "parts"

    def __init__(
        self,
        *,
        parts: Sequence[str] | None = None,
        working_height: int = 256,
        masks: bool = False,
        num_parts: int | None = None,
    ) -> None:
        super().__init__()
        self.parts = _names(parts, num_parts)
        num_parts = len(self.parts)
        self.architecture: dict[str, Any] = {
            "parts": list(self.parts),
            "working_height": working_height,
            "masks": masks,
        }
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
        # Last, so that the other layers draw the same random weights with and without it.
        self.masks = MaskHead(num_parts) if masks else None

    def features(self, images: Tensor) -> tuple[Tensor, ...]:
        """Feature maps for a perceptual distance.

        Args:
            images: [n, 3, h, w] in [-1, 1], any size; not resampled. Sides that are no multiple of 16 give maps
                that are rounded up.

        Returns:
            After each stage: [n, (16, 32, 64, 96, 128), h / s, w / s] rounded up for s = 1, 2, 4, 8, 16, not negative.
        """
        maps, x = [], images.contiguous(memory_format=torch.channels_last)
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return tuple(maps)

    def forward(self, images: Tensor) -> PartsOutput:
        """Locate the parts in images [n, 3, h, w] in [-1, 1]."""
        working = self._resampled(images)
        return self._locate(self._neck(self.features(working)), images, working)

    def segment(self, images: Tensor) -> Tensor:
        """Outline the parts in images.

        Args:
            images: [n, 3, h, w] in [-1, 1].

        Returns:
            [n, parts, h, w], how much of each pixel belongs to each part, 0..1; nothing far from the box of the part.

        Raises:
            ValueError: the network has no masks.
        """
        output, logits = self.locate_and_outline(images)
        return masks_near(logits, output.boxes)

    def locate_and_outline(self, images: Tensor) -> tuple[PartsOutput, Tensor]:
        """What `forward` gives and what `masks_near` makes masks of, from one pass through the trunk.

        Raises:
            ValueError: the network has no masks.
        """
        working = self._resampled(images)
        maps = self.features(working)
        neck = self._neck(maps)
        return self._locate(neck, images, working), self._outline(neck, maps, images)

    def _resampled(self, images: Tensor) -> Tensor:
        """The images at the working size."""
        height, width = images.shape[-2:]
        working = (self.working_height, max(16, round(width * self.working_height / height / 16) * 16))
        if (height, width) == working:
            return images
        return functional.interpolate(images, working, mode="bilinear", antialias=True, align_corners=False)

    def _neck(self, maps: Sequence[Tensor]) -> Tensor:
        """The map [n, 64, h / 4, w / 4] on which parts are located, from the feature maps of all strides."""
        maps = maps[2:]
        top = maps[-1]
        maps = (*maps[:-1], top + self.context(top.mean(dim=(2, 3)))[:, :, None, None])
        x = self.laterals[-1](maps[-1])
        for lateral, finer in zip(reversed(self.laterals[:-1]), reversed(maps[:-1]), strict=True):
            x = lateral(finer) + functional.interpolate(x, finer.shape[-2:], mode="nearest")
        neck: Tensor = self.neck(x)
        return neck

    def _locate(self, neck: Tensor, images: Tensor, working: Tensor) -> PartsOutput:
        """Read off where the parts are, in pixels of `images`."""
        heat, edges = self.heat(neck).float(), self.edges(neck).float()
        # Softplus keeps distances near zero or above while gradients flow; 16 pixels a unit suits parts of 8 to 60.
        edges = (functional.softplus(edges) * 16).view(-1, self.num_parts, 4, *heat.shape[-2:])
        boxes = self._vote(heat, edges)
        if images.shape != working.shape:  # not asked of numbers on the device, which a CUDA graph forbids
            ratios = [images.shape[-1] / working.shape[-1], images.shape[-2] / working.shape[-2]]
            boxes = boxes * boxes.new_tensor(ratios).repeat(2)
        return PartsOutput(boxes, heat.flatten(2).amax(dim=2).sigmoid(), heat)

    def _outline(self, neck: Tensor, maps: Sequence[Tensor], images: Tensor) -> Tensor:
        """Logits of the masks at the size of `images`."""
        if self.masks is None:
            raise ValueError("this PartsNet has no masks; build and train it with masks=True")
        logits: Tensor = self.masks(neck, maps[1], maps[0]).float()
        if logits.shape[-2:] == images.shape[-2:]:
            return logits
        # Logits rather than masks: where images are larger than the working size an outline stays a sharp slope.
        return functional.interpolate(logits, images.shape[-2:], mode="bilinear", antialias=True, align_corners=False)

    def _vote(self, heat: Tensor, edges: Tensor) -> Tensor:
        rows, columns = heat.shape[-2:]
        weight = heat.flatten(2).softmax(dim=2)
        y = (torch.arange(rows, device=heat.device) + 0.5).mul(STRIDE).repeat_interleave(columns)
        x = (torch.arange(columns, device=heat.device) + 0.5).mul(STRIDE).repeat(rows)
        left, top, right, bottom = edges.flatten(3).unbind(dim=2)
        votes = torch.stack([x - left, y - top, x + right, y + bottom], dim=2)
        return (votes * weight[:, :, None]).sum(dim=3)


def masks_near(logits: Tensor, boxes: Tensor) -> Tensor:
    """Masks without what lies far from the part.

    The head judges by the neighbourhood of a pixel, so that a sleeve may look like a hand to it. Where the part as a
    whole is, the boxes know: masks are left as they are to a tenth of the longer side of the box outside it, and fade to
    nothing at a quarter.

    Args:
        logits: [n, parts, h, w].
        boxes: [n, parts, 4] in pixels of these maps.

    Returns:
        [n, parts, h, w], 0..1.
    """
    height, width = logits.shape[-2:]
    y = torch.arange(height, device=boxes.device)[:, None] + 0.5
    x = torch.arange(width, device=boxes.device) + 0.5
    left, top, right, bottom = boxes[..., None, None].unbind(dim=2)
    longer = torch.maximum(right - left, bottom - top).clamp(min=1)
    outside = torch.maximum(torch.maximum(left - x, x - right), torch.maximum(top - y, y - bottom)) / longer
    return logits.sigmoid() * ((0.25 - outside) / 0.15).clamp(0, 1)


def _layer(inner: int, outer: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inner, outer, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outer), nn.ReLU())


def _stage(inner: int, outer: int, *, stride: int, depth: int) -> nn.Sequential:
    return nn.Sequential(_layer(inner, outer, stride), *(_layer(outer, outer) for _ in range(depth - 1)))
