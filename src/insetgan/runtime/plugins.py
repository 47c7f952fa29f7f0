"""From a name in the settings to a class: which packages may define it, and where packages of the user's own come from.

A name is resolved to the object itself, and the package that *defines* the object decides. What a module merely imports
is out of reach: `insetgan.training.checkpoint.torch.load` names nothing.
"""

import hashlib
import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from insetgan.runtime.errors import UserError

GROUP = "insetgan.plugins"
"""Entry point group by which an installed package admits itself."""

VARIABLE = "INSETGAN_PLUGINS"
"""Environment variable that admits packages, separated by commas."""

OURS = "insetgan"
BESIDE = "insetgan_renderers"
"""Comes with a checkout, and so is admitted there too, where no entry point was installed."""

LIBRARIES = {
    "torch": "torch.optim.Optimizer",
    "pytorch_lightning": "pytorch_lightning.loggers.Logger",
    "torchmetrics": "torchmetrics.Metric",
}
"""Of these packages only the classes of one kind may be named."""

_NEVER = {
    *sys.stdlib_module_names,
    *LIBRARIES,
    OURS,
    "hydra",
    "hydra_plugins",
    "lightning_fabric",
    "numpy",
    "omegaconf",
}
_NAME = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)+", re.ASCII)

_given: dict[str, str] = {}  # packages of the command line and the environment, by name: where they were admitted
_functions: set[Callable[..., Any]] = set()

Function = TypeVar("Function", bound=Callable[..., Any])


def buildable(function: Function) -> Function:
    """Let settings name this function; without it they can name classes only."""
    _functions.add(function)
    return function


def admit(packages: Iterable[str], *, key: str = "plugins") -> None:
    """Admit packages that the user named: the given ones, and those of the environment.

    A package that is not installed is looked for in the current folder, as a folder or as a file NAME.py. Nothing is
    imported yet. An earlier call is forgotten.

    Args:
        packages: names of top-level packages.
        key: where the names come from, for messages.

    Raises:
        UserError: no such package, or one that is no plugin.
    """
    _given.clear()
    named = [(key, package) for package in packages]
    named += [(VARIABLE, name.strip()) for name in os.environ.get(VARIABLE, "").split(",") if name.strip()]
    for origin, package in named:
        if not isinstance(package, str) or not re.fullmatch(r"[A-Za-z]\w*", package, re.ASCII):
            raise UserError(f"{origin}={package}: must be the name of a package or file, as in 'plugins=[my_terms]'")
        if package in _NEVER:
            raise UserError(f"{origin}={package}: is not a plugin; name a package or file of your own")
        if not _exists(package):
            raise UserError(
                f"{origin}={package}: no such package is installed, and {Path.cwd()} has no {package}.py or {package}/"
            )
        _given[package] = origin


def admitted() -> tuple[str, ...]:
    """Names of the further packages whose classes may be named."""
    return tuple(dict.fromkeys([*_given, *_installed()]))


def load() -> None:
    """Import the packages that the user named, so that what they register is known.

    Raises:
        UserError: one cannot be imported.
    """
    for package in _given:
        _import(package, f"{_given[package]}={package}")


def digests() -> dict[str, str]:
    """A digest of the source code of each package that the user named, which decides results as settings do."""
    found = {}
    for package in sorted(_given):
        spec = importlib.util.find_spec(package)
        folders = (spec.submodule_search_locations if spec is not None else None) or ()
        files = [path for folder in folders for path in sorted(Path(folder).rglob("*.py"))]
        if not files and spec is not None and spec.origin is not None:
            files = [Path(spec.origin)]
        digest = hashlib.sha256()
        for path in files:
            if path.is_file():  # no folder of that name, and no pipe, from which reading may never end
                digest.update(path.read_bytes())
        found[package] = digest.hexdigest()
    return found


def resolve(target: object, key: str) -> Callable[..., Any]:
    """Find the class, or the `buildable` function, that a setting names.

    Args:
        target: the dotted name: a module and the name of what is defined in it or handed on by its package.
        key: of the setting, for messages.

    Raises:
        UserError: the name is no text, its package is not admitted, there is no such class, or another package defines it.
    """
    if not isinstance(target, str) or not _NAME.fullmatch(target):
        raise UserError(
            f"{key}={target}: must be the dotted name of a class, as in insetgan.detection.detector.FixedBoxes"
        )
    package, (module, _, name) = target.partition(".")[0], target.rpartition(".")
    if package not in (OURS, *LIBRARIES, *admitted()):
        allowed = ", ".join((OURS, *admitted(), *LIBRARIES))
        raise UserError(
            f"{key}={target}: only classes of {allowed} may be built; plugins=[{package}] on the command line, or "
            f"{VARIABLE}={package}, admits a package of your own"
        )
    found: Any = vars(_import(module, f"{key}={target}")).get(name)
    if not isinstance(found, type) and not _is_buildable(found):
        raise UserError(f"{key}={target}: {module} defines no class {name}")
    if not _defined_in(found, package):
        raise UserError(f"{key}={target}: may not be built, since {found.__module__} defines it and not {package}")
    if package in LIBRARIES and not issubclass(found, _library_kind(package)):
        raise UserError(f"{key}={target}: may not be built; of {package} only kinds of {LIBRARIES[package]}")
    made: Callable[..., Any] = found
    return made


def _is_buildable(found: object) -> bool:
    return any(found is function for function in _functions)


def _defined_in(found: Any, package: str) -> bool:
    """Whether the object's own record of where it was defined says so, and the module that it names agrees."""
    module = str(getattr(found, "__module__", ""))
    return module.partition(".")[0] == package and (
        getattr(sys.modules.get(module), str(found.__qualname__), None) is found
    )


def _library_kind(package: str) -> type:
    module, _, name = LIBRARIES[package].rpartition(".")
    kind: type = getattr(importlib.import_module(module), name)
    return kind


@cache
def _installed() -> tuple[str, ...]:
    """Packages that admit themselves by an entry point, and the one that lies beside this one in a checkout."""
    named = [point.value.partition(":")[0].partition(".")[0] for point in entry_points(group=GROUP)]
    if (Path(__file__).parents[2] / BESIDE / "__init__.py").is_file():
        named.append(BESIDE)
    return tuple(sorted({name for name in named if name not in _NEVER}))


def _exists(package: str) -> bool:
    """Whether Python finds the package; the current folder comes last, so that it takes the place of nothing installed."""
    importlib.invalidate_caches()
    if importlib.util.find_spec(package) is not None:
        return True
    here = Path.cwd()
    if not ((here / f"{package}.py").is_file() or (here / package / "__init__.py").is_file()):
        return False
    sys.path.append(str(here))  # and not an import by hand: further processes find the package by this path
    return importlib.util.find_spec(package) is not None


def _import(module: str, said: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            raise UserError(f"{said}: there is no module {error.name}") from error
        raise UserError(f"{said}: needs the package {error.name or error}, which is not installed") from error
    except Exception as error:
        if module.partition(".")[0] not in admitted():
            raise
        reason = " ".join(str(error).split())
        raise UserError(f"{said}: importing {module} ends in {type(error).__name__}: {reason}") from error
