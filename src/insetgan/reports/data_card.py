"""The data card: what a set of refined samples holds, how it was made, and how often that went wrong."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from insetgan.metrics.measures import read_quantities
from insetgan.refine.problem import OK
from insetgan.reports.report import base_name, figure_rows
from insetgan.runtime.reading import size_text

_TEMPLATE = Path(__file__).with_name("data_card.md.j2")

_MEMBERS = {
    "json": "seed, status, steps, boxes of the parts (`box`: x0, y0, x1, y1, half-open pixels) and measures",
    "safetensors": "latents of all generators, and the curves of the terms",
    "refined.png": "the composed image",
    "canvas.png": "the refined canvas, without insets",
    "paste.png": "the naive paste from which the refinement started",
    "mp4": "film of the optimisation",
    "photo.png": "the photograph with the composed image in it",
    "start.png": "the canvas of the start",
}


def data_card(results: Mapping[str, Any], example: Mapping[str, Any], about: Mapping[str, str]) -> str:
    """The card as Markdown.

    Args:
        results: see `shards.gather_shards`.
        example: entry of a sample in the index.
        about: further rows of what it holds, by name.
    """
    summary, count = results["summary"], results["count"]
    known = read_quantities(results["measures"])
    shown = {key: value for key, value in summary.items() if base_name(key) in known}
    files = [fact["file"].partition("-")[2].partition(".")[0] for fact in results["shards"]]
    members = {name: _words(name) for name in example["members"]}
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATE.parent), trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    return environment.get_template(_TEMPLATE.name).render(
        results=results,
        about={name: " ".join(str(value).split()).replace("|", "\\|") for name, value in about.items()},
        size=size_text(sum(fact["bytes"] for fact in results["shards"])),
        example=example["name"],
        members=members,
        statuses=[(status, number, f"{number / count:.2%}") for status, number in summary["status"].items()],
        failures=count - summary["status"].get(OK, 0),
        figures=figure_rows(shown, known),
        first=files[0],
        last=files[-1],
        image=next((name for name in ("refined.png", "canvas.png", "paste.png") if name in members), "json"),
        masks=any(name.startswith("mask_") for name in members),
    )


def _words(name: str) -> str:
    kind, _, part = name.removesuffix(".png").partition("_")
    if part:
        return f"mask of {part.replace('_', ' ')}" if kind == "mask" else f"the {part.replace('_', ' ')} that was given"
    return _MEMBERS.get(name, "")
