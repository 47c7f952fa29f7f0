"""What is left of a composition when it is done: pictures, figures and files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insetgan.data.image import read_rgb
from insetgan.ops.images import encode_png
from insetgan.runtime import limits
from insetgan.runtime.reading import parse_json, read_file

BRIGHTEST = 64
"""A change of so many levels of 255, the mean of the three colours, is shown as bright as can be."""

_COLOURS = np.array([(0, 0, 4), (81, 18, 124), (183, 55, 121), (252, 137, 97), (252, 253, 191)], dtype=np.float64)
"""From no change to the largest one: dark violet to light yellow, which differ in lightness too."""


@dataclass(frozen=True)
class Outcome:
    """A finished composition.

    Attributes:
        before: the naive paste, as a file.
        after: the composition, as a file; refine.py writes the same bytes.
        film: of the optimisation, if it was recorded.
        files: what can be taken away, `after` first.
        record: the figures of results.json: status, seams, bands, changes.
    """

    before: Path
    after: Path
    film: Path | None
    files: list[Path]
    record: dict[str, Any]

    @classmethod
    def of(cls, folder: Path) -> "Outcome":
        """Read the result folder of a refinement of one sample.

        Args:
            folder: that refine.py's code has written.

        Raises:
            OSError, ValueError: it is damaged.
        """
        results = parse_json(read_file(folder / "results.json", limits.JSON_BYTES).decode())
        record: dict[str, Any] = results["samples"][0]
        samples, name = folder / "samples", record["name"]
        film, photo = samples / f"{name}.mp4", samples / f"{name}_photo.png"
        after = samples / f"{name}_refined.png"
        files = [after, photo, folder / "latents.safetensors", folder / "config.yaml", folder / "results.json", film]
        return cls(
            samples / f"{name}_paste.png",
            after,
            film if film.exists() else None,
            [file for file in files if file.exists()],
            record,
        )

    def change(self) -> bytes:
        """A map of what the optimisation changed, as a PNG: `after` against `before`, see `change_map`."""
        return encode_png(change_map(np.asarray(read_rgb(self.before)), np.asarray(read_rgb(self.after))))

    def figures(self) -> str:
        """The figures in one line, such as "face: seam 6.27 before, 1.09 after; ended ok"."""
        words = []
        for part, after in (self.record["seam_after"] or {}).items():
            before = (self.record["seam_before"] or {}).get(part)
            if after is not None and before is not None:
                words.append(f"{part}: seam {before:.2f} before, {after:.2f} after")
        missing = self.record["missing"]
        words += [f"not found on this body: {', '.join(missing)}"] if missing else []
        return "; ".join(words)

    def plain(self) -> str:
        """All figures as JSON text."""
        return json.dumps(self.record, indent=1)


def change_map(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Where two images differ, in colours from dark (not at all) to light (by `BRIGHTEST` levels or more).

    Args:
        before: uint8 [H, W, 3].
        after: uint8 [H, W, 3].

    Returns:
        uint8 [H, W, 3].
    """
    difference = np.abs(before.astype(np.float64) - after).mean(2)
    place = np.clip(difference / BRIGHTEST, 0, 1) * (len(_COLOURS) - 1)
    low = np.minimum(place.astype(int), len(_COLOURS) - 2)
    share = (place - low)[..., None]
    mixed: NDArray[np.uint8] = np.rint(_COLOURS[low] * (1 - share) + _COLOURS[low + 1] * share).astype(np.uint8)
    return mixed
