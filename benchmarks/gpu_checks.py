"""Numerical checks of networks, losses, augmentation and solver on a device, against float64 on the CPU.

python benchmarks/gpu_checks.py                  # on the GPU
python benchmarks/gpu_checks.py --device cpu     # the same on the CPU

The error is |out - reference| / |reference| over each result, the largest of a check's results. Limits:

* fp32 (TF32 off): 1e-4 for results and 1e-3 for gradients. Rounding is 6e-8 an operation; sums of thousands of products
  and the kinks of leaky ReLU, where a gradient jumps, make the rest.
* bf16: 8 bits a number, an error of 2e-3 an operation, so 5e-2 for results; 2e-1 for gradients, since every kink
  that rounding crosses changes a gradient by a part of itself, and layers add up.
* fp16: 11 bits, so 1e-2 for results and 1e-1 for gradients.

R1 and path length are differentiated twice. Training computes them in float32 in every precision, so they are checked in fp32.
"""

import argparse
import copy
import sys
import time
from dataclasses import dataclass

import gpu_cases
import gpu_runs
import torch
from torch import Tensor

TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
LIMITS = {"result": {"fp32": 1e-4, "bf16": 5e-2, "fp16": 1e-2}, "gradient": {"fp32": 1e-3, "bf16": 2e-1, "fp16": 1e-1}}


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    name: str
    kind: str
    error: str
    limit: str
    ok: bool


def moved(given: dict[str, Tensor], device: str, dtype: torch.dtype) -> dict[str, Tensor]:
    return {name: each.to(device, dtype) for name, each in given.items()}


def error_of(found: gpu_cases.Outputs, wanted: gpu_cases.Outputs) -> tuple[float, str]:
    """The largest relative error, and of which result; NaN counts as the largest."""
    worst, where = 0.0, next(iter(wanted))
    for name, exact in wanted.items():
        mine, exact = found[name].detach().cpu().double(), exact.detach().double()
        error = float((mine - exact).norm() / exact.norm().clamp(min=1e-12))
        if not error <= worst:
            worst, where = error, name
        if error != error:
            break
    return worst, where


def run_check(check: gpu_cases.Check, device: str) -> list[Row]:
    torch.manual_seed(0)
    network, given = check.network(), check.inputs()
    wanted = check.compute(copy.deepcopy(network).double(), moved(given, "cpu", torch.float64))
    rows = []
    for kind in check.types:
        limit = LIMITS[check.kind][kind]
        try:
            there = copy.deepcopy(network).to(device)
            with torch.autocast(device, dtype=TYPES[kind], enabled=kind != "fp32"):
                found = check.compute(there, moved(given, device, torch.float32))
            error, where = error_of(found, wanted)
            rows.append(Row(check.name, kind, f"{error:.1e} ({where})", f"{limit:.0e}", error <= limit))
        except Exception as failure:  # a fault is a row of the table, never the end of the run
            rows.append(broken(check.name, kind, failure))
    return rows


def broken(name: str, kind: str, failure: Exception) -> Row:
    first = str(failure).strip().splitlines() or [""]
    return Row(name, kind, f"{type(failure).__name__}: {first[0][:150]}", "", False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", choices=("cuda", "cpu"), default=default)
    device = parser.parse_args().device
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    began, rows = time.perf_counter(), []
    for check in gpu_cases.checks():
        try:
            rows += run_check(check, device)
        except Exception as failure:
            rows.append(broken(check.name, "float64", failure))
    for name, kind, function in gpu_runs.runs(device):
        try:
            error, limit = function()
            rows.append(Row(name, kind, f"{error:.1e}", f"{limit:.0e}", error <= limit))
        except Exception as failure:
            rows.append(broken(name, kind, failure))
    print("| check | precision | error | limit | ok |\n|---|---|---|---|---|")
    for row in rows:
        print(f"| {row.name} | {row.kind} | {row.error} | {row.limit} | {'yes' if row.ok else 'NO'} |")
    failed = sum(not row.ok for row in rows)
    print(
        f"{len(rows)} checks on {device}, {failed} failed, {time.perf_counter() - began:.0f} s, torch {torch.__version__}"
    )
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
