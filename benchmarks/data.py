"""Time the loading of training images: decoding, cropping and resizing, by worker processes of torch's DataLoader.

python benchmarks/data.py                 # 256x256 and 1024x1024; PNG, JPEG and WebP
python benchmarks/data.py --size 1024     # one size only
python benchmarks/data.py --seconds 8     # steadier figures
python benchmarks/data.py --busy          # on a machine that others use: the processor time of one process, no workers

The images are rendered people enlarged, two beside each other, with grain, so that files are about as large as those of
photographs. Nothing is kept in memory: each image is decoded each time, as with sets too large for it. Columns: images
at their own size; resized to a quarter of their sides; crops of faces resized to as much; and the check at the start, in
as many threads as there are workers.
"""

import argparse
import io
import itertools
import json
import math
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader, Dataset, Sampler

from insetgan.data import check, kept
from insetgan.data.archive import Archive
from insetgan.data.crops import PartCrops
from insetgan.data.datasets import ImageDataset, open_archive

FORMATS: dict[str, dict[str, Any]] = {"png": {}, "jpeg": {"quality": 95}, "webp": {"quality": 90}}
COUNTS = {256: 64, 1024: 16}
BATCH = 8


class Endless(Sampler[list[int]]):
    """Batches of a data set, over and over."""

    def __init__(self, count: int) -> None:
        """Say of how many images."""
        self.count = count

    def __iter__(self) -> Iterator[list[int]]:
        """Yield indices."""
        indices = itertools.cycle(range(self.count))
        while True:
            yield list(itertools.islice(indices, BATCH))


def write_archive(path: Path, size: int, image_format: str) -> Archive:
    """Make images [size, size] of two people, with the box of the face of the left one."""
    people, random = open_archive(None), np.random.default_rng(0)
    factor, entries = size // people.size[0], {}
    with zipfile.ZipFile(path, "w") as file:
        for index in range(COUNTS[size]):
            pair = np.concatenate([people.image(2 * index), people.image(2 * index + 1)], axis=1)
            large = np.asarray(Image.fromarray(pair).resize((size, size), Image.Resampling.BICUBIC))
            grainy = large + random.normal(0, 2, large.shape)
            stream, name = io.BytesIO(), f"{index:04d}.{image_format}"
            Image.fromarray(grainy.round().clip(0, 255).astype(np.uint8)).save(
                stream, image_format, **FORMATS[image_format]
            )
            file.writestr(name, stream.getvalue())
            box = people.boxes(2 * index)["face"]
            entries[name] = {"boxes": {"face": None if box is None else [side * factor for side in box]}}
        file.writestr("parts.json", json.dumps({"size": [size, size], "parts": ["face"], "images": entries}))
    return Archive(path)


def rate(dataset: Dataset[Any], workers: int, seconds: float) -> float:
    """Images a second that the workers deliver once they are under way; of processor time where there are none."""
    clock = time.perf_counter if workers else time.thread_time
    batches = iter(DataLoader(dataset, batch_sampler=Endless(len(dataset)), num_workers=workers))  # type: ignore[arg-type]
    for _ in range(3 * max(workers, 1)):  # as many as are fetched ahead, and one each
        next(batches)
    start, count = clock(), 0
    while clock() - start < seconds:
        next(batches)
        count += BATCH
    return count / (clock() - start)


def check_rate(archive: Archive, threads: int, seconds: float, *, busy: bool) -> float:
    """Images a second that the check at the start looks at."""
    clock = time.process_time if busy else time.perf_counter
    start, count = clock(), 0
    while clock() - start < seconds:
        check.check_images(archive, workers=threads)
        count += len(archive)
    return count / (clock() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, choices=tuple(COUNTS), help="only images of this size")
    parser.add_argument("--seconds", type=float, default=3.0, help="time for each figure")
    parser.add_argument("--busy", action="store_true", help="no workers, and processor time in place of the wall clock")
    options = parser.parse_args()
    torch.set_num_threads(1)
    kept.MEMORY_LIMIT, check.WORTH_REMEMBERING = 0, math.inf  # every image is decoded and checked anew
    unit = "a second of processor time" if options.busy else "a second"
    table = Table(title=f"images {unit}; torch {torch.__version__}")
    for heading in ("size", "format", "kB each", "workers", "whole", "whole to 1/4", "face", "check"):
        table.add_column(heading, justify="left" if heading in ("size", "format") else "right")
    with tempfile.TemporaryDirectory() as folder:
        for size, image_format in itertools.product([options.size] if options.size else COUNTS, FORMATS):
            path = Path(folder) / f"{size}.{image_format}.zip"
            archive = write_archive(path, size, image_format)
            datasets = (
                ImageDataset(archive, size, size, checked=False),
                ImageDataset(archive, size // 4, size // 4, checked=False),
                PartCrops(archive, "face", size // 4, size // 4, checked=False),
            )
            for count in (0,) if options.busy else (1, 2):
                cells = [rate(dataset, count, options.seconds) for dataset in datasets]
                cells.append(check_rate(archive, max(count, 1), options.seconds, busy=options.busy))
                kilobytes = f"{path.stat().st_size / len(archive) / 1000:.0f}"
                rates = [f"{cell:.0f}" for cell in cells]
                table.add_row(f"{size}x{size}", image_format, kilobytes, str(count), *rates)
    Console().print(table)


if __name__ == "__main__":
    main()
