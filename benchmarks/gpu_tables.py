"""Speed on a GPU as Markdown tables, the most telling first, within a budget of seconds.

python benchmarks/gpu_tables.py --budget 110 --out tables.json     # on the GPU
python benchmarks/gpu_tables.py --device cpu --tiny                # every path but CUDA graphs, with small networks

Times are medians after a warm-up, the device being waited for. What the budget leaves no time for is named at the end.
PyTorch's own defaults hold: convolutions of float32 use TF32 on the GPU, matrix products do not. Networks have random weights.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
import train
from gpu_session import Session
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from insetgan.detection.detector import FixedBoxes
from insetgan.detection.part import Part
from insetgan.detection.parts_net import PartsNet
from insetgan.detection.placement import SquarePlacement
from insetgan.networks import Generator
from insetgan.refine.latents import CANVAS
from insetgan.refine.objective import Objective
from insetgan.refine.problem import Problem
from insetgan.refine.schedule import Schedule
from insetgan.refine.solver import refine
from insetgan.refine.starts import start_latents
from insetgan.refine.terms.paper import PAPER
from insetgan.runtime.memory import keep_freed_memory

NETWORKS = {
    "256x128, as embedded": {"height": 256, "width": 128, "channel_base": 4096, "channel_max": 128},
    "1024x1024, base 32768": {"height": 1024, "width": 1024, "channel_base": 32768, "channel_max": 512},
}
TRAINING = tuple(
    train.Case(str(size), size, size, 32768 if size >= 512 else 16384, 512, batch)
    for size, batch in ((256, 32), (1024, 8), (512, 16), (64, 64))
)
NVIDIA = {"256": 12.5, "512": 41.0, "1024": 90.0}
"""StyleGAN2-ADA's published seconds per thousand images on one A100, float16."""
PAPER_SECONDS = 75.0
"""The paper's joint refinement of one sample on a Titan RTX, section 5."""
TINY = {"height": 32, "width": 32, "channel_base": 256, "channel_max": 16}


def ceilings(session: Session) -> None:
    device, side = session.device, 256 if session.tiny else 8192
    short = torch.float32 if session.tiny else torch.bfloat16

    def copy() -> list[str]:
        source = torch.randn(2**18 if session.tiny else 2**29, device=device)
        target = torch.empty_like(source)
        return [f"{2 * 4 * source.numel() / session.median(lambda: target.copy_(source)) / 1e12:.2f} TB/s"]

    def product() -> list[str]:
        left, right = (torch.randn(side, side, device=device, dtype=short) for _ in range(2))
        session.rate = 2 * side**3 / session.median(lambda: left @ right)
        return [f"{session.rate / 1e12:.1f} TFLOP/s"]

    def convolution(dtype: torch.dtype) -> list[str]:
        batch, width, size = (1, 16, 16) if session.tiny else (32, 256, 128)
        order = torch.channels_last
        x = torch.randn(batch, width, size, size, device=device).to(dtype, memory_format=order)
        weight = torch.randn(width, width, 3, 3, device=device).to(dtype, memory_format=order)
        flops = 2 * 9 * width**2 * batch * size**2
        return [f"{flops / session.median(lambda: F.conv2d(x, weight, padding=1)) / 1e12:.1f} TFLOP/s"]

    session.table("The card's ceilings", "what", "rate")
    session.case(f"matrix product, {side} cubed, {short}", 3, product)
    session.case("copy within the device, read and written", 3, copy)
    for dtype in (torch.float32,) if session.tiny else (torch.bfloat16, torch.float16, torch.float32):
        session.case(f"conv2d 3x3, {dtype}", 3, lambda dtype=dtype: convolution(dtype))  # type: ignore[misc]


