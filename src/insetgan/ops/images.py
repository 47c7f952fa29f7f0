"""Images as numbers: value ranges, seeds, grids."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor


def to_uint8(images: Tensor) -> Tensor:
    """Turn float images into bytes.

    Args:
        images: [n, c, h, w], nominally in [-1, 1]; values outside are clipped.

    Returns:
        uint8 [n, h, w, c] on the CPU, rounded to nearest, -1 -> 0 and 1 -> 255.
    """
    scaled = (images.detach().float() + 1) * 127.5
    return scaled.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu()


def from_uint8(images: Tensor) -> Tensor:
    """Turn bytes into float images: uint8 [n, h, w, c] -> float32 [n, c, h, w] in [-1, 1]."""
    return images.permute(0, 3, 1, 2).float() / 127.5 - 1


def encode_png(image: Any, text: Mapping[str, str] | None = None) -> bytes:
    """Bytes of an image as PNG; the same image always gives the same bytes.

    Args:
        image: uint8 [h, w, 3] or [h, w] as a tensor or an array, or one of Pillow's images.
        text: what the file says of itself, as text chunks.
    """
    buffer = io.BytesIO()
    pillow = image if isinstance(image, Image.Image) else Image.fromarray(np.asarray(image))
    chunks = PngInfo()
    for key, value in (text or {}).items():
        chunks.add_text(key, value)
    pillow.save(buffer, format="PNG", pnginfo=chunks)
    return buffer.getvalue()


def seeded_latents(seeds: Sequence[int], z_dim: int) -> Tensor:
    """Draw z for each seed as NVIDIA's tools do, so that the same seed shows the same image.

    Returns:
        float32 [len(seeds), z_dim], row i from `numpy.random.RandomState(seeds[i])`.
    """
    rows = [np.random.RandomState(seed).randn(z_dim) for seed in seeds]
    return torch.from_numpy(np.stack(rows)).float()


def make_grid(images: Tensor, columns: int, *, gap: int = 2, background: float = 1.0) -> Tensor:
    """Lay images out in rows.

    Args:
        images: [n, c, h, w].
        columns: images a row.
        gap: pixels between neighbours.
        background: value of the gaps.

    Returns:
        [1, c, rows * (h + gap) - gap, columns * (w + gap) - gap].
    """
    count, channels, height, width = images.shape
    rows = -(-count // columns)
    grid = images.new_full((1, channels, rows * (height + gap) - gap, columns * (width + gap) - gap), background)
    for index, image in enumerate(images):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        grid[0, :, top : top + height, left : left + width] = image
    return grid
