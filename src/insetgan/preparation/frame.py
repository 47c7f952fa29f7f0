"""A rectangle of a photograph, turned or not, that becomes an image of the set."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from insetgan.detection.part_box import PartBox
from insetgan.detection.single_shot import Numbers


@dataclass(frozen=True)
class Frame:
    """A rectangle that may be turned and may reach beyond the photograph.

    Attributes:
        x: column of its centre, in pixels of the photograph.
        y: row of its centre.
        high: its height, in pixels of the photograph.
        size: (H, W) of the image that it becomes; its width follows from their ratio.
        turn: clockwise, in radians.
    """

    x: float
    y: float
    high: float
    size: tuple[int, int]
    turn: float = 0.0

    @property
    def scale(self) -> float:
        """Pixels of the image for each pixel of the photograph."""
        return self.size[0] / self.high

    def to_image(self, points: Numbers) -> Numbers:
        """Points [n, 2] of the photograph as points of the image, both in pixels."""
        middle = np.array([self.size[1] / 2, self.size[0] / 2])
        moved = (np.asarray(points, np.float64) - [self.x, self.y]) * self.scale
        return np.asarray(moved @ _rotation(self.turn) + middle)

    def to_photo(self, points: Numbers) -> Numbers:
        """The reverse of `to_image`."""
        middle = np.array([self.size[1] / 2, self.size[0] / 2])
        moved = (np.asarray(points, np.float64) - middle) / self.scale
        return np.asarray(moved @ _rotation(self.turn).T + [self.x, self.y])

    def box(self, box: PartBox) -> PartBox | None:
        """A box of the photograph in pixels of the image; None where less than half of it is seen there."""
        x0, y0, x1, y1 = box.box
        corners = self.to_image(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]))
        (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        return PartBox((left, top, right, bottom), box.score).clipped(*self.size)

    def sample(self, pixels: Tensor, *, padding: str = "reflection") -> Tensor:
        """What is seen in the frame, antialiased.

        Args:
            pixels: float [c, h, w] of the photograph.
            padding: `reflection` goes on beyond the edge as in a mirror, `zeros` ends there.

        Returns:
            float32 [c, H, W].
        """
        rows, columns = pixels.shape[1:]
        source = pixels[None].float()
        if self.scale < 1:
            small = (max(1, round(rows * self.scale)), max(1, round(columns * self.scale)))
            source = functional.interpolate(source, small, mode="bilinear", antialias=True, align_corners=False)
        y, x = torch.meshgrid(torch.arange(self.size[0]) + 0.5, torch.arange(self.size[1]) + 0.5, indexing="ij")
        points = torch.stack([x, y], -1).double().reshape(-1, 2).numpy()
        places = torch.from_numpy(self.to_photo(points)) / torch.tensor([columns, rows]) * 2 - 1
        grid = places.reshape(1, *self.size, 2).float()
        mode = "bilinear" if padding == "zeros" or self.scale < 1 else "bicubic"
        return functional.grid_sample(source, grid, mode=mode, padding_mode=padding, align_corners=False)[0]

    def outside(self, height: int, width: int) -> float:
        """Which share of the image lies beyond the edges of a photograph, 0..1."""
        inside = self.sample(torch.ones(1, height, width), padding="zeros")
        return float((inside < 0.5).float().mean())


def fill(pixels: Tensor, weight: Tensor) -> Tensor:
    """Fill what has no weight from what lies round it, smoothly: averages of ever larger squares (pull and push).

    Args:
        pixels: float [c, h, w].
        weight: float [h, w], 0..1: how much of each pixel is known.

    Returns:
        float [c, h, w]; known pixels as they are.
    """
    weight = weight[None, None].float()
    summed = pixels[None].float() * weight
    if min(pixels.shape[1:]) > 1 and bool((weight < 1).any()):
        coarse = functional.avg_pool2d(summed, 2, ceil_mode=True)
        known = functional.avg_pool2d(weight, 2, ceil_mode=True)
        below = fill((coarse / known.clamp(min=1e-6))[0], (known[0, 0] * 4).clamp(max=1))
        wide = functional.interpolate(below[None], pixels.shape[1:], mode="bilinear", align_corners=False)
    else:
        wide = (summed.sum((2, 3), True) / weight.sum().clamp(min=1e-6)).expand_as(summed)
    return (summed + wide * (1 - weight))[0]


def blurred(pixels: Tensor, sigma: float) -> Tensor:
    """A Gaussian blur of float [c, h, w], edges repeated as in a mirror; sigma in pixels."""
    reach = min(max(1, math.ceil(3 * sigma)), min(pixels.shape[1:]) - 1)
    if reach < 1 or sigma <= 0:
        return pixels
    places = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (places / sigma) ** 2)
    kernel = kernel / kernel.sum()
    count = pixels.shape[0]
    padded = functional.pad(pixels[None].float(), (reach,) * 4, mode="reflect")
    padded = functional.conv2d(padded, kernel.reshape(1, 1, 1, -1).expand(count, 1, 1, -1), groups=count)
    return functional.conv2d(padded, kernel.reshape(1, 1, -1, 1).expand(count, 1, -1, 1), groups=count)[0]


def _rotation(turn: float) -> Numbers:
    return np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
