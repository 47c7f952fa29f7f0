"""The sheet of an inversion: each image beside its reconstructions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from insetgan.data.image import read_rgb
from insetgan.ops.titles import FONT, GAP, HEAD, INK, PAPER, text_width

SHOWN = 32
"""Images on the sheet; a run may have many more."""
ROWS = 128
"""Pixels of an image on the sheet at least."""


def inversion_sheet(rows: Sequence[tuple[str, Sequence[tuple[str, Path]], Mapping[str, str]]]) -> Image.Image:
    """Lay out images with their reconstructions.

    Args:
        rows: name of each image, method and file of the original and of its reconstructions, and by method a line below it.

    Returns:
        An RGB sheet with a row for each image: the original, then the methods under their names.
    """
    tiles = [[(method, _shown(file), notes.get(method, "")) for method, file in files] for _, files, notes in rows]
    columns = max(len(row) for row in tiles)
    wide = max(max(tile.width, text_width(method), text_width(note)) for row in tiles for method, tile, note in row)
    tall = max(tile.height for row in tiles for _, tile, _ in row)
    high = tall + 3 * HEAD + GAP
    sheet = Image.new("RGB", (GAP + columns * (wide + GAP), GAP + len(rows) * high), PAPER)
    pen = ImageDraw.Draw(sheet)
    for index, ((name, _, _), row) in enumerate(zip(rows, tiles, strict=True)):
        top = GAP + index * high
        pen.text((GAP, top), name, INK, FONT)
        for column, (method, tile, note) in enumerate(row):
            left = GAP + column * (wide + GAP)
            pen.text((left, top + HEAD), method, INK, FONT)
            sheet.paste(tile, (left, top + 2 * HEAD))
            pen.text((left, top + 2 * HEAD + tall + 2), note, INK, FONT)
    return sheet


def _shown(file: Path) -> Any:
    image = read_rgb(file)
    factor = max(1, -(-ROWS // image.height))
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
