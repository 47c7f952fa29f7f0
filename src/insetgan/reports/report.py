"""A page about a run, in one file: figures, curves, and each sample before and after."""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from insetgan.data.image import read_rgb
from insetgan.metrics.measures import Quantity, quantities
from insetgan.reports.sheet import close_up

SHOWN = 64  # samples with images; more would make a page that no browser likes
LARGEST = 512  # rows of an image on the page; close-ups are cut from the image as it is
CLOSE = (160, 320)  # pixels of a close-up's side, at least and at most
FILM_BYTES = 2_000_000  # what a film may take, so that the page stays light
ALL_FILMS = 64_000_000  # what all of them may take

_NO_FIGURE = ("seed", "box", "status")


@dataclass(frozen=True)
class FigureRow:
    """A line of a table: a figure of a part, or of the whole where `part` is empty, before and after the refinement."""

    title: str
    about: str
    part: str
    before: str
    after: str
    unit: str = ""


@dataclass(frozen=True)
class _Sample:
    """What the page shows of a sample; images are data URIs."""

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
    known: Mapping[str, Quantity] | None = None,
) -> str:
    """Write the page about a run.

    Args:
        folder: of the run; its samples/ holds <name>_paste.png and <name>_refined.png of each sample, perhaps <name>.mp4.
        records: what was measured, a record a sample, in the order of the page. The first `SHOWN` are shown.
        summary: the same figures over all samples, and under "status" how often each status occurred.
        config: the settings, as text.
        curves_png: the plot of the curves, if there is one.
        title: of the page.
        known: what the numbers are, by name; the registry's unless given.

    Returns:
        HTML that needs nothing beside it and loads nothing.

    Raises:
        OSError: an image cannot be read; one that is missing is said to be missing.
    """
    budget = ALL_FILMS
    samples = []
    for record in records[:SHOWN]:
        sample, taken = _sample(folder / "samples", record, budget, known)
        budget -= taken
        samples.append(sample)
    return render(
        Path(__file__).with_name("report.html.j2"),
        title=title,
        count=len(records),
        statuses=sorted((_words(status), number) for status, number in (summary.get("status") or {}).items()),
        figures=figure_rows(summary, known),
        curves=data_uri(curves_png, "image/png") if curves_png else "",
        samples=samples,
        config=config,
    )


def render(template: Path, **values: Any) -> str:
    """Fill in a template of HTML; everything that is filled in is text, whatever it holds.

    Raises:
        jinja2.UndefinedError: the template asks for a value that is not given.
    """
    loader = FileSystemLoader(template.parent)
    options: dict[str, Any] = {"trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, **options)
    return environment.get_template(template.name).render(**values)


def data_uri(content: bytes, kind: str) -> str:
    """Bytes as an address that holds them, e.g. of the kind "image/png"."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def flat_figures(
    record: Mapping[str, Any], known: Mapping[str, Quantity] | None = None
) -> dict[tuple[str, str], float | None]:
    """The numbers of a record or a summary, by key and part, in the order of `known`, further ones behind them.

    The part of what is measured on the whole is empty; text, lists and boxes are left out.
    """
    flat: dict[tuple[str, str], float | None] = {}
    order = [*(quantities() if known is None else known), *map(base_name, record)]
    for name, value in sorted(record.items(), key=lambda item: order.index(base_name(item[0]))):
        by_part = value if isinstance(value, Mapping) else {"": value}
        if name not in _NO_FIGURE and all(map(_is_number, by_part.values())):
            flat |= {(name, str(part)): number for part, number in by_part.items()}
    return flat


def figure_rows(record: Mapping[str, Any], known: Mapping[str, Quantity] | None = None) -> list[FigureRow]:
    """The numbers of a record or a summary as a table; "..._before" and "..._after" share a row and its decimals."""
    known = quantities() if known is None else known
    rows: dict[tuple[str, str], dict[str, float]] = {}
    for (name, part), number in flat_figures(record, known).items():
        if number is not None:
            rows.setdefault((base_name(name), part), {})["before" if name.endswith("_before") else "after"] = number
    found = []
    for (name, part), row in rows.items():
        said = known.get(name) or Quantity(_words(name))
        texts = dict(zip(row, aligned(list(row.values())), strict=True))
        about = ", ".join(filter(None, (said.about, said.unit)))
        numbers = texts.get("before", ""), texts.get("after", "")
        found.append(FigureRow(said.title, about, _words(part), *numbers, said.unit))
    return found


def base_name(key: str) -> str:
    """The name of the measure of a record's key: without "_before" and "_after"."""
    return key.removesuffix("_before").removesuffix("_after")


def thumbnail(image: Image.Image, height: int) -> Image.Image:
    """An image at most `height` rows high."""
    if image.height <= height:
        return image
    return image.resize((max(1, round(image.width * height / image.height)), height), Image.Resampling.LANCZOS)


def _sample(
    folder: Path, record: Mapping[str, Any], budget: int, quantities: Mapping[str, Quantity] | None
) -> tuple[_Sample, int]:
    """What is shown of a sample, and the bytes that its film took."""
    name = str(record.get("name", record.get("seed")))
    known: dict[str, Any] = {
        "name": name,
        "status": _words(str(record.get("status", ""))),
        "figures": figure_rows(record, quantities),
    }
    paths = [folder / f"{name}_{image}.png" for image in ("paste", "refined")]
    if not all(path.is_file() for path in paths):
        return _Sample(**known), 0
    paste, refined = images = [read_rgb(path) for path in paths]
    wholes = [_whole(path, image) for path, image in zip(paths, images, strict=True)]
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


def _whole(path: Path, image: Image.Image) -> str:
    if image.height <= LARGEST:
        return data_uri(path.read_bytes(), "image/png")  # to the pixel
    return _compressed(thumbnail(image, LARGEST))


def _close(image: Image.Image, box: tuple[int, ...]) -> str:
    side = min(max(round(1.9 * max(box[2] - box[0], box[3] - box[1])), CLOSE[0]), CLOSE[1])
    return _compressed(close_up(image, box, side))


def _compressed(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", quality=92)
    return data_uri(buffer.getvalue(), "image/webp")


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def aligned(numbers: Sequence[float]) -> list[str]:
    """Texts of numbers that are compared, all with the same decimals: those of the number that needs most."""
    texts = list(map(readable, numbers))
    if any("e" in text or not math.isfinite(number) for text, number in zip(texts, numbers, strict=True)):
        return texts
    digits = max((len(text.partition(".")[2]) for text in texts), default=0)
    return [f"{number:.{digits}f}" for number in numbers]


def readable(number: float) -> str:
    """A number with the digits that matter: 187, 18.29, 0.68, 0.0013."""
    if not math.isfinite(number):
        return str(number)
    if number == round(number) and abs(number) < 1e6:
        return str(round(number))
    return f"{number:.2f}" if 0.1 <= abs(number) < 1e4 else f"{number:.2g}"


def _words(name: str) -> str:
    return name.replace("_", " ")
