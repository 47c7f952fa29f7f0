"""A square of an image, turned or not, as a network sees it."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

Points = npt.NDArray[np.float64]
"""[n, 2], (x, y)."""


@dataclass(frozen=True)
class Square:
    """A square that may be turned and may reach beyond the image.

    Attributes:
        x: column of its centre, in pixels of the image.
        y: row of its centre.
        side: in pixels of the image.
        turn: clockwise, in radians.
    """

    x: float
    y: float
    side: float
    turn: float = 0.0

    @classmethod
    def around(cls, height: int, width: int) -> "Square":
        """The smallest square that holds a whole image in its middle."""
        return cls(width / 2, height / 2, float(max(height, width)))

    def to_image(self, points: Points) -> Points:
        """Points [n, 2] in units of the square, 0..1, as points in pixels of the image."""
        turned = (np.asarray(points, np.float64) - 0.5) @ _rotation(self.turn).T
        return np.asarray(np.array([self.x, self.y]) + self.side * turned)

    def to_square(self, points: Points) -> Points:
        """The reverse of `to_image`."""
        away = (np.asarray(points, np.float64) - np.array([self.x, self.y])) / self.side
        return np.asarray(away @ _rotation(self.turn) + 0.5)

    def view(self, image: Tensor, size: int) -> Tensor:
        """What is seen in it, antialiased, black where the image has ended.

        Args:
            image: uint8 [3, h, w].
            size: side of the view, in pixels.

        Returns:
            float32 [3, size, size] in [0, 1].
        """
        height, width = image.shape[1:]
        if self == Square.around(height, width):
            return letterboxed(image[None], size)[0] * 0.5 + 0.5
        reach = self.side * (abs(math.cos(self.turn)) + abs(math.sin(self.turn))) / 2 + 2
        left, top = max(math.floor(self.x - reach), 0), max(math.floor(self.y - reach), 0)
        piece = image[:, top : math.ceil(self.y + reach) + 1, left : math.ceil(self.x + reach) + 1]
        if 0 in piece.shape:
            return torch.zeros(3, size, size)
        return self._resampled(piece[None].float() / 255, left, top, size)

    def _resampled(self, piece: Tensor, left: int, top: int, size: int) -> Tensor:
        """The view out of float [1, 3, h, w], whose first pixel is at (left, top) of the image."""
        rows, columns = piece.shape[2:]
        shrink = size / self.side
        if shrink < 1:
            small = (max(1, round(rows * shrink)), max(1, round(columns * shrink)))
            piece = functional.interpolate(piece, small, mode="bilinear", antialias=True, align_corners=False)
        places = (torch.arange(size) + 0.5) / size - 0.5
        v, u = torch.meshgrid(places, places, indexing="ij")
        rotation = torch.from_numpy(_rotation(self.turn)).float()
        grid = torch.tensor([self.x - left, self.y - top]) + self.side * torch.stack([u, v], -1) @ rotation.T
        grid = 2 * grid / torch.tensor([columns, rows]) - 1
        return functional.grid_sample(
            piece, grid[None].float(), mode="bilinear", padding_mode="zeros", align_corners=False
        )[0]

    def unview(self, values: Tensor, height: int, width: int) -> Tensor:
        """Lay float [size, size] that was found in the view back onto the image: float [height, width], 0 outside."""
        y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
        rotation = torch.from_numpy(_rotation(self.turn)).float()
        grid = (torch.stack([x - self.x, y - self.y], -1) / self.side) @ rotation * 2
        return functional.grid_sample(
            values[None, None].float(), grid[None].float(), mode="bilinear", padding_mode="zeros", align_corners=False
        )[0, 0]


def letterboxed(images: Tensor, size: int) -> Tensor:
    """Fit images uint8 [n, 3, h, w] into a network's square: float32 [n, 3, size, size] in [-1, 1], -1 beside them."""
    height, width = images.shape[2:]
    scale = size / max(height, width)
    inner = (max(1, round(height * scale)), max(1, round(width * scale)))
    x = functional.interpolate(images.float(), inner, mode="bilinear", antialias=True, align_corners=False) / 127.5 - 1
    top, left = (size - inner[0]) // 2, (size - inner[1]) // 2
    return functional.pad(x, (left, size - inner[1] - left, top, size - inner[0] - top), value=-1.0)


def _rotation(turn: float) -> npt.NDArray[np.float64]:
    return np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
