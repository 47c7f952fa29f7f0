"""Rows of images under lines of text, on one sheet."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

GAP, HEAD = 8, 22  # pixels between images, and for a line of text
INK, PAPER = (40, 40, 40), (255, 255, 255)
FONT = ImageFont.load_default(size=14)


def stack_titled(rows: Sequence[tuple[str, Image.Image | None]]) -> Image.Image:
    """Put rows one below the other, each under its title.

    Args:
        rows: title and image of each; None for a title alone.

    Returns:
        An RGB image, `GAP` pixels wider than the widest row or title on either side.
    """
    widths = [image.width for _, image in rows if image] + [text_width(title) for title, _ in rows]
    tall = sum(HEAD + GAP + (image.height if image else 0) for _, image in rows)
    sheet = Image.new("RGB", (max(widths, default=0) + 2 * GAP, tall + GAP), PAPER)
    pen, top = ImageDraw.Draw(sheet), GAP
    for title, image in rows:
        pen.text((GAP, top), title, INK, FONT)
        top += HEAD
        if image:
            sheet.paste(image, (GAP, top))
            top += image.height
        top += GAP
    return sheet


def text_width(text: str) -> int:
    """Pixels that a title takes."""
    return round(FONT.getlength(text)) + 1
