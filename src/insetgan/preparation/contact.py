"""What became of the files, for people: a table of reasons, and a sheet of small images."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from insetgan.data.annotations import Box
from insetgan.data.image import Pixels, open_image
from insetgan.preparation.drawing import COLOURS
from insetgan.preparation.verdict import Verdict
from insetgan.runtime.files import write_whole
from insetgan.runtime.printing import printable

SIDE = 192
"""Pixels of the longer side of a small image."""
MOST = 120
"""Small images of each kind on a sheet; of more, those at equal distances are shown."""

_COLUMNS, _GAP, _TEXT = 10, 6, 30
_PAPER, _INK, _NO = (255, 255, 255), (40, 40, 40), (170, 30, 30)


def thumbnail(pixels: Pixels, boxes: Mapping[str, Box | None] | None = None) -> bytes:
    """A small image with its boxes, as JPEG.

    Args:
        pixels: uint8 [h, w, 3].
        boxes: in its pixels.
    """
    image = Image.fromarray(np.ascontiguousarray(pixels))
    factor = min(1.0, SIDE / max(image.size))
    image = image.resize([max(1, round(side * factor)) for side in image.size], Image.Resampling.BOX)
    pen = ImageDraw.Draw(image)
    for part, box in (boxes or {}).items():
        if box is not None and part in COLOURS and part != "person":
            pen.rectangle([value * factor for value in box], outline=COLOURS[part])
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=80)
    return stream.getvalue()


def write_csv(path: Path, verdicts: Sequence[Verdict]) -> None:
    """Write a line for each file: its name, whether it was kept, its name in the archive or the reason, confidences, notes.

    Raises:
        OSError: it cannot be written.
    """
    parts = sorted({part for verdict in verdicts for part in verdict.scores})
    stream = io.StringIO()
    table = csv.writer(stream)
    table.writerow(["file", "kept", "image", "reason", *parts, "notes"])
    for verdict in verdicts:
        scores = [f"{verdict.scores[part]:.2f}" if part in verdict.scores else "" for part in parts]
        kept = "yes" if verdict.kept else "no"
        name = printable(verdict.name)
        image = verdict.image if verdict.kept else ""
        table.writerow([name, kept, image, printable(verdict.reason), *scores, "; ".join(verdict.notes)])
    write_whole(path, stream.getvalue().encode("utf-8", "replace"))


def write_sheet(path: Path, verdicts: Sequence[Verdict], thumbnails: Mapping[str, Path]) -> None:
    """Write a sheet of what was kept, with boxes, and of what was dropped, with reasons.

    Args:
        path: of the JPEG.
        verdicts: in order.
        thumbnails: by the name of the file, where its small image lies; some may be missing.

    Raises:
        OSError: it cannot be written.
    """
    kept = [verdict for verdict in verdicts if verdict.kept]
    dropped = [verdict for verdict in verdicts if not verdict.kept]
    groups = [(f"kept: {len(kept)}", _some(kept)), (f"dropped: {len(dropped)}", _some(dropped))]
    cell = (SIDE + _GAP, SIDE + _TEXT + _GAP)
    rows = sum(1 + -(-len(chosen) // _COLUMNS) * bool(chosen) for _, chosen in groups)
    sheet = Image.new("RGB", (_COLUMNS * cell[0] + _GAP, rows * cell[1] - 2 * (cell[1] - _TEXT) + _GAP), _PAPER)
    pen, font, large = ImageDraw.Draw(sheet), ImageFont.load_default(size=11), ImageFont.load_default(size=18)
    top = _GAP
    for title, chosen in groups:
        pen.text((_GAP, top), title if len(chosen) <= MOST else f"{title}, {len(chosen)} of them", _INK, large)
        top += _TEXT
        for number, verdict in enumerate(chosen):
            left, upper = _GAP + number % _COLUMNS * cell[0], top + number // _COLUMNS * cell[1]
            if (small := thumbnails[verdict.name]).is_file():
                with open_image(small) as image:
                    sheet.paste(image, (left, upper))
            pen.text((left, upper + SIDE + 1), _short(verdict.name), _INK, font)
            pen.text((left, upper + SIDE + 14), _short(verdict.reason, last=False), _NO, font)
        top += -(-len(chosen) // _COLUMNS) * cell[1]
    stream = io.BytesIO()
    sheet.save(stream, "JPEG", quality=85)
    write_whole(path, stream.getvalue())


def _some(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """At most `MOST`, at equal distances."""
    if len(verdicts) <= MOST:
        return list(verdicts)
    return [verdicts[index * len(verdicts) // MOST] for index in range(MOST)]


def _short(text: str, *, last: bool = True) -> str:
    """At most 32 letters that the font has, of a name the last ones."""
    plain = printable(text)
    if len(plain) <= 32:
        return plain
    return "..." + plain[-29:] if last else plain[:29] + "..."
