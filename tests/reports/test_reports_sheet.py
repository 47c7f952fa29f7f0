"""The sheet of a refinement: where each image, title and caption stands."""

import numpy as np
import pytest
from PIL import Image

from insetgan.ops.titles import GAP, HEAD, stack_titled, text_width
from insetgan.reports.refinement import _title
from insetgan.reports.sheet import NOTHING, TITLES, draw_sheet


def image(value):
    return Image.new("RGB", (128, 256), (value, value, value))


def row(caption, boxes):
    return caption, [image(10), image(20), image(30)], boxes


def columns(parts):
    """Left edge and width of every column."""
    titles = [*TITLES, *(f"{part}, {title}" for part in parts for title in TITLES[1:])]
    widths = [max(128 if index < 3 else 256, text_width(title)) for index, title in enumerate(titles)]
    return [GAP + sum(widths[:index]) + GAP * index for index in range(len(widths))]


def test_a_part_keeps_its_columns_also_where_it_is_missing():
    rows = [row("seed 0: ok", {"hand_left": (0, 0, 8, 8)}), row("seed 1", {"face": (40, 9, 80, 49)}), row("seed 2", {})]
    sheet = np.asarray(draw_sheet(rows))
    lefts = columns(["hand left", "face"])
    tops = [HEAD + number * (256 + HEAD + GAP) + HEAD for number in range(3)]
    shown = [[sheet[top + 100, left + 50].tolist()[0] for left in lefts] for top in tops]
    nothing = NOTHING[0]
    assert shown[0] == [10, 20, 30, 20, 30, nothing, nothing]
    assert shown[1] == [10, 20, 30, nothing, nothing, 20, 30]
    assert shown[2] == [10, 20, 30, *[nothing] * 4]


def test_titles_name_the_part_and_a_caption_stands_over_its_own_row():
    rows = [row("seed 0: ok", {"face": (40, 9, 80, 49)}), row("", {"face": (40, 9, 80, 49)})]
    ink = np.asarray(draw_sheet(rows)) < 60
    for left in columns(["face"]):
        assert ink[:HEAD, left : left + 40].any(), "every column has a title"
    plain = np.asarray(draw_sheet([row("", {"hand": (40, 9, 80, 49)})] * 2)) < 60
    last = columns(["face"])[-1]
    assert (ink[:HEAD, last : last + 60] != plain[:HEAD, last : last + 60]).any(), "the title is the part's"
    gap = HEAD + HEAD + 256
    assert ink[HEAD : 2 * HEAD, GAP : GAP + 60].any(), "the caption of row 0 is above row 0"
    assert not ink[gap : gap + GAP + HEAD, GAP : GAP + 60].any(), "and not between it and row 1"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("3", "seed 3"),
        ("3-2", "seed 3, result 2"),
        ("3-to-8-05", "from seed 3 to seed 8, image 5"),
    ],
)
def test_names_in_words(name, title):
    assert _title(name) == title


def test_rows_under_titles():
    sheet = stack_titled([("a", image(50)), ("a longer title than the image is wide, much longer", None)])
    assert sheet.size == (
        2 * GAP + text_width("a longer title than the image is wide, much longer"),
        3 * GAP + 2 * HEAD + 256,
    )
    assert sheet.getpixel((GAP, GAP + HEAD)) == (50, 50, 50)
    assert stack_titled([]).size == (2 * GAP, GAP)
