"""Time the augmentation pipeline on the CPU, as a discriminator's step runs it.

python benchmarks/augment.py                  # 64x64 and 256x256, the sets that recipes use
python benchmarks/augment.py --size 1024      # one size only
python benchmarks/augment.py --sets bg color  # other sets
python benchmarks/augment.py --busy           # on a machine that others use: one thread, its own CPU time
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table

from insetgan.runtime.memory import keep_freed_memory
from insetgan.training.augment import SETS, AugmentPipe


class Workload:
    """The steps of one set at one size."""

    def __init__(self, name: str, size: int, batch: int) -> None:
        """Draw images and all random numbers."""
        torch.manual_seed(0)
        self.pipe = AugmentPipe(name)
        self.images = (torch.rand(batch, 3, size, size) * 2 - 1).requires_grad_()
        self.p = torch.tensor(0.5)
        self.uniforms = torch.rand(batch, self.pipe.columns)
        self.noise = torch.randn(batch, 3, size, size) if self.pipe.needs_noise else None
        self.grad = torch.randn_like(self.images)

    def forward(self) -> None:
        """Augment, without gradients: real images in the discriminator's step."""
        with torch.no_grad():
            self.pipe(self.images, self.p, self.uniforms, self.noise)

    def backward(self) -> None:
        """Augment, and the gradient of the images: the generator's step."""
        images = self.pipe(self.images, self.p, self.uniforms, self.noise)
        torch.autograd.grad(images, self.images, self.grad)

    def twice(self) -> None:
        """And the gradient of that gradient's square: the gradient penalty of real images."""
        grad_output = self.grad.clone().requires_grad_()
        images = self.pipe(self.images, self.p, self.uniforms, self.noise)
        (gradient,) = torch.autograd.grad(images, self.images, grad_output, create_graph=True)
        torch.autograd.grad(gradient.square().sum(), grad_output)


def milliseconds(step: Callable[[], None], repeats: int, clock: Callable[[], float]) -> float:
    """Median time of a step, after two that pay for memory."""
    times = []
    for index in range(repeats + 2):
        start = clock()
        step()
        if index >= 2:
            times.append(clock() - start)
    return 1000 * statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs="+", default=[64, 256], help="height and width of the images")
    parser.add_argument(
        "--sets", nargs="+", default=["bgc", "bgcfnc", "body"], choices=list(SETS), help="of the pipeline"
    )
    parser.add_argument("--batch", type=int, default=8, help="images at a time")
    parser.add_argument("--repeats", type=int, default=5, help="times that each step is measured")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    parser.add_argument("--busy", action="store_true", help="one thread, and its CPU time in place of the wall clock")
    options = parser.parse_args()
    threads, clock = (1, time.thread_time) if options.busy else (options.threads, time.perf_counter)
    torch.set_num_threads(threads)
    keep_freed_memory()
    table = Table(title=f"ms per image, medians of {options.repeats}; {threads} thread(s), torch {torch.__version__}")
    table.add_column("set")
    for heading in ("size", "batch", "forward", "with gradient", "with its gradient"):
        table.add_column(heading, justify="right")
    for size in options.size:
        for name in options.sets:
            work = Workload(name, size, options.batch)
            times = [milliseconds(step, options.repeats, clock) for step in (work.forward, work.backward, work.twice)]
            cells = [f"{value / options.batch:.2f}" for value in times]
            table.add_row(name, str(size), str(options.batch), *cells)
    Console().print(table)


if __name__ == "__main__":
    main()
