"""`make release-check`: build sdist and wheel of what git tracks, look into both, and try the wheel in a fresh environment."""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IN_WHEEL = (
    "insetgan/weights/body.safetensors", "insetgan/weights/known.yaml", "insetgan/data/people.zip", "insetgan/py.typed",
    "insetgan/detection/mediapipe/LICENSE", "insetgan/conf/refine.yaml", "insetgan/experiments/table1.yaml",
    "insetgan/reports/report.html.j2", "insetgan_renderers/people/render.py",
)  # fmt: skip
IN_SDIST = (
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    "NOTICE",
    "constraints.txt",
    "Makefile",
    "docs/index.md",
    "notebooks/quickstart.ipynb",
    "CITATION.cff",
)
LARGEST = 60_000_000
"""Bytes of a wheel: the models for photographs, the embedded networks and the rendered people are about 50 MB."""


def run(*command: object, **options: object) -> None:
    """Run a command, which must succeed."""
    print("+", *command, flush=True)
    subprocess.run([str(word) for word in command], check=True, **options)  # type: ignore[call-overload]


def tracked(folder: Path) -> Path:
    """A copy of what git tracks, so that nothing that merely lies about can get into a package."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def look(sdist: Path, wheel: Path) -> list[str]:
    """What is wrong with the two files; nothing, if all is well."""
    with zipfile.ZipFile(wheel) as file:
        held = set(file.namelist())
        faults = [f"{wheel.name} lacks {name}" for name in IN_WHEEL if name not in held]
    faults += [
        f"{wheel.name} has {name}" for name in sorted(held) if name.startswith(("tests/", "docs/", "benchmarks/"))
    ]
    if wheel.stat().st_size > LARGEST:
        faults.append(f"{wheel.name} has {wheel.stat().st_size} bytes, more than {LARGEST}")
    with tarfile.open(sdist) as file:
        held = {name.partition("/")[2] for name in file.getnames()}
        faults += [f"{sdist.name} lacks {name}" for name in IN_SDIST if name not in held]
    return faults


def main(out: Path) -> int:
    """Build into `out`, look, install, compose one person; returns the exit code."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.rmtree(out, ignore_errors=True)
        run(sys.executable, "-m", "build", "--outdir", out.resolve(), tracked(folder / "source"))
        sdist, wheel = next(out.glob("*.tar.gz")), next(out.glob("*.whl"))
        if faults := look(sdist, wheel):
            print(*faults, sep="\n")
            return 1
        run(sys.executable, "-m", "venv", folder / "venv")
        program = folder / "venv" / "bin"
        run(
            program / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--constraint",
            ROOT / "constraints.txt",
            wheel.resolve(),
        )
        plain = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"INSETGAN_OFFLINE": "1"}
        (folder / "empty").mkdir()
        run(program / "insetgan", "--version", cwd=folder / "empty", env=plain)
        run(program / "insetgan", "refine", "seeds=0", "steps=2", "out=run", cwd=folder / "empty", env=plain)
        if not (folder / "empty" / "run" / "report.html").is_file():
            print("no report.html was left")
            return 1
    print(f"{sdist.name} and {wheel.name} lie in {out}, as they were tried")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
