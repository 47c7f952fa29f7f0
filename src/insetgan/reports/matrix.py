"""The matrix of the paper's Figure 6: given insets down the side, canvases along the top, each composed with each."""

from collections.abc import Sequence
from typing import Any

from PIL import Image

from insetgan.data.image import read_rgb
from insetgan.ops.images import encode_png
from insetgan.ops.titles import GAP, PAPER
from insetgan.refine.refined_samples import RefinedSamples

ROWS = 256
"""Pixels of the height of a composed image at least."""


def write_matrix(samples: RefinedSamples, seeds: Sequence[int], part: str, rows: int, columns: int) -> None:
    """Write matrix.png.

    Args:
        samples: finished ones.
        seeds: of the samples, row by row.
        part: name of the inset.
        rows: given insets.
        columns: canvases.
    """
    names = samples.names(seeds)
    cells = [
        [samples.image(names[row * columns + column], "refined") for column in range(columns)] for row in range(rows)
    ]
    tops = [read_rgb(samples.image(names[column], "start")) for column in range(columns)]
    sides = [read_rgb(samples.image(names[row * columns], f"given_{part}")) for row in range(rows)]
    images = [[read_rgb(cell) for cell in row] for row in cells]
    samples.folder.write("matrix.png", encode_png(matrix(tops, sides, images)))


def matrix(tops: Sequence[Any], sides: Sequence[Any], cells: Sequence[Sequence[Any]]) -> Any:
    """Lay out a matrix.

    Args:
        tops: an image over each column.
        sides: an image beside each row.
        cells: rows of images, all of one size.

    Returns:
        An RGB image; its first row are the canvases, its first column the insets.
    """
    factor = max(1, -(-ROWS // cells[0][0].height))
    width, height = cells[0][0].width * factor, cells[0][0].height * factor
    sheet = Image.new("RGB", (GAP + (len(tops) + 1) * (width + GAP), GAP + (len(sides) + 1) * (height + GAP)), PAPER)
    for column, top in enumerate(tops):
        sheet.paste(_fitted(top, width, height), (GAP + (column + 1) * (width + GAP), GAP))
    for row, side in enumerate(sides):
        tall = GAP + (row + 1) * (height + GAP)
        small = _fitted(side, width, width)
        sheet.paste(small, (GAP, tall + (height - width) // 2))
        for column, cell in enumerate(cells[row]):
            sheet.paste(_fitted(cell, width, height), (GAP + (column + 1) * (width + GAP), tall))
    return sheet


def _fitted(image: Any, width: int, height: int) -> Any:
    return image.resize((width, height), Image.Resampling.BICUBIC)
