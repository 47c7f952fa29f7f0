"""InsetGAN: compose images from several generators.

The names below are the library: docs/library.md shows them in use. They are loaded when they are first used, so that
`import insetgan` takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from insetgan.detection.detector import FixedBoxes as FixedBoxes
    from insetgan.detection.part import Part as Part
    from insetgan.detection.placement import SquarePlacement as SquarePlacement
    from insetgan.library import Composition as Composition
    from insetgan.library import compose as compose
    from insetgan.library import draw as draw
    from insetgan.library import load as load
    from insetgan.library import measure as measure
    from insetgan.library import objective as objective
    from insetgan.library import sheet as sheet
    from insetgan.refine.schedule import Schedule as Schedule
    from insetgan.runtime.errors import UserError as UserError

_LIBRARY = {
    "Composition": "insetgan.library",
    "FixedBoxes": "insetgan.detection.detector",
    "Part": "insetgan.detection.part",
    "Schedule": "insetgan.refine.schedule",
    "SquarePlacement": "insetgan.detection.placement",
    "UserError": "insetgan.runtime.errors",
    "compose": "insetgan.library",
    "draw": "insetgan.library",
    "load": "insetgan.library",
    "measure": "insetgan.library",
    "objective": "insetgan.library",
    "sheet": "insetgan.library",
}

__all__ = [*_LIBRARY, "__version__"]


def __getattr__(name: str) -> Any:
    """Load a name of the library when it is first used."""
    if name not in _LIBRARY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = getattr(import_module(_LIBRARY[name]), name)
    return found


def __dir__() -> list[str]:
    """All names, loaded or not."""
    return sorted({*globals(), *_LIBRARY})
