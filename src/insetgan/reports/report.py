"""A page about a run, in one file: figures, curves, and each sample before and after."""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from insetgan.data.picture import read_rgb
from insetgan.reports.sheet import close_up

SHOWN = 64  # samples with pictures; more would make a page that no browser likes
LARGEST = 512  # rows of a picture on the page; close-ups are cut from the picture as it is
CLOSE = (160, 320)  # pixels of a close-up's side, at least and at most
FILM_BYTES = 2_000_000  # what a film may take, so that the page stays light
ALL_FILMS = 64_000_000  # what all of them may take

TITLES = {
    "seam": ("seam", "step across the border of the box, composite over canvas; 1 is none"),
    "band": ("band", "difference of inset and canvas inside the border, 0 to 255"),
    "part_change": ("change of the part", "inside the box, 0 to 255"),
    "body_change": ("change of the canvas", "outside the boxes, 0 to 255"),
    "spread": ("spread", "difference of the results of a sample, 0 to 255"),
    "objective": ("objective", "weighted sum of the terms at the kept state"),
    "steps": ("steps", "updates made"),
}
"""What the figures of a record are called; others go by their own names."""

_NO_FIGURE = ("seed", "box", "status")


@dataclass(frozen=True)
class FigureRow:
    """A line of a table: a figure of a part, or of the whole where `part` is empty, before and after the refinement."""

    title: str
    about: str
    part: str
    before: str
    after: str


@dataclass(frozen=True)
class _Sample:
    """What the page shows of a sample; pictures are data URIs."""

    name: str
    status: str
    figures: list[FigureRow]
    size: tuple[int, int] = (1, 1)
    paste: str = ""
    refined: str = ""
    close_ups: list[tuple[str, str, str]] = field(default_factory=list)
    film: str = ""


def build_report(
    folder: Path,
    records: Sequence[Mapping[str, Any]],
    summary: Mapping[str, Any],
    config: str,
    curves_png: bytes | None,
    title: str,
) -> str:
    """Write the page about a run.

    Args:
        folder: of the run; its samples/ holds <name>_paste.png and <name>_refined.png of each sample, perhaps <name>.mp4.
        records: what was measured, a record a sample, in the order of the page. The first `SHOWN` are shown.
        summary: the same figures over all samples, and under "status" how often each status occurred.
        config: the settings, as text.
        curves_png: the plot of the curves, if there is one.
        title: of the page.

    Returns:
        HTML that needs nothing beside it and loads nothing.

    Raises:
        OSError: a picture cannot be read; one that is missing is said to be missing.
    """
    budget = ALL_FILMS
    samples = []
    for record in records[:SHOWN]:
        sample, taken = _sample(folder / "samples", record, budget)
        budget -= taken
        samples.append(sample)
    return render(
        Path(__file__).with_name("report.html.j2"),
        title=title,
        count=len(records),
        statuses=sorted((_words(status), number) for status, number in (summary.get("status") or {}).items()),
        figures=figure_rows(summary),
        curves=data_uri(curves_png, "image/png") if curves_png else "",
        samples=samples,
        config=config,
    )


def render(template: Path, **values: Any) -> str:
    """Fill in a template of HTML; everything that is filled in is text, whatever it holds.

    Raises:
        jinja2.UndefinedError: the template asks for a value that is not given.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(template.parent)
    options: dict[str, Any] = {"trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, **options)
    return environment.get_template(template.name).render(**values)


def data_uri(content: bytes, kind: str) -> str:
    """Bytes as an address that holds them, e.g. of the kind "image/png"."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def flat_figures(record: Mapping[str, Any]) -> dict[tuple[str, str], float | None]:
    """The numbers of a record or a summary, by figure and part, in the order of `TITLES`, further ones behind them.

    The part of what is measured on the whole is empty; text, lists and boxes are left out.
    """
    flat: dict[tuple[str, str], float | None] = {}
    order = [*TITLES, *map(_base, record)]
    for name, value in sorted(record.items(), key=lambda item: order.index(_base(item[0]))):
        by_part = value if isinstance(value, Mapping) else {"": value}
        if name not in _NO_FIGURE and all(map(_is_number, by_part.values())):
            flat |= {(name, str(part)): number for part, number in by_part.items()}
    return flat


def figure_rows(record: Mapping[str, Any]) -> list[FigureRow]:
    """The figures of a record or a summary as a table; "..._before" and "..._after" share a row."""
    rows: dict[tuple[str, str], dict[str, float]] = {}
    for (name, part), number in flat_figures(record).items():
        if number is not None:
            rows.setdefault((_base(name), part), {})["before" if name.endswith("_before") else "after"] = number
    return [
        FigureRow(*TITLES.get(name, (_words(name), "")), _words(part), _figure(row, "before"), _figure(row, "after"))
        for (name, part), row in rows.items()
    ]


def thumbnail(picture: Image.Image, height: int) -> Image.Image:
    """A picture at most `height` rows high."""
    if picture.height <= height:
        return picture
    return picture.resize((max(1, round(picture.width * height / picture.height)), height), Image.Resampling.LANCZOS)


def _sample(folder: Path, record: Mapping[str, Any], budget: int) -> tuple[_Sample, int]:
    """What is shown of a sample, and the bytes that its film took."""
    name = str(record.get("name", record.get("seed")))
    known: dict[str, Any] = {
        "name": name,
        "status": _words(str(record.get("status", ""))),
        "figures": figure_rows(record),
    }
    paths = [folder / f"{name}_{picture}.png" for picture in ("paste", "refined")]
    if not all(path.is_file() for path in paths):
        return _Sample(**known), 0
    paste, refined = pictures = [read_rgb(path) for path in paths]
    wholes = [_whole(path, picture) for path, picture in zip(paths, pictures, strict=True)]
    closes = [
        (_words(part), _close(paste, tuple(box)), _close(refined, tuple(box)))
        for part, box in (record.get("box") or {}).items()
        if box is not None
    ]
    film, taken = folder / f"{name}.mp4", 0
    if film.is_file() and film.stat().st_size < min(FILM_BYTES, budget):
        taken = film.stat().st_size
        known["film"] = data_uri(film.read_bytes(), "video/mp4")
    return _Sample(**known, size=refined.size, paste=wholes[0], refined=wholes[1], close_ups=closes), taken


def _whole(path: Path, picture: Image.Image) -> str:
    if picture.height <= LARGEST:
        return data_uri(path.read_bytes(), "image/png")  # to the pixel
    return _compressed(thumbnail(picture, LARGEST))


def _close(picture: Image.Image, box: tuple[int, ...]) -> str:
    side = min(max(round(1.9 * max(box[2] - box[0], box[3] - box[1])), CLOSE[0]), CLOSE[1])
    return _compressed(close_up(picture, box, side))


def _compressed(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, format="WEBP", quality=92)
    return data_uri(buffer.getvalue(), "image/webp")


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _base(name: str) -> str:
    return name.removesuffix("_before").removesuffix("_after")


def _figure(row: Mapping[str, float], key: str) -> str:
    return readable(row[key]) if key in row else ""


def readable(number: float) -> str:
    """A number with the digits that matter: 187, 18.29, 0.68, 0.0013."""
    if not math.isfinite(number):
        return str(number)
    if number == round(number) and abs(number) < 1e6:
        return str(round(number))
    return f"{number:.2f}" if 0.1 <= abs(number) < 1e4 else f"{number:.2g}"


def _words(name: str) -> str:
    return name.replace("_", " ")
