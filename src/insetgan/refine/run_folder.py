"""The folder of a refinement: what each finished sample leaves there, and what is gathered from them at the end."""

import io
import json
import os
import re
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from insetgan.detection.placement import Placement
from insetgan.ops.images import to_uint8
from insetgan.refine.gathered import CURVE, write_curves, write_latents
from insetgan.refine.latents import Latents
from insetgan.refine.measures import measure, spread
from insetgan.refine.problem import Result
from insetgan.refine.ranking import sample_names
from insetgan.refine.walk import steadiness
from insetgan.reports.sheet import draw_sheet
from insetgan.reports.video import write_mp4
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import write_whole

PICTURES = ("canvas", "paste", "refined")
_OURS = re.compile(r"\d+(-\d+)?(\.safetensors|\.mp4|_(canvas|paste|refined)\.png)")

FIGURES = (
    "seam_before",
    "seam_after",
    "band_before",
    "band_after",
    "part_change",
    "body_change",
    "spread",
    "objective",
)

_SIGNATURE = re.compile(rb"[0-9a-f]{64}")

GATHERED = ("results.json", "latents.safetensors", "curves.csv", "curves.png", "sheet.png", "report.html", "walk.mp4")
"""What is made of finished samples, and means nothing without them."""

FILM_HEIGHT = 512
"""Rows of a walk's film at least; smaller pictures are enlarged by a whole factor."""

SHOWN = 64
"""Samples on the sheet, in the curves and in the report; a run may have many more."""


