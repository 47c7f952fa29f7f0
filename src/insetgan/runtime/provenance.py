"""What made a file: the version of this package, its commit, and the command."""

import functools
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from insetgan import __version__
from insetgan.runtime import limits, plugins
from insetgan.runtime.reading import read_file

_MADE_BY: ContextVar[tuple[str, ...]] = ContextVar("made_by", default=())


@contextmanager
def made_by(*command: str) -> Iterator[None]:
    """Within this context, name another command than the one that runs: a page may carry out what another command does.

    Args:
        command: the program and its arguments.
    """
    token = _MADE_BY.set(command)
    try:
        yield
    finally:
        _MADE_BY.reset(token)


def provenance() -> dict[str, str]:
    """Version of the package, the command that runs or `made_by` names, and the git commit of the package or "unknown".

    A commit with "+" behind it had changes that were not committed. If packages of the user's own were named, `plugins` has
    digests of their source code.
    """
    name, *arguments = _MADE_BY.get() or sys.argv
    command = shlex.join([Path(name).name, *arguments])
    found = {"version": __version__, "command": command, "commit": _commit()}
    return found | {"plugins": named} if (named := _plugins()) else found


def changed_plugins(config: Path) -> list[str]:
    """The user's packages whose source code is not what it was when config.yaml of a run was written.

    Args:
        config: that `with_provenance` wrote; of a missing or damaged one nothing is said.
    """
    try:
        head = read_file(config, limits.RECORD_BYTES).decode(errors="replace").splitlines()[:8]
    except (OSError, ValueError):
        return []
    known = next((line.removeprefix("# plugins: ").split() for line in head if line.startswith("# plugins: ")), [])
    before = dict(word.partition("=")[::2] for word in known)
    now = dict(word.partition("=")[::2] for word in _plugins().split())
    return [name for name in now if before.get(name, now[name]) != now[name]]


def _plugins() -> str:
    return " ".join(f"{name}={digest[:12]}" for name, digest in plugins.digests().items())


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
