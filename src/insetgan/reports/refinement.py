"""What is made of all samples of a refinement: results.json, latents, curves, sheet, report and the film of a walk."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from insetgan.data.image import read_rgb
from insetgan.metrics.measures import quantities, read_quantities
from insetgan.ops.images import encode_png
from insetgan.refine.gathered import read_curves, write_curves, write_latents
from insetgan.refine.refined_samples import IMAGES, RefinedSamples
from insetgan.refine.summary import summarise
from insetgan.refine.terms.term import Term
from insetgan.refine.walk import steadiness
from insetgan.reports.curves import plot_curves
from insetgan.reports.film_frames import film_frames
from insetgan.reports.report import build_report
from insetgan.reports.sheet import Row, draw_sheet
from insetgan.reports.video import encode_mp4
from insetgan.runtime.provenance import provenance

"""Rows of a walk's film at least; smaller images are enlarged by a whole factor."""

SHOWN = 64
"""Samples on the sheet, in the curves and in the report; a run may have many more."""


def gather_results(
    samples: RefinedSamples,
    seeds: Sequence[int],
    *,
    walk: bool = False,
    labels: Mapping[str, Any] | None = None,
    solver: str = "steps",
) -> dict[str, Any]:
    """Write results.json, latents.safetensors, curves.csv and sheet.png of these seeds.

    Only the records of the samples are ever in memory together. Of a walk, the summary also says how far neighbours
    differ, as naive pastes and refined. `labels` are those of conditional generators, by "canvas" and part name, and `solver`
    is what found the latents.

    Returns:
        What results.json holds: `samples`, a record for each result; `summary`, the medians; `measures`, what the numbers
        are; and what made them.

    Raises:
        UserError: a sample is not finished.
    """
    folder, names = samples.folder, samples.names(seeds)
    folder.require(names)
    records = [samples.record(name) for name in names]
    results: dict[str, Any] = {"samples": records, "summary": summarise(records, samples.measures)}
    results["measures"] = {name: each.plain() for name, each in quantities(samples.measures).items()}
    results |= {"solver": solver, **provenance()}
    if labels:
        results["labels"] = dict(labels)
    if walk:
        images = {"before": "paste", "after": "refined"}
        results["summary"]["walk"] = {
            when: steadiness(_images(samples, names, image)) for when, image in images.items()
        }
    folder.write("results.json", (json.dumps(results, indent=1) + "\n").encode())
    files = [samples.tensors(name) for name in names]
    numbers = [-1 if record["seed"] is None else record["seed"] for record in records]
    write_latents(folder.path / "latents.safetensors", files, numbers)
    write_curves(folder.path / "curves.csv", list(zip(names, files, strict=True))[:SHOWN])
    folder.write("sheet.png", encode_png(draw_sheet([_row(samples, record) for record in records[:SHOWN]])))
    return results


def write_report(
    samples: RefinedSamples, results: Mapping[str, Any], terms: Mapping[str, Term], settings: str, mode: str
) -> None:
    """Write curves.png and report.html.

    Args:
        samples: that were gathered.
        results: from `gather_results`.
        terms: of the objective, by name.
        settings: of the run, as text.
        mode: name of the mode, for the title.
    """
    records = results["samples"]
    names = [record["name"] for record in records[:SHOWN]]
    weights = {name: term.weight for name, term in terms.items()}
    words = {name: term.words for name, term in terms.items()}
    curves = plot_curves({name: read_curves(samples.tensors(name)) for name in names}, weights, words)
    samples.folder.write("curves.png", curves)
    title = f"{mode}, {len(records)} results"
    known = read_quantities(results["measures"])
    page = build_report(samples.folder.path, records, results["summary"], settings, curves, title, known)
    samples.folder.write("report.html", page.encode())


def write_walk_film(samples: RefinedSamples) -> None:
    """Write walk.mp4, the refined images of a walk one after the other."""

    def encode(path: Path) -> None:
        encode_mp4(path, film_frames(read_rgb(samples.image(name, "refined")) for name in samples.walk))

    samples.folder.write("walk.mp4", encode)


def _images(samples: RefinedSamples, names: Iterable[str], image: str) -> Iterator[Tensor]:
    for name in names:
        yield torch.from_numpy(np.array(read_rgb(samples.image(name, image))))


def _row(samples: RefinedSamples, record: Mapping[str, Any]) -> Row:
    images = [read_rgb(samples.image(record["name"], image)) for image in IMAGES]
    boxes = {part: tuple(box) for part, box in (record["box"] or {}).items() if box is not None}
    return f"{_title(record['name'])}: {record['status'].replace('_', ' ')}", images, boxes


def _title(name: str) -> str:
    """Name of a result in words: "seed 3", "seed 3, result 1", "from seed 3 to seed 8, image 5"."""
    first, walks, rest = name.partition("-to-")
    seed, _, number = (rest if walks else name).partition("-")
    if walks:
        return f"from seed {first} to seed {seed}, image {int(number)}"
    return f"seed {seed}, result {number}" if number else f"seed {seed}"
