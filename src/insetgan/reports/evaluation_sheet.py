"""A few pictures of every method, one row each, since numbers do not say what pictures look like."""

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from insetgan.evaluation.crops import Seen

GAP, HEAD = 8, 22  # pixels between pictures, and for a line of text
INK, PAPER, NOTHING = (40, 40, 40), (255, 255, 255), (232, 232, 232)
ROWS = 224  # pixels: height of a picture

Row = tuple[str, Tensor, Seen | None]


def draw_sheet(rows: Sequence[Row]) -> bytes:
    """Draw the sheet.

    Args:
        rows: title, pictures uint8 [n, 3, H, W], and the crops of a part on these pictures, which then stand beside each.

    Returns:
        A PNG; a grey square stands where the part was not found.
    """
    strips = [(title, _strip(pictures, seen)) for title, pictures, seen in rows]
    font = ImageFont.load_default(size=14)
    width = max(max(strip.width for _, strip in strips), *(round(font.getlength(title)) for title, _ in strips))
    height = sum(HEAD + strip.height + GAP for _, strip in strips) + GAP
    sheet = Image.new("RGB", (width + 2 * GAP, height), PAPER)
    pen, top = ImageDraw.Draw(sheet), GAP
    for title, strip in strips:
        pen.text((GAP, top), title, INK, font)
        sheet.paste(strip, (GAP, top + HEAD))
        top += HEAD + strip.height + GAP
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG")
    return buffer.getvalue()


def _strip(pictures: Tensor, seen: Seen | None) -> Image.Image:
    tiles = [_resized(picture, ROWS) for picture in pictures]
    side = ROWS // 2
    crops: list[Image.Image] = []
    if seen is not None:
        found = iter(seen.pictures)
        crops = [
            _resized(next(found), side) if there else Image.new("RGB", (side, side), NOTHING)
            for there in seen.found.tolist()
        ]
    width = max(tile.width for tile in tiles) + (side + 2 if crops else 0)
    strip = Image.new("RGB", ((width + GAP) * len(tiles) - GAP, ROWS), PAPER)
    for index, tile in enumerate(tiles):
        left = index * (width + GAP)
        strip.paste(tile, (left, 0))
        if crops:
            strip.paste(crops[index], (left + tile.width + 2, 0))
    return strip


def _resized(picture: Tensor, height: int) -> Image.Image:
    image = Image.fromarray(picture.permute(1, 2, 0).contiguous().cpu().numpy())
    width = max(1, round(image.width * height / image.height))
    return image.resize(
        (width, height), Image.Resampling.LANCZOS if height < image.height else Image.Resampling.BICUBIC
    )
