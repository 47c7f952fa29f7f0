"""Speed of a refinement: alone and in batches, what a step consists of, and a loop that computes everything in every step.

python benchmarks/refine.py                      # the embedded models, on whatever device there is
python benchmarks/refine.py --case published     # canvas 1024 x 512, inset 1024 x 1024, base 32768; bf16, fp32
"""

import argparse
import resource
import statistics
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore

from insetgan.cli.refine_config import RefineConfig
from insetgan.cli.refine_parts import build_module
from insetgan.cli.refine_perceptual import settle_perceptual
from insetgan.cli.rules import register_rules
from insetgan.cli.schema import conform, schema_of
from insetgan.detection.detector import FixedBoxes
from insetgan.detection.part import Part
from insetgan.networks.generator import Generator
from insetgan.refine.composition import draw_all
from insetgan.refine.latents import CANVAS
from insetgan.refine.locate import interiors, locate
from insetgan.refine.module import RefinementModule
from insetgan.refine.problem import Problem
from insetgan.refine.solver import refine
from insetgan.refine.views import View
from insetgan.runtime.memory import keep_freed_memory
from networks import Convolution

CONF = Path(__file__).resolve().parents[1] / "conf"
PUBLIC_MS = {"canvas": 8802 / 2, "inset": 8802}
"""The public implementation's latent step at 1024 x 1024, base 32768, on two cores; half of it for half the pixels."""


def built(*overrides: str) -> RefinementModule:
    ConfigStore.instance().store(name="refine_schema", node=schema_of(RefineConfig))
    register_rules()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("refine", list(overrides))
    conform(config, RefineConfig)
    settle_perceptual(config)
    return build_module(config, [0])


def problem_of(module: RefinementModule, count: int, device: str) -> Problem:
    starts = {name: module.starts(name, drawer, range(count)) for name, drawer in module.generators.items()}
    return module.to(device).problem(
        {name: codes.each(lambda _, tensor: tensor.to(device)) for name, codes in starts.items()}
    )


def seconds(task: Any, device: str) -> float:
    began = time.perf_counter()
    task()
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def timed_run(
    module: RefinementModule, count: int, steps: int, device: str, *, bf16: bool = False, **changes: Any
) -> float:
    """Milliseconds a step and sample, without what a run costs once."""
    problem = problem_of(module, count, device)
    schedule = replace(module.schedule, tolerance=0.0, **changes)

    def run(number: int) -> None:
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=bf16):
            refine(problem, module.objective, replace(schedule, steps=number))

    block = 2 * schedule.block
    seconds(lambda: run(1), device)
    short, long = (seconds(lambda number=number: run(number), device) for number in (block, block + steps))
    return (long - short) / steps / count * 1000


