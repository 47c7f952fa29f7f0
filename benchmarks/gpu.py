"""Check, time and train on a GPU, in one call of a few minutes.

python benchmarks/gpu.py --out results --seconds 540    # checks, tables, and the trainings of gpu_trainings.yaml
python benchmarks/gpu.py --out results --seconds 120 --tables 0 --trainings mine.yaml

The tables come first and have the device to themselves. Then the checks and all trainings run side by side until the time
is over; the trainings are asked to stop, as by Ctrl-C, and save. A file of trainings names each and gives the arguments of
train.py. What a training left in its folder is packed into `trained.tar`, in pieces of `--piece` MiB, which
`cat trained.tar.* | tar -x` unpacks. Unpacked into the folder `--work`, checkpoints are gone on from by a second call.
"""

import argparse
import shlex
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SAVING = 30
"""Seconds that trainings get to save in before the time is over."""

LEFT_BEHIND = ("network-last.safetensors", "network-best.safetensors", "metrics.csv", "train.log", "config.yaml")


class Training:
    """One run of train.py in a process of its own.

    Args:
        name: of its folder below `work`.
        arguments: of train.py, as in a shell.
        work: where all trainings have their folders.
    """

    def __init__(self, name: str, arguments: str, work: Path) -> None:
        self.name, self.folder = name, work / name
        self.log = work / f"{name}.log"
        command = [sys.executable, "train.py", *shlex.split(arguments), f"out={self.folder}", "resume=auto"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=self.log.open("ab"), stderr=subprocess.STDOUT)

    @property
    def said(self) -> str:
        """The last line of its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return lines[-1][:180] if lines else "-"

    def stop(self, until: float) -> None:
        """Wait until a time, which is one of `time.monotonic`, for it to save, after it was asked to stop."""
        try:
            self.process.wait(max(until - time.monotonic(), 1))
        except subprocess.TimeoutExpired:
            self.process.kill()

    def files(self, *, checkpoint: bool) -> list[Path]:
        """What is brought back: networks, logs, the newest sample grids, and the checkpoint if wanted."""
        grids = sorted((self.folder / "samples").glob("*kimg*.png"), key=lambda path: path.stat().st_mtime)[-3:]
        names = (*LEFT_BEHIND, "last.ckpt") if checkpoint else LEFT_BEHIND
        return [path for path in (self.log, *(self.folder / name for name in names), *grids) if path.is_file()]


def run_part(script: str, arguments: list[str], log: Path) -> "subprocess.Popen[bytes]":
    """Start another script of this folder, its output in a file."""
    command = [sys.executable, str(HERE / script), *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=log.open("wb"), stderr=subprocess.STDOUT)


def finish_part(part: "subprocess.Popen[bytes]", log: Path, seconds: float) -> None:
    """Wait so long for a script, and print what it wrote."""
    try:
        part.wait(max(seconds, 1))
    except subprocess.TimeoutExpired:
        part.kill()
    print(log.read_text(errors="replace"), f"exit code {part.returncode}", sep="\n", flush=True)


def watch(trainings: list[Training], until: float, every: float) -> None:
    """Print what each training says and what the device does, until a time or until all have ended."""
    while time.monotonic() < until and any(each.process.poll() is None for each in trainings):
        time.sleep(max(0.0, min(every, until - time.monotonic())))
        print(f"--- {time.strftime('%T')} {device_load()}")
        for each in trainings:
            state = "" if each.process.poll() is None else f" (ended: {each.process.returncode})"
            print(f"{each.name}{state}: {each.said}", flush=True)


def device_load() -> str:
    """Share of time in which the GPU computed, and its memory in use; empty without one."""
    query = ["nvidia-smi", "--query-gpu=name,utilization.gpu,memory.used,clocks.sm", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def pack(trainings: list[Training], out: Path, piece: int, *, checkpoints: list[str]) -> None:
    """Write `trained.tar` of what the trainings left, cut into pieces of so many MiB."""
    whole = out / "trained.tar"
    with tarfile.open(whole, "w") as tar:
        for each in trainings:
            for path in each.files(checkpoint=each.name in checkpoints):
                tar.add(path, arcname=str(path.relative_to(each.folder.parent)))
    with whole.open("rb") as source:
        number = 0
        while data := source.read(piece << 20):
            (out / f"trained.tar.{number:02d}").write_bytes(data)
            number += 1
    whole.unlink()


def main() -> int:
    """Run the parts that are asked for; returns 1 if a check or a training failed."""
    options = parse()
    start = time.monotonic()
    deadline = start + options.seconds
    options.out.mkdir(parents=True, exist_ok=True)
    options.work.mkdir(parents=True, exist_ok=True)
    shared = ["--device", options.device, *(["--tiny"] if options.tiny else [])]
    print(device_load(), flush=True)
    if options.tables:
        log = options.out / "tables.md"
        numbers = ["--budget", str(options.tables), "--out", str(options.out / "tables.json")]
        finish_part(run_part("gpu_tables.py", [*shared, *numbers], log), log, options.tables + 60)
        print(f"tables took until second {time.monotonic() - start:.0f}", flush=True)
    given: dict[str, Any] = yaml.safe_load(options.trainings.read_text()) if options.trainings else {}
    trainings = [Training(name, arguments, options.work) for name, arguments in given.items()]
    failed = 0
    checks_log = options.out / "checks.md"
    checks = run_part("gpu_checks.py", shared[:2], checks_log) if options.checks else None
    watch(trainings, deadline - SAVING, options.every)
    for each in trainings:
        if each.process.poll() is None:
            each.process.send_signal(signal.SIGTERM)
    if checks is not None:
        finish_part(checks, checks_log, deadline - time.monotonic() - SAVING / 2)
        failed += checks.returncode != 0
    for each in trainings:
        each.stop(deadline)
        failed += each.process.returncode not in (0, 128 + signal.SIGTERM)
        print(f"{each.name}: exit code {each.process.returncode}: {each.said}", flush=True)
    pack(trainings, options.out, options.piece, checkpoints=options.checkpoints)
    return int(failed > 0)


def parse() -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for tables, logs and trained.tar.*")
    parser.add_argument("--work", type=Path, default=Path("outputs/gpu"), help="folder in which trainings have theirs")
    parser.add_argument("--seconds", type=float, default=540, help="in all")
    parser.add_argument("--tables", type=float, default=110, help="seconds for the tables; 0 for none")
    parser.add_argument("--no-checks", dest="checks", action="store_false", help="leave the numerical checks out")
    parser.add_argument(
        "--trainings", type=Path, default=HERE / "gpu_trainings.yaml", help="name: arguments of train.py"
    )
    parser.add_argument("--checkpoints", nargs="*", default=[], help="trainings whose checkpoints are packed too")
    parser.add_argument("--piece", type=int, default=15, help="MiB of a piece of trained.tar")
    parser.add_argument("--every", type=float, default=20, help="seconds between two looks at the trainings")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--tiny", action="store_true", help="tables of tiny networks, to try the script")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
