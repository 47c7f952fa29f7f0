"""Time an iteration of GAN training, phase by phase, and show where time and memory go.

python benchmarks/train.py                      # 64x64, 256x128 as embedded, 256x256; fp32 and bf16
python benchmarks/train.py --case 1024 --large  # the large one has to be asked for
python benchmarks/train.py --device cuda --types fp32 bf16 fp16 --compile
python benchmarks/train.py --busy               # on a machine that others use: one thread, its own CPU time
"""

import argparse
import copy
import resource
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from insetgan.data.share import Share
from insetgan.networks import Discriminator, Generator
from insetgan.runtime.memory import keep_freed_memory
from insetgan.training.draws import Draws
from insetgan.training.ema import update_ema
from insetgan.training.phases import Phase, PhaseInputs, standard_phases
from networks import Convolution

TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Case:
    """A pair of networks and the batch that is computed at once."""

    name: str
    height: int
    width: int
    channel_base: int
    channel_max: int
    batch: int
    large: bool = False


CASES = {
    case.name: case
    for case in (
        Case("64", 64, 64, 4096, 64, 16),
        Case("256x128", 256, 128, 4096, 128, 8),
        Case("256", 256, 256, 16384, 512, 4),
        Case("1024", 1024, 1024, 32768, 512, 1, large=True),
    )
}


@dataclass(frozen=True)
class Setting:
    """How a case is run."""

    device: str
    dtype: torch.dtype
    repeats: int
    threads: int
    busy: bool
    compile: bool

    @property
    def clock(self) -> Callable[[], float]:
        """What times are read from, in seconds."""
        if self.device == "cuda":
            return lambda: torch.cuda.synchronize() or time.perf_counter()
        return time.thread_time if self.busy else time.perf_counter


class Training:
    """Networks, optimisers and the phases between them."""

    def __init__(self, case: Case, setting: Setting) -> None:
        """Make everything that an iteration needs."""
        torch.manual_seed(0)
        widths = {"channel_base": case.channel_base, "channel_max": case.channel_max}
        clamp = 256.0 if setting.dtype == torch.float16 else None
        shape = {"height": case.height, "width": case.width, "conv_clamp": clamp, **widths}
        self.G, self.D = Generator(**shape).to(setting.device), Discriminator(**shape).to(setting.device)
        self.G_ema = copy.deepcopy(self.G).requires_grad_(False)
        self.optimizers = {
            "G": torch.optim.Adam(self.G.parameters(), lr=0.002, betas=(0.0, 0.99), fused=True),
            "D": torch.optim.Adam(self.D.parameters(), lr=0.002, betas=(0.0, 0.99), fused=True),
        }
        self.phases = standard_phases(gamma=1.0, pl_weight=2.0)
        self.real = torch.randn(case.batch, 3, case.height, case.width, device=setting.device)
        self.real = self.real.contiguous(memory_format=torch.channels_last)
        self.path_mean = torch.zeros((), device=setting.device)
        self.setting, self.count = setting, 0
        self.main: dict[str, Any] = {}
        if setting.compile:
            compiled = [torch.compile(part, dynamic=False) for part in (self.G.synthesis, self.D)]
            self.main = dict(zip(("synthesis", "discriminator"), compiled, strict=True))

    def run(self, phase: Phase) -> None:
        """Compute the gradients of a phase, as `training.gan_module` does it."""
        self.G.requires_grad_(phase.network == "G")
        self.D.requires_grad_(phase.network == "D")
        self.optimizers[phase.network].zero_grad(set_to_none=True)
        self.count += 1
        draws = Draws(0, self.count, Share(len(self.real)), stream=phase.name, device=self.setting.device)
        networks: dict[str, Any] = {"generator": self.G, "discriminator": self.D}
        networks |= {} if phase.regularises else self.main
        inputs = PhaseInputs(**networks, real=self.real, draws=draws, style_mixing=0.9, path_mean=self.path_mean)
        dtype = self.setting.dtype
        with torch.autocast(self.setting.device, dtype=dtype, enabled=dtype != torch.float32):
            loss, _ = phase.loss(inputs)
        (loss * phase.gain).backward()  # type: ignore[no-untyped-call]

    def update(self) -> None:
        """Step both optimisers and the average."""
        for network in (self.G, self.D):
            for parameter in network.parameters():
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
        for optimizer in self.optimizers.values():
            optimizer.step()
        update_ema(self.G_ema, self.G, 0.999)