class RunFolder:
    """Where a refinement keeps its samples; every file appears whole or not at all.

    A result is finished once `samples/<name>.safetensors` stands beside its pictures, which is written last: codes, curves
    and, in its header, the figures. Everything else can be gathered again from these files. A sample has one result, called
    by its seed, or several: see `ranking.sample_names`.

    Args:
        path: the folder; made when missing.
        signature: says from which settings the samples come; samples of other settings are not taken for finished.
        keep: results of each sample.
        overwrite: whether samples of other settings may be replaced.
        origin: what beside its seed and the settings decides the start of a sample; one whose start has changed, such as by
            the run that it goes on from, is not finished.

    Raises:
        UserError: the folder holds samples of other settings and `overwrite` is not set, or files of something else, or cannot
            be made.
        OSError: the folder cannot be written to.
    """

    def __init__(
        self,
        path: str | Path,
        signature: str,
        *,
        keep: int = 1,
        overwrite: bool = False,
        origin: Callable[[int], str] = lambda seed: "",
    ) -> None:
        self.path, self.signature, self.keep, self.origin = Path(path), signature, keep, origin
        self.samples = self.path / "samples"
        make_folder(self.path)
        self.samples.mkdir(exist_ok=True)
        if self._may_claim(overwrite):
            self.write("settings.txt", signature.encode())

    def _may_claim(self, overwrite: bool) -> bool:
        marker = self.path / "settings.txt"
        if not marker.exists():
            if (self.path / "config.yaml").exists():
                raise UserError(f"out={self.path}: holds another run, not a refinement; choose another folder")
            return True
        if marker.read_bytes() == self.signature.encode():
            return False
        if not _SIGNATURE.fullmatch(marker.read_bytes()):
            raise UserError(f"out={self.path}: holds a settings.txt that is none of ours; choose another folder")
        mine = [path for path in self.samples.iterdir() if _OURS.fullmatch(path.name)]
        if mine and not overwrite:
            raise UserError(
                f"out={self.path}: holds results of other settings; choose another folder, or replace them with overwrite=true"
            )
        for old in (*mine, *(self.path / name for name in GATHERED)):
            old.unlink(missing_ok=True)
        return True

    def write(self, name: str, content: bytes) -> None:
        """Write a file of the folder beside its place, then rename it."""
        write_whole(self.path / name, content)

    def finished(self, seed: int, block: Sequence[int]) -> bool:
        """Whether the sample stands whole, made with these settings.

        Args:
            seed: of the sample.
            block: the seeds it is computed together with. A sample rounds a little differently in another block, so that
                one from another block would make the pictures depend on what was run before.
        """
        mark = self._mark(seed, block)
        return all(self._stands(name, mark) for name in sample_names(seed, self.keep))

    def _mark(self, seed: int, block: Sequence[int]) -> dict[str, Any]:
        """What decides the pictures of a sample, as its file notes it."""
        return {"signature": self.signature, "block": list(block), "origin": self.origin(seed)}

    def _stands(self, name: str, mark: Mapping[str, Any]) -> bool:
        note = self._note(name)
        return {key: note.get(key) for key in mark} == mark and all(
            (self.samples / f"{name}_{picture}.png").is_file() for picture in PICTURES
        )

    def add(self, seeds: Sequence[int], result: Result, films: Sequence[Any] = ()) -> None:
        """Write the results of a block, leaving those that stand already as they are.

        Args:
            seeds: of the block.
            result: `keep` rows a seed, the best first.
            films: frames of each row, if they were recorded.
        """
        pictures = {"canvas": result.canvas, "paste": result.paste, "refined": result.refined}
        as_bytes = {name: to_uint8(images) for name, images in pictures.items()}
        for row, measures in enumerate(measure(result)):
            seed, rank = seeds[row // self.keep], row % self.keep
            name = sample_names(seed, self.keep)[rank]
            mark = self._mark(seed, seeds)
            if self._stands(name, mark):
                continue
            for picture, images in as_bytes.items():
                self.write(f"samples/{name}_{picture}.png", _png(images[row]))
            if films and len(films[row]):
                write_mp4(self.samples / f"{name}.mp4", films[row])
            together = as_bytes["refined"][row - rank : row - rank + self.keep]
            difference = spread(together) if self.keep > 1 else None
            record = {"name": name, "seed": seed, **asdict(measures), "spread": difference}
            note = {**mark, "best_step": int(result.best_step[row])}
            note["anchors"] = {part: placed.anchors[row].tolist() for part, placed in result.placements.items()}
            header = {"sample": json.dumps({**note, "record": record})}  # one entry, since their order is not kept
            self.write(f"samples/{name}.safetensors", save(_tensors(result, row), metadata=header))

    def gather(self, seeds: Sequence[int], *, walk: bool = False) -> dict[str, Any]:
        """Write results.json, latents.safetensors, curves.csv and sheet.png for these seeds; all must be finished.

        Only the records of the samples are ever in memory together. Of a walk, the summary also says how far neighbours
        differ, as naive pastes and refined.

        Returns:
            What results.json holds: `samples`, a record each, and `summary`, the medians.
        """
        names = [name for seed in seeds for name in sample_names(seed, self.keep)]
        records = [self.record(name) for name in names]
        results: dict[str, Any] = {"samples": records, "summary": summarise(records)}
        if walk:
            pictures = {"before": "paste", "after": "refined"}
            results["summary"]["walk"] = {
                when: steadiness(self._pictures(names, picture)) for when, picture in pictures.items()
            }
        self.write("results.json", (json.dumps(results, indent=1) + "\n").encode())
        files = [self.samples / f"{name}.safetensors" for name in names]
        write_latents(self.path / "latents.safetensors", files, [record["seed"] for record in records])
        shown = list(zip(names, files, strict=True))[:SHOWN]
        write_curves(self.path / "curves.csv", shown)
        self.write("sheet.png", _encode(draw_sheet([self._row(record) for record in records[:SHOWN]])))
        return results

    def _pictures(self, names: Iterable[str], picture: str) -> Iterator[Tensor]:
        for name in names:
            image = Image.open(self.samples / f"{name}_{picture}.png").convert("RGB")
            yield torch.from_numpy(np.array(image))

    def film(self, count: int) -> None:
        """Write walk.mp4, the refined pictures 0 to `count` - 1 one after the other."""

        def frames() -> Iterator[Any]:
            for pixels in self._pictures(map(str, range(count)), "refined"):
                picture = Image.fromarray(pixels.numpy())
                factor = max(1, -(-FILM_HEIGHT // picture.height))
                size = (picture.width * factor // 2 * 2, picture.height * factor // 2 * 2)
                yield np.asarray(picture.resize(size, Image.Resampling.BICUBIC))

        write_mp4(self.path / "walk.mp4", frames())

    def state(self, name: str) -> tuple[dict[str, Latents], dict[str, Placement]] | None:
        """Where a result ended, as batches of one: codes, with w_avg at zero, and placements; None if it never began."""
        note = self._note(name)
        if note["record"]["box"] is None:
            return None
        with safe_open(self.samples / f"{name}.safetensors", framework="pt") as file:
            found = {key: file.get_tensor(key)[None] for key in file.keys() if not key.startswith(CURVE)}
        shared = {key.removesuffix(".shared"): value for key, value in found.items() if key.endswith(".shared")}
        codes = {
            key: Latents(value, found[f"{key}.delta"], torch.zeros_like(value[0])) for key, value in shared.items()
        }
        placements = {}
        for part, anchor in note["anchors"].items():
            box, there = note["record"]["box"].get(part), torch.tensor([part in note["record"]["box"]])
            boxes = torch.tensor([box or [0, 0, 1, 1]])
            placements[part] = Placement(boxes, torch.tensor([anchor], dtype=torch.double), there, there)
        return codes, placements

    def record(self, name: str) -> dict[str, Any]:
        """What was measured of a finished result, as results.json has it.

        Raises:
            KeyError: it is not finished.
        """
        record: dict[str, Any] = self._note(name)["record"]
        return record

    def _row(self, record: Mapping[str, Any]) -> tuple[str, list[Image.Image], list[tuple[int, ...]]]:
        name = record["name"]
        pictures = [Image.open(self.samples / f"{name}_{picture}.png").convert("RGB") for picture in PICTURES]
        return f"seed {name}: {record['status']}", pictures, [tuple(box) for box in (record["box"] or {}).values()]

    def _note(self, name: str) -> dict[str, Any]:
        """What `add` noted about a result; empty where no whole file stands."""
        try:
            with safe_open(self.samples / f"{name}.safetensors", framework="pt") as file:
                note: dict[str, Any] = json.loads((file.metadata() or {}).get("sample", "{}"))
                return note
        except (FileNotFoundError, SafetensorError):
            return {}


def make_folder(path: Path) -> None:
    """Make the folder of a run and those above it.

    Raises:
        UserError: it cannot be made.
    """
    try:
        Path(os.path.normpath(path)).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"out={path}: no folder can be made there ({error.strerror})") from error


def summarise(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Medians over the samples, by part where the figures are, and how often each status occurred."""
    summary: dict[str, Any] = {}
    for name in FIGURES:
        known = [record[name] for record in records if record[name] is not None]
        if known and isinstance(known[0], Mapping):
            parts = dict.fromkeys(part for value in known for part in value)
            summary[name] = {part: _median([value[part] for value in known]) for part in parts}
        else:
            summary[name] = _median(known)
    summary["steps"] = statistics.median(record["steps"] for record in records)
    summary["status"] = {
        status: sum(r["status"] == status for r in records) for status in sorted({r["status"] for r in records})
    }
    return summary


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _tensors(result: Result, row: int) -> dict[str, Tensor]:
    tensors = {}
    for name, latents in result.latents.items():
        tensors[f"{name}.shared"] = latents.shared[row].detach().cpu().clone()
        tensors[f"{name}.delta"] = latents.delta[row].detach().cpu().clone()
    for name, curve in result.curves.items():
        tensors[f"curve.{name}"] = curve[row, : int(result.steps[row]) + 1].float().clone()
    return tensors


def _png(picture: Tensor) -> bytes:
    return _encode(Image.fromarray(picture.numpy()))


def _encode(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()
