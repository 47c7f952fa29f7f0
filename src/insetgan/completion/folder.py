"""The folder of completions: pictures as they are finished, and what is gathered from them at the end."""

import io
import json
import math
import re
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from insetgan.completion.completion import hole_difference, hole_seam
from insetgan.completion.sheet import completion_sheet
from insetgan.data.picture import open_picture
from insetgan.ops.images import from_uint8
from insetgan.refine.run_folder import make_folder
from insetgan.runtime.errors import UserError
from insetgan.runtime.files import write_whole

SHOWN = 32
"""Completions on the sheet; a run may have many more."""

_OURS = re.compile(r"\d{6,}-\d+(-known)?\.png")
_SIGNATURE = re.compile(r"completion [0-9a-f]{64}")


@dataclass(frozen=True)
class Completion:
    """One picture that is to be completed.

    Attributes:
        index: its place in the archive.
        picture: its name there.
        seed: of the completion.
    """

    index: int
    picture: str
    seed: int

    @property
    def name(self) -> str:
        """Of the files."""
        return f"{self.index:06d}-{self.seed}"


class CompletionFolder:
    """Where completions are kept; every file appears whole or not at all, and one that stands is finished.

    Args:
        path: the folder; made when missing.
        signature: says from which settings the completions come.
        overwrite: whether completions of other settings may be replaced.

    Raises:
        UserError: the folder holds completions of other settings and `overwrite` is not set, or files of something else, or
            cannot be made.
    """

    def __init__(self, path: str | Path, signature: str, *, overwrite: bool = False) -> None:
        self.path = Path(path)
        self.samples = self.path / "samples"
        make_folder(self.path)
        self._claim(f"completion {signature}", overwrite)
        self.samples.mkdir(exist_ok=True)

    def _claim(self, mine: str, overwrite: bool) -> None:
        marker = self.path / "settings.txt"
        if not marker.exists():
            if (self.path / "config.yaml").exists():
                raise UserError(f"out={self.path}: holds another run, not completions; choose another folder")
        elif (found := marker.read_text(errors="replace")) != mine:
            if not _SIGNATURE.fullmatch(found):
                raise UserError(f"out={self.path}: holds a settings.txt of something else; choose another folder")
            if not overwrite:
                raise UserError(
                    f"out={self.path}: holds completions of other settings; choose another folder, or replace them with "
                    "overwrite=true"
                )
            ours = self.samples.iterdir() if self.samples.is_dir() else ()
            for old in [each for each in ours if _OURS.fullmatch(each.name)]:
                old.unlink()
            for name in ("results.json", "sheet.png"):
                (self.path / name).unlink(missing_ok=True)
        write_whole(marker, mine.encode())

    def finished(self, completion: Completion, picture: Tensor, known: Tensor) -> bool:
        """Whether it was made before, of this picture, uint8 [3, H, W], and of what is known of it, [1, H, W]."""
        try:
            made = self._read_png(f"{completion.name}.png")
            mask = self._read_png(f"{completion.name}-known.png") > 127
        except (OSError, ValueError):  # damaged, or not what this project writes
            return False
        visible, original = known[0].numpy() > 0, picture.permute(1, 2, 0).numpy()
        return bool(
            made.shape == original.shape
            and np.array_equal(mask, visible)
            and np.array_equal(made[visible], original[visible])
        )

    def add(self, completion: Completion, picture: Tensor, known: Tensor) -> None:
        """Write a completion, uint8 [H, W, 3], and before it what was known, [1, H, W]."""
        mask = (known[0] * 255).to(torch.uint8).cpu().numpy()
        self._write_png(f"{completion.name}-known.png", mask)
        self._write_png(f"{completion.name}.png", picture.numpy())

    def gather(
        self, completions: Iterable[Completion], original: Callable[[int], Tensor], left_out: Sequence[str]
    ) -> Any:
        """Measure finished completions as they lie there and write results.json and sheet.png.

        Args:
            completions: in the order wanted.
            original: gives a picture by its index, uint8 [3, H, W]; there may be more than the memory holds.
            left_out: names of pictures in which no face was found.

        Returns:
            What results.json holds.
        """
        records: list[dict[str, Any]] = []
        shown: list[tuple[Tensor, Tensor, Tensor]] = []
        for completion in completions:
            picture = original(completion.index).permute(1, 2, 0)[None]
            made = torch.from_numpy(self._read_png(f"{completion.name}.png"))[None]
            known = torch.from_numpy(self._read_png(f"{completion.name}-known.png") > 127).float()[None, None]
            figures = {
                "hole": 1 - float(known.mean()),
                "seam": float(hole_seam(picture, made, known)),
                "difference": float(hole_difference(picture, made, known)),
            }
            rounded = {name: round(value, 5) if math.isfinite(value) else None for name, value in figures.items()}
            records.append({"name": completion.name, **asdict(completion), **rounded})
            if len(shown) < SHOWN:
                shown.append((from_uint8(picture), known, from_uint8(made)))
        summary = {name: _median([record[name] for record in records]) for name in ("hole", "seam", "difference")}
        results = {"summary": summary, "left_out": list(left_out), "samples": records}
        write_whole(self.path / "results.json", (json.dumps(results, indent=2) + "\n").encode())
        sheet = completion_sheet(*(torch.cat(each) for each in zip(*shown, strict=True)))
        write_whole(self.path / "sheet.png", _png(sheet.numpy()))
        return results

    def _write_png(self, name: str, pixels: Any) -> None:
        write_whole(self.samples / name, _png(pixels))

    def _read_png(self, name: str) -> Any:
        with open_picture(self.samples / name) as image:
            return np.array(image)


def _png(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