def training(session: Session) -> None:
    headings = (
        "network",
        "type",
        "batch",
        "s/kimg",
        "NVIDIA, A100",
        "images/s",
        "phases and update, ms an image",
        "peak GB",
    )
    session.table("An iteration of training, Gmain + Gpl / 4 + Dmain + Dr1 / 16 and the update", *headings)
    repeats = 1 if session.tiny else 3

    def measure(case: train.Case, kind: str) -> list[str]:
        if session.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        setting = train.Setting(session.device, train.TYPES[kind], repeats, torch.get_num_threads(), False, False)
        row = train.measure(case, setting)
        total = row["iteration"]  # ms an image, which are seconds a thousand images
        phases = " ".join(f"{row[name]:.2f}" for name in ("Gmain", "Gpl", "Dmain", "Dr1", "update"))
        published = f"{NVIDIA[case.name]:g}" if case.name in NVIDIA else ""
        return [kind, str(case.batch), f"{total:.2f}", published, f"{1000 / total:.1f}", phases, f"{row['memory']:.1f}"]

    cases = TRAINING[3:] if session.tiny else TRAINING
    if session.tiny:
        cases = (replace(cases[0], height=16, width=16, channel_base=128, channel_max=8, batch=4),)
    for case, kind in [(each, "bf16") for each in cases] + [(each, "fp16") for each in cases[:2]]:
        session.case(case.name, 9 if case.batch < 32 else 6, lambda case=case, kind=kind: measure(case, kind))  # type: ignore[misc]


def solver(session: Session) -> None:
    headings = ("samples at once", "type", "ms a step", "steps/s", "s a sample of 300 steps", "the paper", "peak GB")
    session.table("Joint refinement, canvas 1024x512, inset 1024x1024, base 32768", *headings)
    torch.manual_seed(0)
    wide: dict[str, Any] = {"channel_base": 32768, "channel_max": 512}
    sizes = ({"height": 1024, "width": 512, **wide}, {"height": 1024, "width": 1024, **wide})
    if session.tiny:
        sizes = ({**TINY, "width": 16}, TINY)
    canvas, inset = (Generator(**size).eval().requires_grad_(False).to(session.device) for size in sizes)
    features = PartsNet().eval().requires_grad_(False).to(session.device)
    box = (4, 4, 12, 12) if session.tiny else (180, 40, 330, 190)
    part = Part("face", inset, FixedBoxes({"face": box}), SquarePlacement())

    def measure(count: int, kind: str) -> list[str]:
        if session.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        starts = {name: start_latents(each, range(count), 0.7) for name, each in ((CANVAS, canvas), ("face", inset))}
        problem = Problem(canvas, {"face": part}, starts, features)

        def run(steps: int) -> float:
            began = time.perf_counter()
            with session.autocast(kind):
                refine(problem, Objective(dict(PAPER)), Schedule(steps=steps, tolerance=0.0))
            session.wait()
            return time.perf_counter() - began

        run(12)  # one turn of each side begins
        short, long = (4, 8) if session.tiny else (20, 60)
        few = run(short)
        step = (run(long) - few) / (long - short)
        whole = (few + (300 - short) * step) / count
        memory = train.peak_memory(session.device)
        return [kind, f"{1000 * step:.1f}", f"{1 / step:.1f}", f"{whole:.2f}", f"{PAPER_SECONDS:g}", f"{memory:.1f}"]

    for count, kind in ((1, "bf16"), (8, "bf16"), (1, "fp32")):
        session.case(str(count), 6 if count == 1 else 14, lambda count=count, kind=kind: measure(count, kind))  # type: ignore[misc]


def latent_step(network: Generator, ws: Tensor) -> Callable[[], Tensor]:
    """Synthesis and the gradient of w, weights frozen."""

    def step() -> Tensor:
        (gradient,) = torch.autograd.grad(network.synthesis(ws).square().mean(), ws)
        return gradient

    return step


def made(session: Session, size: dict[str, int], batch: int) -> tuple[Generator, Tensor]:
    torch.manual_seed(0)
    network = Generator(**size).eval().requires_grad_(False).to(session.device)
    with torch.no_grad():
        ws = network.mapping(torch.randn(batch, network.z_dim, device=session.device))
    return network, ws.clone().requires_grad_()


def counted(network: Generator, ws: Tensor) -> int:
    """Floating-point operations of a latent step; the counter cannot follow torch.autograd.grad."""
    with FlopCounterMode(display=False) as counter:
        network.synthesis(ws).square().mean().backward()
    ws.grad = None
    return int(counter.get_total_flops())


