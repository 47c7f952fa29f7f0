"""Time the networks on the CPU and judge them by the machine's plain convolution rate.

python benchmarks/networks.py                 # 64x64 small and full, 256x256
python benchmarks/networks.py --size 1024     # one size only
python benchmarks/networks.py --repeats 9     # steadier medians
python benchmarks/networks.py --busy          # on a machine that others use: one thread, its own CPU time
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table
from torch import Tensor

from insetgan.networks import Discriminator, Generator
from insetgan.runtime.memory import keep_freed_memory


@dataclass(frozen=True)
class Case:
    """One pair of networks and the arithmetic of a latent step, GFLOP an image."""

    name: str
    size: int
    channel_base: int
    channel_max: int
    batch: int
    gflop: float


CASES = (
    Case("64 small", 64, 4096, 64, 16, 0.6),
    Case("64 full", 64, 16384, 512, 8, 30),
    Case("256", 256, 16384, 512, 4, 60),
    Case("1024", 1024, 32768, 512, 1, 297),
)


class Convolution:
    """The yardstick: 3 x 3 conv2d, 256 channels, 64 x 64, batch 4, channels-last; three in a row."""

    def __init__(self, dtype: torch.dtype) -> None:
        """Make input and weight."""
        self.x = torch.randn(4, 256, 64, 64, dtype=dtype).contiguous(memory_format=torch.channels_last)
        self.weight = torch.randn(256, 256, 3, 3, dtype=dtype).contiguous(memory_format=torch.channels_last)
        self.gflop = 3 * 2 * 4 * 64 * 64 * 256 * 256 * 9 / 1e9

    def __call__(self) -> None:
        """Convolve."""
        for _ in range(3):
            F.conv2d(self.x, self.weight, padding=1)


class Workload:
    """The three steps of a case in one precision."""

    def __init__(self, case: Case, dtype: torch.dtype) -> None:
        """Make the networks and their inputs."""
        torch.manual_seed(0)
        widths = {"channel_base": case.channel_base, "channel_max": case.channel_max}
        self.G = Generator(height=case.size, width=case.size, **widths)
        self.D = Discriminator(height=case.size, width=case.size, **widths).requires_grad_(False)
        self.z = torch.randn(case.batch, self.G.z_dim)
        self.ws = self.G.mapping(self.z).detach()
        self.dtype = dtype

    def autocast(self) -> torch.autocast:
        """Short floats, unless the case is float32."""
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.dtype == torch.bfloat16)

    def forward(self) -> None:
        """Draw, without gradients."""
        self.G.eval().requires_grad_(False)
        with torch.inference_mode(), self.autocast():
            self.G.synthesis(self.ws)

    def latent(self) -> None:
        """Synthesis forward and backward to w, weights frozen: a step of latent optimisation."""
        self.G.eval().requires_grad_(False)
        ws = self.ws.clone().requires_grad_()
        with self.autocast():
            loss = self.G.synthesis(ws).square().mean()
        loss.backward()

    def train(self) -> None:
        """The generator's main phase: G, D, non-saturating loss, gradients of G's parameters."""
        self.G.train().requires_grad_(True).zero_grad(set_to_none=True)
        with self.autocast():
            images: Tensor = self.G(self.z, noise_mode="random")
            loss = F.softplus(-self.D(images)).mean()
        loss.backward()  # type: ignore[no-untyped-call]


def seconds(function: Callable[[], None], clock: Callable[[], float]) -> float:
    """Time one call."""
    start = clock()
    function()
    return clock() - start


def measure(case: Case, dtype: torch.dtype, repeats: int, clock: Callable[[], float]) -> dict[str, float]:
    """Take medians; the yardstick runs between the steps, so that both meet the same machine.

    Returns:
        ms an image by step, the yardstick's "rate" in GFLOP/s and the "share" of it that a latent step reaches.
    """
    work, yardstick = Workload(case, dtype), Convolution(dtype)
    steps = {"forward": work.forward, "latent": work.latent, "train": work.train}
    row: dict[str, float] = {}
    for name, step in steps.items():
        for _ in range(2):  # the first calls pay for memory and remembered weights
            step()
        times, rates = [], []
        for _ in range(repeats):
            rates.append(yardstick.gflop / seconds(yardstick, clock))
            times.append(seconds(step, clock))
        row[name] = 1000 * statistics.median(times) / case.batch
        if name == "latent":
            row["rate"] = statistics.median(rates)
            row["share"] = case.gflop / row[name] * 1000 / row["rate"]
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, choices=(64, 256, 1024), help="only networks of this size")
    parser.add_argument("--repeats", type=int, default=5, help="times that each step is measured")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    parser.add_argument("--busy", action="store_true", help="one thread, and its CPU time in place of the wall clock")
    options = parser.parse_args()
    threads, clock = (1, time.thread_time) if options.busy else (options.threads, time.perf_counter)
    torch.set_num_threads(threads)
    keep_freed_memory()
    table = Table(title=f"ms per image, medians of {options.repeats}; {threads} thread(s), torch {torch.__version__}")
    table.add_column("network")
    table.add_column("type")
    for heading in ("batch", "forward", "latent step", "G+D step", "conv2d GFLOP/s", "latent step's share"):
        table.add_column(heading, justify="right")
    for case in CASES:
        if case.size != options.size if options.size else case.size > 256:
            continue
        for dtype in (torch.float32, torch.bfloat16):
            row = measure(case, dtype, options.repeats, clock)
            cells = [f"{row[name]:.1f}" for name in ("forward", "latent", "train")]
            name = "bf16" if dtype == torch.bfloat16 else "fp32"
            table.add_row(case.name, name, str(case.batch), *cells, f"{row['rate']:.0f}", f"{row['share']:.0%}")
    Console().print(table)


if __name__ == "__main__":
    main()
