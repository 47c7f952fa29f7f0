"""The folder of a refinement: what each finished sample leaves there, and what is gathered from them at the end."""

import csv
import io
import json
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from insetgan.errors import UserError
from insetgan.files import write_whole
from insetgan.ops.images import to_uint8
from insetgan.refine.measures import measure
from insetgan.refine.problem import Result
from insetgan.refine.sheet import draw_sheet

PICTURES = ("canvas", "paste", "refined")
_OURS = re.compile(r"\d+(\.safetensors|_(canvas|paste|refined)\.png)")

FIGURES = ("seam_before", "seam_after", "band_before", "band_after", "body_change")


class RunFolder:
    """Where a refinement keeps its samples; every file appears whole or not at all.

    A sample is finished once `samples/<seed>.safetensors` stands beside its pictures, which is written last: codes, curves
    and, in its header, the figures. Everything else can be gathered again from these files.

    Args:
        path: the folder; made when missing.
        signature: says from which settings the samples come; samples of other settings are not taken for finished.
        overwrite: whether samples of other settings may be replaced.

    Raises:
        UserError: the folder holds samples of other settings and `overwrite` is not set, or files of something else, or cannot
            be made.
        OSError: the folder cannot be written to.
    """

    def __init__(self, path: str | Path, signature: str, *, overwrite: bool = False) -> None:
        self.path, self.signature = Path(path), signature
        self.samples = self.path / "samples"
        try:
            self.samples.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"out={self.path}: no folder can be made there ({error.strerror})") from error
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
        mine = [path for path in self.samples.iterdir() if _OURS.fullmatch(path.name)]
        if mine and not overwrite:
            raise UserError(
                f"out={self.path}: holds results of other settings; choose another folder, or replace them with overwrite=true"
            )
        for old in mine:
            old.unlink()
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
        note = self._note(seed)
        return (note.get("signature"), note.get("block")) == (self.signature, list(block)) and all(
            (self.samples / f"{seed}_{name}.png").is_file() for name in PICTURES
        )

    def add(self, seeds: Sequence[int], result: Result) -> None:
        """Write the samples of a block, leaving those that stand already as they are."""
        pictures = {"canvas": result.canvas, "paste": result.paste, "refined": result.refined}
        as_bytes = {name: to_uint8(images) for name, images in pictures.items()}
        for row, (seed, measures) in enumerate(zip(seeds, measure(result), strict=True)):
            if self.finished(seed, seeds):
                continue
            for name, images in as_bytes.items():
                self.write(f"samples/{seed}_{name}.png", _png(images[row]))
            record = {"seed": seed, **asdict(measures)}
            note = {"signature": self.signature, "block": list(seeds), "best_step": int(result.best_step[row])}
            header = {"sample": json.dumps({**note, "record": record})}  # one entry, since their order is not kept
            self.write(f"samples/{seed}.safetensors", save(_tensors(result, row), metadata=header))

    def gather(self, seeds: Sequence[int]) -> dict[str, Any]:
        """Write results.json, latents.safetensors, curves.csv and sheet.png for these seeds; all must be finished.

        Returns:
            What results.json holds: `samples`, a record each, and `summary`, the medians.
        """
        records = [self._note(seed)["record"] for seed in seeds]
        results = {"samples": records, "summary": summarise(records)}
        self.write("results.json", (json.dumps(results, indent=1) + "\n").encode())
        tensors = [self._tensors(seed) for seed in seeds]
        self.write("latents.safetensors", save(_stacked(tensors, seeds)))
        self.write("curves.csv", _curves(tensors, seeds))
        self.write("sheet.png", _encode(draw_sheet([self._row(record) for record in records[:64]])))
        return results

    def _row(self, record: Mapping[str, Any]) -> tuple[str, list[Image.Image], list[tuple[int, ...]]]:
        seed = record["seed"]
        pictures = [Image.open(self.samples / f"{seed}_{name}.png").convert("RGB") for name in PICTURES]
        return f"seed {seed}: {record['status']}", pictures, [tuple(box) for box in (record["box"] or {}).values()]

    def _note(self, seed: int) -> dict[str, Any]:
        """What `add` noted about a sample; empty where no whole file stands."""
        try:
            with safe_open(self.samples / f"{seed}.safetensors", framework="pt") as file:
                note: dict[str, Any] = json.loads((file.metadata() or {}).get("sample", "{}"))
                return note
        except (FileNotFoundError, SafetensorError):
            return {}

    def _tensors(self, seed: int) -> dict[str, Tensor]:
        with safe_open(self.samples / f"{seed}.safetensors", framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}


def summarise(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Medians over the samples, by part where the figures are, and how often each status occurred."""
    summary: dict[str, Any] = {}
    for name in FIGURES:
        known = [record[name] for record in records if record[name] is not None]
        if known and isinstance(known[0], Mapping):
            summary[name] = {part: _median([value[part] for value in known]) for part in known[0]}
        else:
            summary[name] = _median(known)
    summary["steps"] = statistics.median(record["steps"] for record in records)
    summary["status"] = {
        status: sum(r["status"] == status for r in records) for status in {r["status"] for r in records}
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
        tensors[f"curve.{name}"] = curve[:, row].float().clone()
    return tensors


def _stacked(tensors: Sequence[Mapping[str, Tensor]], seeds: Sequence[int]) -> dict[str, Tensor]:
    names = [name for name in tensors[0] if not name.startswith("curve.")]
    return {"seeds": torch.tensor(seeds), **{name: torch.stack([one[name] for one in tensors]) for name in names}}


def _curves(tensors: Sequence[Mapping[str, Tensor]], seeds: Sequence[int]) -> bytes:
    names = sorted(name for name in tensors[0] if name.startswith("curve."))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["seed", "step", *(name.removeprefix("curve.") for name in names)])
    for seed, one in zip(seeds, tensors, strict=True):
        for step, values in enumerate(torch.stack([one[name] for name in names], dim=1).tolist()):
            table.writerow([seed, step, *(f"{value:.6g}" for value in values)])
    return text.getvalue().encode()


def _png(picture: Tensor) -> bytes:
    return _encode(Image.fromarray(picture.numpy()))


def _encode(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()
