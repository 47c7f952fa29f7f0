"""grid.png and walk.mp4 of generated images, from the files that were written."""

from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from insetgan.data.image import read_rgb
from insetgan.generation.folder import Images
from insetgan.generation.plan import MixPlan, Plan, SeedPlan, WalkPlan, mix_name
from insetgan.ops.images import encode_png
from insetgan.reports.film_frames import film_frames
from insetgan.reports.generation_grid import Band, columns_for, draw_grid, in_bands, shown_size
from insetgan.reports.video import encode_mp4

SHOWN = 128
"""Seeds on the grid; a run may have many more. Of a mix so many rows and columns at most."""
IN_BETWEEN = 7
"""Images of each leg of a walk on the grid, stops among them."""


def draw_sheet(images: Images, plan: Plan, about: str = "") -> list[str]:
    """Write grid.png.

    Args:
        images: all of the plan's are finished.
        plan: of the run.
        about: what begins the line above all, such as the network and its label; empty for nothing.

    Returns:
        Lines that say what the grid leaves out.
    """
    notes: list[str] = []
    if isinstance(plan, SeedPlan):
        title, bands = _of_seeds(images, plan, notes)
    elif isinstance(plan, MixPlan):
        title, bands = _of_mix(images, plan, notes)
    elif isinstance(plan, WalkPlan):
        title, bands = _of_walk(images, plan)
    else:
        raise TypeError(type(plan).__name__)
    images.folder.write("grid.png", encode_png(draw_grid(", ".join(filter(None, (about, title))), bands)))
    return notes


def write_film(images: Images, plan: WalkPlan) -> None:
    """Write walk.mp4, the images of a walk one after the other."""

    def encode(path: Path) -> None:
        encode_mp4(path, film_frames(_image(images, name) for name in plan.names))

    images.folder.write("walk.mp4", encode)


def _image(images: Images, name: str) -> Image.Image:
    return read_rgb(images.path(name))


def _of_seeds(images: Images, plan: SeedPlan, notes: list[str]) -> tuple[str, list[Band]]:
    seeds, names, count = plan.seeds[:SHOWN], plan.names, len(plan.truncs)
    if len(plan.seeds) > SHOWN:
        notes.append(f"the grid shows the first {SHOWN} of {len(plan.seeds)} seeds")
    several = count > 1
    rows = [
        (f"trunc {psi:g}" if several else "", [_image(images, names[i * count + n]) for i in range(len(seeds))])
        for n, psi in enumerate(plan.truncs)
    ]
    columns = columns_for(len(seeds), shown_size(*rows[0][1][0].size)[0])
    title = "" if several else f"trunc {plan.truncs[0]:g}"
    return title, list(in_bands([f"seed {seed}" for seed in seeds], rows, columns))


def _of_mix(images: Images, plan: MixPlan, notes: list[str]) -> tuple[str, list[Band]]:
    rows, columns = plan.rows[:SHOWN], plan.columns[:SHOWN]
    if len(rows) < len(plan.rows) or len(columns) < len(plan.columns):
        notes.append(f"the grid shows the first {SHOWN} seeds of rows and of columns")
    head: list[Image.Image | None] = [None, *(_image(images, mix_name(seed, seed)) for seed in columns)]
    body: list[tuple[str, list[Image.Image | None]]] = [
        (
            f"seed {row}",
            [_image(images, mix_name(row, row)), *(_image(images, mix_name(row, each)) for each in columns)],
        )
        for row in rows
    ]
    layers = ranges(plan.layers)
    title = f"layers {layers} of the column's seed, the others of the row's; trunc {plan.trunc:g}"
    return title, [Band(["", *(f"seed {seed}" for seed in columns)], [("", head), *body])]


def _of_walk(images: Images, plan: WalkPlan) -> tuple[str, list[Band]]:
    names, legs = plan.names, len(plan.stops) - 1
    shown = min(IN_BETWEEN, plan.frames + 1)
    places = sorted({round(number / (shown - 1) * plan.frames) for number in range(shown)})
    rows = []
    for leg in range(legs):
        title = f"seed {plan.stops[leg]} to {plan.stops[leg + 1]}"
        rows.append((title, [_image(images, names[leg * plan.frames + place]) for place in places]))
    way = "on the sphere of z" if plan.space == "z" else "straight in w"
    return f"{way}, trunc {plan.trunc:g}", [Band([f"{place / plan.frames:.0%} of the way" for place in places], rows)]


def ranges(numbers: Iterable[int]) -> str:
    """Whole numbers as people write them: 0-3, 5, 8-9."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in found)