def plain_loop(module: RefinementModule, count: int, steps: int, device: str) -> float:
    """Milliseconds a step and sample of a loop as the public scripts have it: all is drawn and described every time."""
    problem, objective, schedule = problem_of(module, count, device), module.objective, module.schedule
    codes = {name: latents.detached() for name, latents in problem.starts.items()}
    leaves = {
        side: [
            leaf.requires_grad_()
            for name in codes
            if (name == CANVAS) == (side == "canvas")
            for leaf in codes[name].moving
        ]
        for side in ("canvas", "inset")
    }
    optimisers = {side: torch.optim.Adam(group, lr=0.01) for side, group in leaves.items()}
    with torch.no_grad():
        start = draw_all(problem.canvas, problem.parts, codes, codes)
        locations = locate(problem, start[CANVAS], start)
    inner = interiors(problem, locations)

    def run(number: int) -> None:
        for index in range(number):
            side = ("canvas", "inset")[index // schedule.block % 2]
            drawn = draw_all(problem.canvas, problem.parts, codes, codes)
            if index % 10 == 0:
                locate(problem, drawn[CANVAS], start, locations.placements)
            insets = {name: drawn[name] for name in problem.parts}
            view = View.of(
                drawn[CANVAS], insets, locations, codes, reference=start[CANVAS],
                inset_references={name: start[name] for name in problem.parts}, interiors=inner, perceptual=problem.perceptual,
            )  # fmt: skip
            names = objective.names()
            optimisers[side].zero_grad()
            objective.total(objective.values(view, names), 1.0).sum().backward()
            optimisers[side].step()

    run(2)
    return seconds(lambda: run(steps), device) / steps / count * 1000


def split(module: RefinementModule, count: int, steps: int, device: str) -> dict[str, float]:
    """Milliseconds a step and sample of what is called, forward and back; the rest is what remains of the whole."""
    spent: Counter[str] = Counter()
    problem = problem_of(module, count, device)
    owners = [
        (drawer.synthesis, "forward", "canvas" if name == CANVAS else "inset")
        for name, drawer in module.generators.items()
    ]
    owners += [(module.perceptual, "features", "perceptual")]
    owners += [(part.detector, "detect", "detector") for part in module.parts.values()]
    undo = []
    for owner, method, label in {id(owner): (owner, method, label) for owner, method, label in owners}.values():
        original = getattr(owner, method)
        undo.append((owner, method))
        setattr(owner, method, _watched(original, label, spent, device))
    whole = seconds(
        lambda: refine(problem, module.objective, replace(module.schedule, steps=steps, tolerance=0.0)), device
    )
    for owner, method in undo:
        delattr(owner, method)
    found = {label: value / steps / count * 1000 for label, value in sorted(spent.items())}
    return {**found, "rest": whole / steps / count * 1000 - sum(found.values())}


def _watched(original: Any, label: str, spent: Counter[str], device: str) -> Any:
    """Time a call, and its backward pass from when its output has its gradient until its input has."""

    def call(*arguments: Any, **options: Any) -> Any:
        began = time.perf_counter()
        output = original(*arguments, **options)
        if device != "cpu":
            torch.cuda.synchronize()
        spent[label] += time.perf_counter() - began
        given, outputs = arguments[0], output if isinstance(output, tuple) else (output,)
        if isinstance(given, torch.Tensor) and given.requires_grad and isinstance(outputs[0], torch.Tensor):
            marks: list[float] = []
            for one in outputs:
                one.register_hook(lambda grad: marks.append(time.perf_counter()))

            def end(grad: torch.Tensor) -> None:
                if marks:
                    spent[label] += time.perf_counter() - marks[0]
                    marks.clear()

            given.register_hook(end)
        return output

    return call


def embedded(device: str, steps: int, rounds: int) -> None:
    module = built()
    yardstick = Convolution(torch.float32)
    yardstick()
    rate = yardstick.gflop / min(seconds(yardstick, "cpu") for _ in range(10))
    print(f"plain 3x3 convolution on the CPU: {rate:.0f} GFLOP/s")
    print("| samples at once | ms a step and sample | samples a minute at 300 steps |\n|---|---|---|")
    for count in (1, 4, 16) if device == "cpu" else (1, 4, 16, 64):
        ms = timed_run(module, count, steps, device)
        print(f"| {count} | {ms:.2f} | {60_000 / ms / 300:.1f} |")
    print("| 8 at once, ms a step and sample | sides in turn | both sides in every step |\n|---|---|---|")
    settings = {"face": "parts=[face]", "face, hands and feet": "parts=[face,hands,feet]", "mode=part": "mode=part"}
    kinds = ("alternate", "together")
    modules = {
        (title, kind): built(setting, f"schedule={kind}") for title, setting in settings.items() for kind in kinds
    }
    # Round by round, so that a slow minute of the machine falls upon all.
    taken = [{key: timed_run(each, 8, steps, device) for key, each in modules.items()} for _ in range(rounds)]
    for title in settings:
        both = [statistics.median(found[title, kind] for found in taken) for kind in kinds]
        print(f"| {title} | {both[0]:.2f} | {both[1]:.2f} |")
    print(f"everything in every step, 8 at once: {plain_loop(module, 8, steps, device):.2f}")
    parts = split(module, 8, 40, device)
    print("a step, 8 at once: " + ", ".join(f"{name} {ms:.2f}" for name, ms in parts.items()))


def published(device: str, steps: int) -> None:
    torch.manual_seed(0)
    size: dict[str, Any] = {"channel_base": 32768, "channel_max": 512}
    canvas = Generator(height=1024, width=512, **size).eval().requires_grad_(False)
    inset = Generator(height=1024, width=1024, **size).eval().requires_grad_(False)
    module = built()
    part = Part("face", inset, FixedBoxes({"face": (180, 40, 330, 190)}), module.parts["face"].placement)
    module.canvas, module.parts = canvas, {"face": part}
    public = sum(PUBLIC_MS.values()) / 2
    for bf16 in (True, False):
        ms = timed_run(module, 1, steps, device, bf16=bf16, block=1)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"1024 x 512 and 1024 x 1024, {'bf16' if bf16 else 'fp32'}: {ms:.0f} ms a joint step, {memory:.1f} GiB at most; "
            f"the public implementation, one network a step: {public:.0f} ms ({public / ms:.1f} times)"
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--case", choices=["embedded", "published"], default="embedded")
    options.add_argument("--steps", type=int, default=None)
    options.add_argument("--rounds", type=int, default=5, help="of the table of schedules")
    options.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    keep_freed_memory()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if given.case == "embedded":
        embedded(device, given.steps or 40, given.rounds)
    else:
        published(device, given.steps or 4)


if __name__ == "__main__":
    main()
