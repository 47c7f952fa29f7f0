"""What made a file: the version of this package, its commit, and the command."""

import functools
import shlex
import subprocess
import sys
from pathlib import Path

from insetgan import __version__


def provenance() -> dict[str, str]:
    """Version of the package, the command that runs, and the git commit of the package or "unknown".

    A commit with "+" behind it had changes that were not committed.
    """
    name, *arguments = sys.argv
    command = shlex.join([Path(name).name, *arguments])
    return {"version": __version__, "command": command, "commit": _commit()}


def with_provenance(settings: str) -> bytes:
    """Settings as YAML, headed by version, command and commit as comments; what config.yaml of a run holds."""
    head = "".join(f"# {name}: {' '.join(value.splitlines())}\n" for name, value in provenance().items())
    return (head + settings).encode("utf-8", "surrogateescape")


@functools.cache
def _commit() -> str:
    """Of the checkout in which this package lies; a package that is installed elsewhere has none."""
    package = Path(__file__).resolve().parents[1]
    root = package.parents[1]
    if not (root / ".git").exists():  # git would go on looking in the folders above, which are other projects
        return "unknown"

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), "--no-optional-locks", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain", "-uno", "src") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"
