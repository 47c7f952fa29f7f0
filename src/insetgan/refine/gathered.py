"""What is gathered from the samples of a run, a sample at a time: no run is too long for the memory."""

import csv
import json
import math
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from insetgan.runtime.files import write_whole
from insetgan.runtime.tensors import open_tensors

CURVE = "curve."
"""What the names of curves begin with in a sample's file; everything else there is a latent."""


def write_latents(path: Path, samples: Sequence[Path], seeds: Sequence[int]) -> None:
    """Stack the latents of all samples in one safetensors file, in constant memory.

    The header is written first, since shapes and types follow from any one sample; then each sample goes to its place.
    Written and not mapped, since the pages of a mapping count as this process's memory.

    Args:
        path: the file; appears whole or not at all.
        samples: files of finished samples, at least one, all of the same networks: "<generator>.<latent>", such
            as "canvas.shared" [w_dim], and curves, which stay where they are.
        seeds: of the samples, in their order; stored as "seeds", int64 [n], with -1 for images of a walk between two seeds.

    Raises:
        ValueError: there are no samples, or not as many as seeds, or a sample's latents are of other shapes.
        OSError: a file cannot be read or written.
    """
    if not samples or len(samples) != len(seeds):
        raise ValueError(f"{len(samples)} samples for {len(seeds)} seeds")
    write_whole(path, lambda beside: _stack(beside, samples, seeds))


def write_curves(path: Path, samples: Sequence[tuple[str, Path]]) -> None:
    """Write the curves of all samples as CSV, a sample at a time.

    Args:
        path: the file, with a row a step: name, step, and the terms in alphabetical order, "total" among them.
        samples: name and file of each, at least one, all of the same terms.

    Raises:
        ValueError: there are no samples, or one has other terms than the first.
        OSError: a file cannot be read or written.
    """
    if not samples:
        raise ValueError("no samples")
    write_whole(path, lambda beside: _tabulate(beside, samples))


def read_curves(sample: Path) -> dict[str, list[float]]:
    """Curves of a sample: unweighted values by term, and "total", each of [steps + 1].

    Raises:
        OSError: the file cannot be read.
    """
    with open_tensors(sample, "numpy") as file:
        names = sorted(name for name in file.keys() if name.startswith(CURVE))
        return {name.removeprefix(CURVE): file.get_tensor(name).tolist() for name in names}


def _stack(path: Path, samples: Sequence[Path], seeds: Sequence[int]) -> None:
    layout = _layout(samples[0])
    with path.open("wb") as file:
        places = _write_header(file, layout, len(samples))
        file.write(np.asarray(seeds, "<i8").tobytes())
        for index, sample in enumerate(samples):
            if index and _layout(sample) != layout:
                raise ValueError(f"{sample}: latents of other shapes than in {samples[0]}")
            for name, content in _contents(sample, layout):
                file.seek(places[name] + index * len(content))
                file.write(content)


def _layout(sample: Path) -> dict[str, tuple[str, list[int]]]:
    """Type and shape of each latent, in alphabetical order."""
    with open_tensors(sample, "numpy") as file:
        slices = {name: file.get_slice(name) for name in sorted(file.keys()) if not name.startswith(CURVE)}
        return {name: (piece.get_dtype(), list(piece.get_shape())) for name, piece in slices.items()}


def _contents(sample: Path, layout: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    with open_tensors(sample, "numpy") as file:
        for name in layout:
            yield name, file.get_tensor(name).tobytes()


def _write_header(file: IO[bytes], layout: dict[str, tuple[str, list[int]]], count: int) -> dict[str, int]:
    """Write the header of safetensors: its length as 8 bytes, then JSON; gives where each tensor begins in the file."""
    entries: dict[str, Any] = {"seeds": {"dtype": "I64", "shape": [count], "data_offsets": [0, 8 * count]}}
    end = 8 * count  # the widest type first and the others behind it without gaps, as the format asks
    for name, (kind, shape) in layout.items():
        size = int(kind.lstrip("BFIU")) // 8 * math.prod(shape) * count
        entries[name] = {"dtype": kind, "shape": [count, *shape], "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the data begin at a multiple of 8
    file.write(struct.pack("<Q", len(text)) + text)
    return {name: 8 + len(text) + int(entry["data_offsets"][0]) for name, entry in entries.items()}


def _tabulate(path: Path, samples: Sequence[tuple[str, Path]]) -> None:
    names = list(read_curves(samples[0][1]))
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["name", "step", *names])
        for name, sample in samples:
            curves = read_curves(sample)
            if list(curves) != names:
                raise ValueError(f"{sample}: curves {', '.join(curves)}, expected {', '.join(names)}")
            for step, values in enumerate(zip(*curves.values(), strict=True)):
                table.writerow([name, step, *(f"{value:.6g}" for value in values)])
