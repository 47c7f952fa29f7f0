"""Speed of the three solvers of refine.py on the embedded models, in turn: steps, a composer, and a composer before steps.

python benchmarks/onepass.py                       # 16 samples at once, fp32 and bf16
python benchmarks/onepass.py --steps 30            # of the 300, whose time is ten times as long
"""

import argparse
import itertools
import statistics
from typing import Any

import torch

from insetgan.refine.module import RefinementModule
from insetgan.refine.solver import refine
from insetgan.runtime.memory import keep_freed_memory
from refine import built, problem_of, seconds

SOLVERS = ("steps", "hybrid", "onepass")


def timed(module: RefinementModule, count: int, device: str, *, bf16: bool) -> float:
    """Seconds of a refinement of `count` samples, from start latents to composites; none stops early."""
    problem, schedule = problem_of(module, count, device), module.schedule

    def run() -> None:
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=bf16):
            refine(problem, module.objective, schedule, one_pass=module.one_pass)

    return seconds(run, device)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--composer", default=None, help="a file; the embedded one without")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--steps", type=int, default=300, help="steps of the 300 that are made; their time is scaled")
    options.add_argument("--counts", type=int, nargs="+", default=[16, 1], help="samples at once")
    options.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    keep_freed_memory()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    modules: dict[str, RefinementModule] = {}
    for solver in SOLVERS:
        named: list[Any] = [] if given.composer is None or solver == "steps" else [f"composer={given.composer}"]
        if solver == "steps":
            named = [f"steps={given.steps}"]
        modules[solver] = built(f"solver={solver}", "schedule.tolerance=0", *named)
        timed(modules[solver], 1, device, bf16=False)  # the first call is slower
    print("| samples at once, floats | " + " | ".join(SOLVERS) + " | hybrid / steps | onepass / steps |")
    print("|---|" + "---|" * 5)
    for count, bf16 in itertools.product(given.counts, (False, True)):
        # Round by round, so that a slow minute of the machine falls upon all.
        rounds = [
            {solver: timed(each, count, device, bf16=bf16) for solver, each in modules.items()}
            for _ in range(given.rounds)
        ]
        rates = {solver: 60 * count / statistics.median(found[solver] for found in rounds) for solver in SOLVERS}
        rates["steps"] *= given.steps / 300
        shown = " | ".join(f"{rates[solver]:.1f} a minute" for solver in SOLVERS)
        ratios = " | ".join(f"{rates[solver] / rates['steps']:.1f} times" for solver in ("hybrid", "onepass"))
        print(f"| {count}, {'bf16' if bf16 else 'fp32'} | {shown} | {ratios} |", flush=True)


if __name__ == "__main__":
    main()
