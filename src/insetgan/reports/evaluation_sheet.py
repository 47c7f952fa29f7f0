"""A few images of every method, one row each, since numbers do not say what images look like."""

from collections.abc import Sequence

from PIL import Image
from torch import Tensor

from insetgan.evaluation.crops import Seen
from insetgan.ops.images import encode_png
from insetgan.ops.titles import GAP, PAPER, stack_titled

NOTHING = (232, 232, 232)
ROWS = 224  # pixels: height of an image

Row = tuple[str, Tensor, Seen | None]


def draw_sheet(rows: Sequence[Row], part: str = "") -> bytes:
    """Draw the sheet.

    Args:
        rows: title, images uint8 [n, 3, H, W], and the crops of a part on these images, which then stand below each.
        part: which part that is, for the title.

    Returns:
        A PNG; a grey square stands where the part was not found.
    """
    strips: list[tuple[str, Image.Image | None]] = []
    for title, images, seen in rows:
        below = f"; below, the {part.replace('_', ' ') or 'part'} as it is measured" if seen is not None else ""
        strips.append((f"{title}{below}", _strip(images, seen)))
    return encode_png(stack_titled(strips))


def _strip(images: Tensor, seen: Seen | None) -> Image.Image:
    tiles = [_resized(image, ROWS) for image in images]
    side = min(ROWS, max(tile.width for tile in tiles))
    columns = [max(tile.width, side) for tile in tiles]
    crops: list[Image.Image] = []
    if seen is not None:
        found = iter(seen.images)
        crops = [
            _resized(next(found), side) if there else Image.new("RGB", (side, side), NOTHING)
            for there in seen.found.tolist()
        ]
    size = sum(columns) + GAP * (len(columns) - 1), ROWS + (side + 2 if crops else 0)
    strip, left = Image.new("RGB", size, PAPER), 0
    for index, (tile, width) in enumerate(zip(tiles, columns, strict=True)):
        strip.paste(tile, (left + (width - tile.width) // 2, 0))
        if crops:
            strip.paste(crops[index], (left + (width - side) // 2, ROWS + 2))
        left += width + GAP
    return strip


def _resized(pixels: Tensor, height: int) -> Image.Image:
    image = Image.fromarray(pixels.permute(1, 2, 0).contiguous().cpu().numpy())
    width = max(1, round(image.width * height / image.height))
    return image.resize(
        (width, height), Image.Resampling.LANCZOS if height < image.height else Image.Resampling.BICUBIC
    )
