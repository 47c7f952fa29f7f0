"""Time the metrics: extractors on the path that every evaluation takes, and each metric on features.

python benchmarks/evaluate.py                    # all: 256 images an extractor, metrics at n = 10,000
python benchmarks/evaluate.py --part extractors  # images a second only; or metrics, memory
python benchmarks/evaluate.py --num 2000         # metrics at another number of images
python benchmarks/evaluate.py --part memory      # growth of the process over 10,000 images through the metric path

Extractors whose weights are missing are timed with random ones: the architecture is what costs. The field's TorchScript file
cannot be made here and is left out where it is missing. Images are rendered people, repeated.
"""

import argparse
import itertools
import resource
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from insetgan.data.datasets import ImageDataset
from insetgan.metrics.bootstrap import interval
from insetgan.metrics.features import FeatureExtractor, PartsFeatures, describe
from insetgan.metrics.frechet import FrechetMetric
from insetgan.metrics.images import BATCH
from insetgan.metrics.inception import PYTORCH_FILE, CleanFeatures, InceptionFeatures
from insetgan.metrics.registry import FEATURE_METRICS, feature_metrics
from insetgan.runtime.errors import UserError
from insetgan.weights.store import load_network

HEIGHT, WIDTH = 256, 128
GROWTH = 10_000
PARTS = ("extractors", "metrics", "memory")


def people(num: int) -> Iterator[Tensor]:
    """Batches of rendered people, uint8 [n, 3, 256, 128], over and over until there are `num`."""
    dataset = ImageDataset(None, HEIGHT, WIDTH)
    for first in range(0, num, BATCH):
        items = [dataset[index % len(dataset)] for index in range(first, min(first + BATCH, num))]
        yield torch.stack([item if isinstance(item, Tensor) else item[0] for item in items])


def parts() -> FeatureExtractor:
    return PartsFeatures(load_network("parts", kind="parts"))


def ported() -> FeatureExtractor:
    """clean-fid's port of Inception, with random weights where its file is missing."""
    try:
        return CleanFeatures("legacy_pytorch")
    except UserError:
        with tempfile.TemporaryDirectory() as folder:
            torch.save(random_port(), Path(folder) / PYTORCH_FILE)
            return CleanFeatures("legacy_pytorch", Path(folder) / PYTORCH_FILE)


def random_port() -> dict[str, Tensor]:
    """What the file of weights holds, random: the network is built with the loading of weights left out."""
    from cleanfid import inception_pytorch

    fetch, load = inception_pytorch.load_state_dict_from_url, nn.Module.load_state_dict
    inception_pytorch.load_state_dict_from_url = lambda *_, **__: {}
    nn.Module.load_state_dict = lambda self, state, **settings: None  # type: ignore[assignment,method-assign]
    try:
        with warnings.catch_warnings(action="ignore"):
            return inception_pytorch.fid_inception_v3().state_dict()
    finally:
        inception_pytorch.load_state_dict_from_url, nn.Module.load_state_dict = fetch, load  # type: ignore[method-assign]


EXTRACTORS: dict[str, Callable[[], FeatureExtractor]] = {
    "parts": parts,
    "inception": InceptionFeatures,
    "cleanfid mode=clean": lambda: CleanFeatures("clean"),
    "cleanfid mode=legacy_pytorch": ported,
}


def time_extractors(console: Console, num: int) -> None:
    """Images a second, reading and resizing included."""
    table = Table(
        title=f"images/s of {HEIGHT} x {WIDTH}, {torch.get_num_threads()} thread(s), torch {torch.__version__}"
    )
    table.add_column("features=")
    table.add_column("images/s", justify="right")
    for name, build in EXTRACTORS.items():
        try:
            extractor = build()
        except UserError as error:
            table.add_row(name, f"left out: {str(error).split(';')[0]}")
            continue
        count = num if name == "parts" else max(num // 8, BATCH)
        start = time.perf_counter()
        described = describe(extractor, people(count))
        table.add_row(name, f"{len(described) / (time.perf_counter() - start):.1f}")
    console.print(table)


def time_metrics(console: Console, num: int, rounds: int) -> None:
    """Seconds of each metric, and of its interval, on random features of both numbers of them."""
    table = Table(title=f"seconds at n = {num}, {torch.get_num_threads()} thread(s); interval of {rounds} rounds")
    for heading in ("metric", "by", "d = 288", "interval", "d = 2048"):
        table.add_column(heading, justify="right" if "d =" in heading or heading == "interval" else "left")
    for engine in ("torchmetrics", "cleanfid"):
        for name in FEATURE_METRICS if engine == "torchmetrics" else ("fid", "kid"):
            cells = []
            for num_features in (288, 2048):
                real, fake = sets(num, num_features)
                metrics = feature_metrics([name], parts(), engine=engine)  # type: ignore[arg-type]
                cells.append(f"{seconds(lambda m=metrics, r=real, f=fake: [each.measure(r, f) for each in m]):.1f}")
                if num_features == 288:
                    cells.append(
                        f"{seconds(lambda m=metrics, r=real, f=fake: interval(m[0], r, f, rounds=rounds)):.1f}"
                    )
            table.add_row(name, metrics[0].source, *cells)
    console.print(table)


def sets(num: int, num_features: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(num, num_features, generator=generator) for _ in range(2))
    return real, fake * 1.1 + 0.1


def seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def measure_growth(console: Console) -> None:
    """Peak memory of the process before and after 10,000 images have been described and measured."""
    extractor = parts()
    real = describe(extractor, people(BATCH))
    before = peak()
    start = time.perf_counter()
    features = describe(extractor, people(GROWTH))
    spent = time.perf_counter() - start
    FrechetMetric(extractor, "torchmetrics").measure(features, real.repeat(4, 1) + torch.randn(4 * BATCH, 288))
    console.print(
        f"{GROWTH} images through features=parts: {peak() - before:.0f} MB of growth ({before:.0f} MB before), {spent:.0f} s"
    )
    wide = itertools.repeat(torch.zeros(BATCH, 3, 8, 8, dtype=torch.uint8), GROWTH // BATCH)
    before = peak()
    features = describe(Wide(), wide)
    for metric in feature_metrics(["fid", "kid"], extractor):
        metric.measure(features, features[:2500])
    console.print(f"{len(features)} x 2048 features, fid and kid: {peak() - before:.0f} MB of growth")


class Wide:
    """Gives as many features as Inception, at no cost."""

    name, title, num_features = "wide", "2048 numbers", 2048

    def __init__(self) -> None:
        self.random = np.random.RandomState(0)

    def __call__(self, images: Tensor) -> Tensor:
        """Describe images [n, ...]: [n, 2048]."""
        return torch.from_numpy(self.random.randn(len(images), 2048)).float()

    def to(self, device: torch.device | str) -> "Wide":
        """Stay."""
        return self


def peak() -> float:
    """Largest resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS, help="only this part")
    parser.add_argument("--images", type=int, default=256, help="described by PartsNet; an eighth by the others")
    parser.add_argument("--num", type=int, default=10_000, help="images a side of the metrics")
    parser.add_argument("--rounds", type=int, default=20, help="of the intervals")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    console = Console()
    if options.part in (None, "extractors"):
        time_extractors(console, options.images)
    if options.part in (None, "memory"):
        measure_growth(console)
    if options.part in (None, "metrics"):
        time_metrics(console, options.num, options.rounds)


if __name__ == "__main__":
    main()
