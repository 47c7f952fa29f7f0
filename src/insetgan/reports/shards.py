"""What is made of all shards of a large refinement: index, results.json, a sheet of a few samples, and the data card."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from insetgan.data.image import open_image
from insetgan.metrics.measures import MEASURES, Measure, quantities
from insetgan.ops.images import encode_png
from insetgan.refine.problem import OK
from insetgan.refine.refined_samples import IMAGES
from insetgan.refine.shards import Shards
from insetgan.refine.summary_columns import SummaryColumns
from insetgan.reports.data_card import data_card
from insetgan.reports.generation_grid import Band, draw_grid
from insetgan.runtime import limits
from insetgan.runtime.provenance import provenance
from insetgan.runtime.reading import parse_json, read_file

SHOWN = 16
"""Samples on the sheet."""

FAILED = 100
"""Samples that did not end well, as many as are named."""


def is_gathered(shards: Shards) -> bool:
    """Whether results.json was made of the shards as their records have them."""
    try:
        known = parse_json(read_file(shards.path / "results.json", limits.JSON_BYTES))["shards"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(known == [shards.facts(shard) for shard in shards.shards])


def gather_shards(
    shards: Shards, measures: Sequence[Measure] = MEASURES, about: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Write index.jsonl, SHA256SUMS, sheet.png, data_card.md and, last, results.json; all shards must be whole.

    One line of the index is in memory at a time, and one column of numbers.

    Args:
        shards: all made.
        measures: that were taken of each sample.
        about: what the data card says of the making, by what it is.

    Returns:
        What results.json holds: `shards`, `count`, `summary`, `failed`, `measures`, and what made them.
    """
    facts = [shards.facts(shard) for shard in shards.shards]
    with shards.scratch() as scratch:
        columns = SummaryColumns(scratch, measures)
        shown, failed = _Shown(sum(fact["samples"] for fact in facts)), list[dict[str, str]]()

        def write_index(path: Path) -> None:
            with path.open("w", encoding="utf-8") as index:
                for shard in shards.shards:
                    for line in shards.lines(shard):
                        index.write(line)
                        entry = json.loads(line)
                        columns.add(entry)
                        shown.look(entry)
                        if entry["status"] != OK and len(failed) < FAILED:
                            failed.append({key: entry[key] for key in ("name", "status", "shard")})

        shards.store.write("index.jsonl", write_index)
        summary = columns.summary()
    results: dict[str, Any] = {
        "count": columns.count,
        "summary": summary,
        "missing": dict(sorted(columns.missing.items())),
        "failed": failed,
        "measures": {name: each.plain() for name, each in quantities(measures).items()},
        "shards": facts,
        **provenance(),
    }
    sums = "".join(f"{fact['sha256']}  shards/{fact['file']}\n" for fact in facts)
    shards.store.write("SHA256SUMS", sums.encode())
    shards.store.write("sheet.png", encode_png(_sheet(shards, shown.entries)))
    shards.store.write("data_card.md", data_card(results, shown.entries[0], about or {}).encode())
    shards.store.write("results.json", (json.dumps(results, indent=1) + "\n").encode())
    return results


class _Shown:
    """The entries of a few samples, spread evenly over all."""

    def __init__(self, count: int) -> None:
        few = min(SHOWN, count)
        self.wanted = {count * k // few for k in range(few)}
        self.number, self.entries = 0, list[dict[str, Any]]()

    def look(self, entry: dict[str, Any]) -> None:
        if self.number in self.wanted:
            self.entries.append(entry)
        self.number += 1


def _sheet(shards: Shards, entries: Sequence[dict[str, Any]]) -> Image.Image:
    """A column a sample, a row a kind of image."""
    kinds = [image for image in IMAGES if f"{image}.png" in entries[0]["members"]]
    few = 8
    bands = []
    for first in range(0, len(entries), few):
        some = entries[first : first + few]
        rows = [(kind, [_image(shards, entry, kind) for entry in some]) for kind in kinds]
        bands.append(Band([entry["name"] for entry in some], rows))
    return draw_grid("", bands)


def _image(shards: Shards, entry: Mapping[str, Any], kind: str) -> Image.Image:
    offset, size = entry["members"][f"{kind}.png"]
    with (shards.store.results / entry["shard"]).open("rb") as file:
        file.seek(offset)
        content = file.read(size)
    with open_image(io.BytesIO(content)) as image:
        return image.convert("RGB")
