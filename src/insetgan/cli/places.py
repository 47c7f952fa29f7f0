"""Where conf/ and experiments/ lie: beside src/ in a checkout, else inside the installed package."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_CHECKOUT = _PACKAGE.parents[1]
_HOLDS_BOTH = _CHECKOUT if (_CHECKOUT / "src" / "insetgan") == _PACKAGE else _PACKAGE

CONF = _HOLDS_BOTH / "conf"
"""The files that Hydra composes."""

EXPERIMENTS = _HOLDS_BOTH / "experiments"
"""The experiments that come with the project."""


def experiment_folders() -> list[Path]:
    """Folders of experiments, the later before the earlier: the project's, then `experiments/` in the folder of the command."""
    own = Path("experiments")
    return [EXPERIMENTS, *([own] if own.is_dir() and own.resolve() != EXPERIMENTS else [])]


def choices_of(group: str) -> list[str]:
    """Return the choices of a group of conf/, sorted by name."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))
