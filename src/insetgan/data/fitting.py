"""Whole images brought to a size: resized, and cut or padded where their ratio is another."""

import torch
from torch import Tensor
from torch.nn import functional

from insetgan.data.image import Shape


def fitted(image: Tensor, size: Shape, crop: str, colour: tuple[int, int, int]) -> Tensor:
    """Bring an image to a size, antialiased.

    Args:
        image: uint8 [3, H, W].
        size: (height, width) wanted.
        crop: `none` resizes whatever the ratio, `center` cuts the largest middle piece of the ratio first, `fit` resizes the
            whole image into the size and pads what remains on both sides.
        colour: of the padding, 0..255.

    Returns:
        uint8 [3, height, width].
    """
    if image.shape[1:] == size:
        return image
    if crop == "center":
        return _resized(_middle(image, size), size)
    if crop == "fit":
        rows, columns = image.shape[1:]
        factor = min(size[0] / rows, size[1] / columns)
        height, width = (
            min(max(round(side * factor), 1), most) for side, most in zip((rows, columns), size, strict=True)
        )
        whole = torch.tensor(colour, dtype=torch.uint8)[:, None, None].repeat(1, *size)
        top, left = (size[0] - height) // 2, (size[1] - width) // 2
        whole[:, top : top + height, left : left + width] = _resized(image, (height, width))
        return whole
    return _resized(image, size)


def _middle(image: Tensor, size: Shape) -> Tensor:
    """The largest piece round the centre whose ratio is that of the size, to the pixel."""
    rows, columns = image.shape[1:]
    height = min(rows, max(round(columns * size[0] / size[1]), 1))
    width = min(columns, max(round(rows * size[1] / size[0]), 1))
    top, left = (rows - height) // 2, (columns - width) // 2
    return image[:, top : top + height, left : left + width]


def _resized(image: Tensor, size: Shape) -> Tensor:
    if image.shape[1:] == size:
        return image
    return functional.interpolate(image[None], size, mode="bilinear", antialias=True)[0]