def networks(session: Session) -> None:
    headings = (
        "network",
        "type",
        "batch",
        "forward, ms an image",
        "latent step, ms an image",
        "GFLOP a latent step",
        "share of the matrix rate",
    )
    session.table("Networks, eager", *headings)

    def measure(size: dict[str, int], batch: int, kind: str) -> list[str]:
        network, ws = made(session, size, batch)
        step = latent_step(network, ws)
        with session.autocast(kind):
            with torch.no_grad():
                forward = session.median(lambda: network.synthesis(ws))
            flops = counted(network, ws)
            seconds = session.median(step)
        share = f"{flops / seconds / session.rate:.0%}" if session.rate else "-"
        cells = [f"{1000 * each / batch:.2f}" for each in (forward, seconds)]
        return [kind, str(batch), *cells, f"{flops / batch / 1e9:.1f}", share]

    for name, size in (("tiny", TINY),) if session.tiny else NETWORKS.items():
        large = name.startswith("1024")
        for batch, kind in ((8 if large else 64, "bf16"), (1, "bf16"), (8, "fp16"), (8, "fp32")):
            session.case(name, 4, lambda size=size, batch=batch, kind=kind: measure(size, batch, kind))  # type: ignore[misc]


def graphs(session: Session) -> None:
    session.table(
        "A latent step, eager, as a CUDA graph and compiled, bf16",
        "network",
        "batch",
        "how",
        "ms",
        "error",
    )

    def measure(size: dict[str, int], batch: int, how: str) -> list[str]:
        network, ws = made(session, size, batch)
        step = latent_step(network, ws)
        with session.autocast("bf16"):
            expected = step().float().clone()
            replay = step
            if how == "compiled":
                # The network's own call is the compiled one; its weights and buffers stay where they are.
                network.synthesis.compile(dynamic=False, backend="aot_eager" if session.tiny else "inductor")
            elif how == "graph":
                replay = captured(step)
            error = float((replay().float() - expected).norm() / expected.norm())
            seconds = session.median(replay)
        return [str(batch), how, f"{1000 * seconds:.2f}", f"{error:.1e}"]

    small = TINY if session.tiny else NETWORKS["256x128, as embedded"]
    ways = ("eager", "graph") if session.device == "cuda" else ("eager",)
    cases = [("256x128", small, batch, how) for batch in (1, 8) for how in ways]
    if not session.tiny:
        cases += [("1024x1024", NETWORKS["1024x1024, base 32768"], 1, how) for how in ways]
    for name, size, batch, how in cases:
        session.case(name, 3, lambda size=size, batch=batch, how=how: measure(size, batch, how))  # type: ignore[misc]
    session.case("256x128", 45, lambda: measure(small, 8, "compiled"))


def captured(step: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """Record a step, whose inputs stay where they are, as a CUDA graph."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):  # lazily made handles and remembered weights must be there before the recording
            step()
    torch.cuda.current_stream().wait_stream(side)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=side):
        result = step()

    def replay() -> Tensor:
        graph.replay()
        return result

    return replay


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", choices=("cuda", "cpu"), default=default)
    parser.add_argument("--budget", type=float, default=110.0, help="seconds in all")
    parser.add_argument("--tiny", action="store_true", help="small networks and no budget, to try the program")
    parser.add_argument("--out", type=Path, default=None, help="also write the tables to this JSON file")
    given = parser.parse_args()
    session = Session(given.device, given.budget, given.tiny, given.out)
    keep_freed_memory()
    card = torch.cuda.get_device_name() if given.device == "cuda" else "CPU"
    print(f"{card}, torch {torch.__version__}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}")
    for table in (ceilings, training, solver, networks, graphs):
        try:
            table(session)
        except Exception as failure:  # such as networks that do not fit; the other tables follow
            print(f"\n{table.__name__}: {type(failure).__name__}: {str(failure)[:300]}", flush=True)
    if session.left_out:
        print(f"\nLeft out for want of time: {'; '.join(session.left_out)}")


if __name__ == "__main__":
    main()