def peak_memory(device: str) -> float:
    """Most memory that this process has had at once, GB: on the GPU, or the whole process on the CPU."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def measure(case: Case, setting: Setting) -> dict[str, float]:
    """Take medians; the yardstick runs between the phases, so that both meet the same machine.

    Returns:
        ms an image of the batch by phase and of the "update", of a whole "iteration" whose regularisers run lazily, the peak
        of "memory" in GB and the yardstick's "rate" in GFLOP/s.
    """
    torch.set_num_threads(setting.threads)
    keep_freed_memory()
    training, clock, rates = Training(case, setting), setting.clock, []
    yardstick = Convolution(setting.dtype)
    yardstick.x, yardstick.weight = yardstick.x.to(setting.device), yardstick.weight.to(setting.device)
    steps: dict[str, Callable[[], None]] = {
        phase.name: lambda phase=phase: training.run(phase)  # type: ignore[misc]
        for phase in training.phases
    }
    row: dict[str, float] = {"iteration": 0.0}
    intervals = {phase.name: phase.interval for phase in training.phases}
    for name, step in {**steps, "update": training.update}.items():
        times = []
        for index in range(setting.repeats + 2):  # the first two pay for memory and compiling
            start = clock()
            yardstick()
            middle = clock()
            step()
            if index >= 2:
                rates.append(yardstick.gflop / (middle - start))
                times.append(clock() - middle)
        row[name] = 1000 * statistics.median(times) / case.batch
        row["iteration"] += row[name] / intervals.get(name, 1)
    return row | {"memory": peak_memory(setting.device), "rate": statistics.median(rates)}


def show(rows: list[tuple[Case, str, dict[str, float]]], title: str) -> None:
    table = Table(title=title)
    for heading in ("network", "type"):
        table.add_column(heading)
    phases = {"Gmain": 1, "Gpl": 4, "Dmain": 1, "Dr1": 16, "update": 1}
    for heading in ("batch", *phases, "iteration", "images/s", "shares", "peak GB", "conv2d GFLOP/s"):
        table.add_column(heading, justify="right")
    for case, kind, row in rows:
        total = row["iteration"]
        shares = " ".join(f"{100 * row[name] / every / total:.0f}" for name, every in phases.items())
        cells = [f"{row[name]:.1f}" for name in phases]
        cells += [f"{total:.1f}", f"{1000 / total:.2f}", shares, f"{row['memory']:.1f}", f"{row['rate']:.0f}"]
        table.add_row(case.name, kind, str(case.batch), *cells)
    Console(width=None if Console().is_terminal else 160).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES), help="only these networks")
    parser.add_argument("--large", action="store_true", help="also the network of 1024x1024")
    parser.add_argument("--types", nargs="+", choices=TYPES, default=["fp32", "bf16"], help="only these precisions")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--compile", action="store_true", help="torch.compile the networks of the main phases")
    parser.add_argument("--repeats", type=int, default=3, help="times that each phase is measured")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    parser.add_argument("--busy", action="store_true", help="one thread, and its CPU time in place of the wall clock")
    options = parser.parse_args()
    threads = 1 if options.busy else options.threads
    rows = []
    for case in (CASES[name] for name in options.case):
        for kind in options.types if options.large or not case.large else ():
            setting = Setting(options.device, TYPES[kind], options.repeats, threads, options.busy, options.compile)
            # A process of its own, whose peak of memory is that of the case.
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                rows.append((case, kind, pool.submit(measure, case, setting).result()))
    where = torch.cuda.get_device_name() if options.device == "cuda" else f"{threads} thread(s)"
    show(rows, f"ms per image, medians of {options.repeats}; {where}, torch {torch.__version__}")


if __name__ == "__main__":
    main()
