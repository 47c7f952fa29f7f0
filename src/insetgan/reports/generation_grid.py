"""The labelled grid of generated images: bands of rows under the titles of their columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from insetgan.ops.titles import FONT, GAP, HEAD, INK, PAPER, text_width

SMALL, LARGE = 128, 256
"""Heights of an image on the grid, in pixels: smaller ones are enlarged by a whole factor, larger ones are reduced."""
WIDEST = 1800
"""Pixels that a grid is wide, about; as many columns as fit."""


@dataclass(frozen=True)
class Band:
    """Rows of images that share their columns.

    Attributes:
        titles: of the columns; empty text for a column without one.
        rows: title and images of each row; None for an empty place.
    """

    titles: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Image.Image | None]]]


def shown_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of an image on the grid."""
    if height > LARGE:
        return max(1, round(width * LARGE / height)), LARGE
    factor = -(-SMALL // height)
    return width * factor, height * factor


def columns_for(count: int, width: int) -> int:
    """Columns of a grid of `count` images that are shown `width` pixels wide: as many as fit, all rows about equally long."""
    most = max(1, WIDEST // (width + GAP))
    rows = -(-count // most)
    return -(-count // rows)


def draw_grid(title: str, bands: Sequence[Band]) -> Image.Image:
    """Draw bands one below the other.

    Args:
        title: a line above all; empty for none.
        bands: with at least one image.

    Returns:
        An RGB image. Titles of rows stand to the left of their images, those of columns above them.
    """
    first = next(image for band in bands for _, images in band.rows for image in images if image is not None)
    width, height = shown_size(*first.size)
    column = max([width, *(text_width(each) for band in bands for each in band.titles)])
    titles = [text for band in bands for text, _ in band.rows if text]
    left = GAP + (max(map(text_width, titles)) + GAP if titles else 0)
    most = max(len(images) for band in bands for _, images in band.rows)
    heights = [HEAD * any(band.titles) + len(band.rows) * (height + GAP) + GAP for band in bands]
    head = HEAD + GAP if title else GAP
    wide = max(left + most * (column + GAP), text_width(title) + 2 * GAP)
    sheet = Image.new("RGB", (wide, head + sum(heights)), PAPER)
    pen, top = ImageDraw.Draw(sheet), head
    if title:
        pen.text((GAP, GAP // 2), title, INK, FONT)
    for band, tall in zip(bands, heights, strict=True):
        lower = top
        if any(band.titles):
            for number, text in enumerate(band.titles):
                pen.text((left + number * (column + GAP), lower), text, INK, FONT)
            lower += HEAD
        for text, images in band.rows:
            pen.text((GAP, lower + height // 2 - HEAD // 2), text, INK, FONT)
            for number, image in enumerate(images):
                if image is not None:
                    sheet.paste(_shown(image), (left + number * (column + GAP), lower))
            lower += height + GAP
        top += tall
    return sheet


def _shown(image: Image.Image) -> Image.Image:
    size = shown_size(*image.size)
    how = Image.Resampling.LANCZOS if size[1] < image.height else Image.Resampling.BICUBIC
    return image.convert("RGB").resize(size, how)


def in_bands(titles: Sequence[str], rows: Sequence[tuple[str, Sequence[Image.Image]]], columns: int) -> Iterator[Band]:
    """Cut long rows, all of one length, into bands of so many columns."""
    for first in range(0, len(titles), columns):
        cut = slice(first, first + columns)
        yield Band(titles[cut], [(title, images[cut]) for title, images in rows])
