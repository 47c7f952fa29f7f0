"""A sheet of the first people: ``python -m insetgan_renderers.people.sheet FILE``."""

import sys

import numpy as np
from PIL import Image

from insetgan_renderers.people.render import render_person

_ROWS, _COLUMNS, _HEIGHT = 4, 10, 256


def people_sheet(rows: int = _ROWS, columns: int = _COLUMNS, height: int = _HEIGHT) -> Image.Image:
    """People 0, 1, 2, ... in a grid, each height x height / 2 pixels."""
    people = [render_person(seed, height, height // 2).image for seed in range(rows * columns)]
    lines = [np.concatenate(people[start : start + columns], axis=1) for start in range(0, len(people), columns)]
    return Image.fromarray(np.concatenate(lines))


if __name__ == "__main__":
    people_sheet().save(sys.argv[1], optimize=True)
