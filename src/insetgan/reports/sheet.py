"""The picture that a run ends with: a row a sample, before and after, with close-ups."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

TITLES = ("canvas", "naive paste", "refined")
GAP, HEAD = 8, 22  # pixels between pictures, and for a line of text
INK, PAPER = (40, 40, 40), (255, 255, 255)
MARGIN = 0.45  # of a box, shown round it in a close-up

Row = tuple[str, list[Image.Image], list[tuple[int, ...]]]


def draw_sheet(rows: Sequence[Row], *, height: int = 256) -> Image.Image:
    """Lay out samples.

    Args:
        rows: for each sample its caption, its pictures in the order of `TITLES`, and its boxes on the canvas.
        height: of every picture on the sheet, in pixels.

    Returns:
        An RGB sheet; columns are the pictures, then a close-up of each box in the paste and in the result.
    """
    font = ImageFont.load_default(size=14)
    tiles = [_tiles(pictures, boxes, height) for _, pictures, boxes in rows]
    widths = [max(tile[column].width for tile in tiles if column < len(tile)) for column in range(max(map(len, tiles)))]
    closeups = max(0, len(widths) - len(TITLES)) // 2
    titles = [*TITLES, *("paste, close" for _ in range(closeups)), *("refined, close" for _ in range(closeups))]
    sheet = Image.new("RGB", (sum(widths) + GAP * (len(widths) + 1), HEAD + len(rows) * (height + HEAD) + GAP), PAPER)
    pen = ImageDraw.Draw(sheet)
    left = GAP
    for title, width in zip(titles, widths, strict=True):
        pen.text((left, 4), title, INK, font)
        left += width + GAP
    for index, ((caption, _, _), row) in enumerate(zip(rows, tiles, strict=True)):
        top, left = HEAD + index * (height + HEAD), GAP
        for tile, width in zip(row, widths, strict=False):
            sheet.paste(tile, (left, top))
            left += width + GAP
        pen.text((GAP, top + height + 2), caption, INK, font)
    return sheet


def _tiles(pictures: list[Image.Image], boxes: list[tuple[int, ...]], height: int) -> list[Image.Image]:
    scale = height / pictures[0].height
    whole = [picture.resize((round(picture.width * scale), height), Image.Resampling.LANCZOS) for picture in pictures]
    _, paste, refined = pictures
    # The close-up shows the border as it is, so pixels are enlarged smoothly but not sharpened.
    return whole + [close_up(picture, box, height) for picture in (paste, refined) for box in boxes]


def close_up(picture: Image.Image, box: tuple[int, ...], side: int) -> Image.Image:
    """The box and what is round it, side x side; moved inwards where it would leave the picture."""
    x0, y0, x1, y1 = box
    reach = max(x1 - x0, y1 - y0) * (0.5 + MARGIN)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    x = min(max(x, min(reach, picture.width / 2)), max(picture.width - reach, picture.width / 2))
    y = min(max(y, min(reach, picture.height / 2)), max(picture.height - reach, picture.height / 2))
    reach = min(reach, picture.width / 2, picture.height / 2)
    return picture.resize((side, side), Image.Resampling.BICUBIC, box=(x - reach, y - reach, x + reach, y + reach))
