"""The sheet of a run: a row a sample, before and after, with close-ups."""

from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw

from insetgan.ops.titles import FONT, GAP, HEAD, INK, PAPER, text_width

TITLES = ("canvas", "naive paste", "refined")
NOTHING = (232, 232, 232)  # where a part is not on the canvas
MARGIN = 0.45  # of a box, shown round it in a close-up

Row = tuple[str, list[Image.Image], Mapping[str, tuple[int, ...]]]


def draw_sheet(rows: Sequence[Row], *, height: int = 256) -> Image.Image:
    """Lay out samples.

    Args:
        rows: for each sample its caption, its images in the order of `TITLES`, and its boxes on the canvas by part.
        height: of every image on the sheet, in pixels.

    Returns:
        An RGB sheet. The columns, under their titles, are the images and then, for each part of any sample, a close-up of
        the paste and of the result; a grey square stands where a sample lacks the part. A caption stands over its row.
    """
    parts = list(dict.fromkeys(part for _, _, boxes in rows for part in boxes))
    closeups = [f"{part.replace('_', ' ')}, {title}" for part in parts for title in TITLES[1:]]
    titles = [*TITLES, *closeups]
    tiles = [_tiles(images, boxes, parts, height) for _, images, boxes in rows]
    widths = [max(text_width(title), *(row[column].width for row in tiles)) for column, title in enumerate(titles)]
    size = sum(widths) + GAP * (len(widths) + 1), HEAD + len(rows) * (height + HEAD + GAP)
    sheet = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(sheet)
    left = GAP
    for title, width in zip(titles, widths, strict=True):
        pen.text((left, 4), title, INK, FONT)
        left += width + GAP
    for index, ((caption, _, _), row) in enumerate(zip(rows, tiles, strict=True)):
        top, left = HEAD + index * (height + HEAD + GAP), GAP
        pen.text((GAP, top + 2), caption, INK, FONT)
        for tile, width in zip(row, widths, strict=True):
            sheet.paste(tile, (left, top + HEAD))
            left += width + GAP
    return sheet


def _tiles(
    images: list[Image.Image], boxes: Mapping[str, tuple[int, ...]], parts: Sequence[str], height: int
) -> list[Image.Image]:
    scale = height / images[0].height
    whole = [image.resize((round(image.width * scale), height), Image.Resampling.LANCZOS) for image in images]
    nothing = Image.new("RGB", (height, height), NOTHING)
    # The close-up shows the border as it is, so pixels are enlarged smoothly but not sharpened.
    close = [
        close_up(image, boxes[part], height) if part in boxes else nothing for part in parts for image in images[1:]
    ]
    return whole + close


def close_up(image: Image.Image, box: tuple[int, ...], side: int) -> Image.Image:
    """The box and what is round it, side x side; moved inwards where it would leave the image."""
    x0, y0, x1, y1 = box
    reach = max(x1 - x0, y1 - y0) * (0.5 + MARGIN)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    x = min(max(x, min(reach, image.width / 2)), max(image.width - reach, image.width / 2))
    y = min(max(y, min(reach, image.height / 2)), max(image.height - reach, image.height / 2))
    reach = min(reach, image.width / 2, image.height / 2)
    return image.resize((side, side), Image.Resampling.BICUBIC, box=(x - reach, y - reach, x + reach, y + reach))
