"""Latent steps of the embedded body on a machine that others use: waiting threads that spin, and ones that sleep.

python benchmarks/threads.py            # alone and beside ten busy programs, each case in turn, three rounds
python benchmarks/threads.py --busy 4 --seconds 10
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

CASES = {
    "threads that spin (OpenMP's default)": ("2", {}),
    "threads that sleep (the commands')": ("2", {"OMP_WAIT_POLICY": "PASSIVE"}),
    "one thread": ("1", {}),
}


def steps(threads: int, seconds: float, batch: int) -> float:
    """Latent steps a second of this process."""
    import torch

    from insetgan.weights.store import load_network

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    generator = load_network("body", kind="generator")
    ws = torch.randn(batch, generator.num_ws, generator.w_dim, requires_grad=True)
    for count in range(-2, sys.maxsize):
        if count == 0:
            start = time.perf_counter()
        generator.synthesis(ws, noise_mode="const").square().mean().backward()
        if count > 0 and time.perf_counter() - start > seconds:
            return (count + 1) / (time.perf_counter() - start)
    return 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--busy", type=int, default=10, help="programs beside it")
    parser.add_argument("--seconds", type=float, default=5.0, help="of a measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.threads:
        print(steps(options.threads, options.seconds, options.batch))
        return
    print(f"| steps/s, batch {options.batch} | alone | beside {options.busy} busy programs |\n|---|---|---|")
    found: dict[tuple[str, bool], list[float]] = {}
    for busy in (False, True):
        others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(options.busy * busy)]
        try:
            for _ in range(options.rounds):
                for name, (threads, environment) in CASES.items():
                    clean = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_"))}
                    command = [sys.executable, __file__, "--threads", threads, "--seconds", str(options.seconds)]
                    command += ["--batch", str(options.batch)]
                    said = subprocess.check_output(command, env=clean | environment, text=True)
                    found.setdefault((name, busy), []).append(float(said))
        finally:
            for other in others:
                other.kill()
    for name in CASES:
        print(f"| {name} | {' | '.join(f'{statistics.median(found[name, busy]):.2f}' for busy in (False, True))} |")


if __name__ == "__main__":
    main()
