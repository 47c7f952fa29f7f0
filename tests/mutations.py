"""What do the tests see? 80 defects of one line, each put into a copy of src and shown to the tests of its module.

    python tests/mutations.py                 # all, as a Markdown table
    python tests/mutations.py refine metrics  # those whose file has one of these words in its path

A defect is killed when its tests fail, and pass without it. One that no test sees survives: the code has a line that can be
wrong. The exit status is 1 where one does. pytest does not collect this file.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

os.environ.setdefault("OMP_NUM_THREADS", "1")  # torch's threads do not survive a fork
ROOT = Path(__file__).resolve().parents[1]
LIMIT = 240  # seconds for the tests of one defect; more counts as killed, since a loop that never ends is seen
PRELOADED = (
    "torch",
    "numpy",
    "pytest",
    "scipy.linalg",
    "hypothesis",
    "PIL.Image",
    "hydra",
    "pydantic",
    "safetensors.torch",
)


class Mutant(NamedTuple):
    """A defect.

    Attributes:
        file: below src/insetgan.
        old: text that occurs there once.
        new: what stands in its place.
        tests: arguments of pytest, below tests/.
    """

    file: str
    old: str
    new: str
    tests: str


def listed() -> list[Mutant]:
    """The defects of mutations.yaml."""
    table = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
    return [Mutant(file, **defect) for file, defects in table.items() for defect in defects]


def main() -> int:
    """Try the defects and print a table."""
    words = sys.argv[1:]
    tried = [mutant for mutant in listed() if not words or any(word in mutant.file for word in words)]
    for name in PRELOADED:  # once for all defects; their tests run in forks
        __import__(name)
    print("| file | defect | tests | seen | s |\n|---|---|---|---|---|", flush=True)
    verdicts = []
    with tempfile.TemporaryDirectory(prefix="insetgan-mutations-") as name:
        copy = Path(name)
        for folder in ("src", "conf", "experiments"):
            shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
        for mutant in tried:
            began = time.monotonic()
            verdicts.append(judged(mutant, copy))
            cells = (mutant.file, f"`{mutant.old}` -> `{mutant.new}`", mutant.tests, verdicts[-1])
            print(
                "| " + " | ".join(cell.replace("|", "\\|") for cell in cells),
                f"| {time.monotonic() - began:.0f} |",
                flush=True,
            )
    killed = verdicts.count("killed")
    print(f"\n{killed} of {len(tried)} killed, {verdicts.count('survived')} survived")
    return int(killed < len(tried))


def judged(mutant: Mutant, copy: Path) -> str:
    """Put a defect into the copy, run its tests, take it out again."""
    path = copy / "src" / "insetgan" / mutant.file
    text = path.read_text()
    if text.count(mutant.old) != 1:
        return f"its text occurs {text.count(mutant.old)} times"
    path.write_text(text.replace(mutant.old, mutant.new))
    try:
        status = run_tests(mutant.tests, copy)
    finally:
        path.write_text(text)
    if status == 1:
        return "killed" if passes(mutant.tests, copy) else "its tests fail without it"
    return {0: "survived", 5: "no test of that name"}.get(status, f"pytest ended with {status}")


@cache
def passes(tests: str, copy: Path) -> bool:
    """Whether tests pass without a defect; asked once for all defects that they are to see."""
    return run_tests(tests, copy) == 0


def run_tests(tests: str, copy: Path) -> int:
    """Run tests against the copy in a fork; returns pytest's exit status."""

    def work() -> int:
        import shlex

        import pytest

        os.environ["PYTHONPATH"] = str(copy / "src")  # for commands that tests start
        sys.path.insert(0, str(copy / "src"))
        sys.dont_write_bytecode = True
        os.chdir(ROOT)
        arguments = [f"tests/{one}" if one.endswith(".py") else one for one in shlex.split(tests)]
        options = ["-x", "-q", "--timeout", str(LIMIT), "-p", "no:cacheprovider", "-m", "not slow"]
        return int(pytest.main([*options, *arguments]))

    return in_fork(work)


def in_fork(work: Callable[[], int]) -> int:
    """Return what `work` returns in a fork of this process whose output is thrown away."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 3
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        status = work()
    finally:
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
