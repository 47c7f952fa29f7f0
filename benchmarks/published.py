"""Memory and time of a joint sample at published sizes, with random weights and LPIPS (a random VGG-16), by preset.

python benchmarks/published.py                                  # all sizes, fp32 and bf16; a process each, for its memory
python benchmarks/published.py --canvas 1024x512 --face 256 --steps 4
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from insetgan.detection.detector import AlignedBoxes
from insetgan.detection.part import Part
from insetgan.networks.generator import Generator
from insetgan.refine.solver import refine
from insetgan.runtime.memory import keep_freed_memory
from insetgan.runtime.torchvision_guard import guard
from refine import built, problem_of

HEAD = (0.39, 0.06, 0.61, 0.17)
BASES = {1024: 32768, 512: 32768, 256: 16384}


def measure(canvas: str, face: int, preset: str, precision: str, steps: int, answer: Any) -> None:
    """Take steps of both sides; sends CPU seconds a step, seconds a step, GiB at most, and the steps of the preset."""
    torch.manual_seed(0)
    torch.set_num_threads(multiprocessing.cpu_count())
    keep_freed_memory()
    guard()
    from torchvision.models import vgg16

    with tempfile.TemporaryDirectory() as folder:
        backbone = Path(folder) / "vgg.pth"
        kept = {name: value for name, value in vgg16(weights=None).state_dict().items() if name.startswith("features.")}
        torch.save(kept, backbone)
        module = built(f"preset={preset}", "perceptual=lpips", f"perceptual.path={backbone}")
    height, width = map(int, canvas.split("x"))
    drawn = [
        Generator(height=high, width=wide, channel_base=BASES[high], channel_max=512, conv_clamp=256)
        for high, wide in ((height, width), (face, face))
    ]
    body, inset = (each.eval().requires_grad_(False) for each in drawn)
    module.canvas = body
    module.parts = {"face": Part("face", inset, AlignedBoxes({"face": HEAD}), module.parts["face"].placement)}
    problem = problem_of(module, 1, "cpu")
    schedule = replace(module.schedule, block=1, tolerance=0.0)
    found = []
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        for number in (1, 1, 1 + steps):  # the first one warms up
            began = time.process_time(), time.perf_counter()
            refine(problem, module.objective, replace(schedule, steps=number))
            found.append((time.process_time() - began[0], time.perf_counter() - began[1]))
    cpu, wall = ((long - short) / steps for short, long in zip(*found[1:], strict=True))
    answer.send((cpu, wall, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, module.schedule.steps))


def main() -> None:
    """Print a table, a row as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--canvas", nargs="*", default=["1024x512", "1024x768", "1024x1024"])
    parser.add_argument("--face", nargs="*", type=int, default=[1024, 256])
    parser.add_argument("--preset", nargs="*", default=["official"])
    parser.add_argument("--precision", nargs="*", default=["bf16", "fp32"])
    parser.add_argument("--steps", type=int, default=2)
    given = parser.parse_args()
    print("| preset | canvas | face | type | GiB at most | core seconds a step | core minutes a sample | steps |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    context = multiprocessing.get_context("spawn")
    for preset in given.preset:
        for canvas in given.canvas:
            for face in given.face:
                for precision in given.precision:
                    mine, theirs = context.Pipe()
                    case = (canvas, face, preset, precision, given.steps, theirs)
                    process = context.Process(target=measure, args=case)
                    process.start()
                    theirs.close()
                    cpu, _, memory, steps = mine.recv()
                    process.join()
                    shown = f"{cpu:.2f} | {cpu * steps / 60:.0f} | {steps}"
                    print(f"| {preset} | {canvas} | {face} | {precision} | {memory:.1f} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
