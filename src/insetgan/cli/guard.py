"""What Hydra itself would build or import, asked before it does: callbacks, launchers, log handlers, packages of settings.

Hydra builds these from the node `hydra` of the configuration before the command runs. So the loader of configurations is
wrapped, which all ways to a configuration go through: a run, each run of a sweep, `--cfg`, `--help` and `compose`.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.plugins.config_source import ConfigSource
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from insetgan.cli.launcher_text import check_launcher
from insetgan.runtime.errors import UserError
from insetgan.runtime.plugins import OURS, admitted

_HANDLERS = ("logging.StreamHandler", "logging.NullHandler")
_LOG_FILE = "${hydra.runtime.output_dir}/${hydra.job.name}.log"
_STREAMS = ("ext://sys.stdout", "ext://sys.stderr")
_FORMATTERS = ("colorlog.ColoredFormatter",)
_RANGE = re.compile(r"=.*\brange\(([^()]*)\)")
_MOST_VALUES = 100_000
_SEARCHED = ("optuna",)
"""Packages whose samplers a sweeper may hold."""


def plugins_of(arguments: Sequence[str]) -> list[str]:
    """Packages that the command line admits by `plugins=[my_terms]` or `plugins=my_terms`.

    Raises:
        UserError: something else than one name or a list of names.
    """
    found: list[str] = []
    for argument in arguments:
        key, equals, given = argument.lstrip("+").partition("=")
        if key != "plugins" or not equals:
            continue
        try:
            value: Any = OverridesParser.create().parse_override(argument).value()
        except HydraException:
            value = None
        names = [value] if isinstance(value, str) else value
        if given in ("null", "[]"):
            names = []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise UserError(f"plugins={given}: must be a name or a list of names, as in 'plugins=[my_terms]'")
        found = list(names)
    return found


def refuse_rerun(arguments: Sequence[str]) -> None:
    """Refuse Hydra's option that reads a pickle, which could hold any program.

    Raises:
        UserError: it is given, in whole or cut short as argparse takes it.
    """
    for argument in arguments:
        option = argument.partition("=")[0]
        if len(option) >= 3 and "--experimental-rerun".startswith(option):
            raise UserError(f"{option}: reads a pickle, which could run anything; give the settings themselves")


def guard_arguments(arguments: Sequence[str]) -> list[str]:
    """Look through a command line before Hydra does, and have every configuration checked that it then composes.

    Returns:
        The packages that the command line admits.

    Raises:
        UserError: an option that would run a file, or packages that are none.
    """
    refuse_rerun(arguments)
    _refuse_long_ranges(arguments)
    plugins = plugins_of(arguments)
    guard_hydra(plugins)
    return plugins


def _refuse_long_ranges(arguments: Sequence[str]) -> None:
    """Refuse `key=range(0,1e12)` before Hydra writes out its values."""
    for argument in arguments:
        if (match := _RANGE.search(argument)) is None:
            continue
        try:
            numbers = [float(number.rpartition("=")[2]) for number in match[1].split(",")]
        except ValueError:
            continue  # Hydra says what is wrong with it
        start, stop = (0.0, numbers[0]) if len(numbers) == 1 else numbers[:2]
        step = numbers[2] if len(numbers) > 2 else 1.0
        if step and abs((stop - start) / step) > _MOST_VALUES:
            raise UserError(f"{argument}: stands for more than {_MOST_VALUES} values")


def guard_hydra(plugins: Sequence[str]) -> None:
    """Have every configuration checked as soon as Hydra has composed it.

    Args:
        plugins: packages that the command line admitted; no file may name others.
    """
    Plugins.instance()  # registers Hydra's own sources
    sources = SourcesRegistry.instance().types
    _guard_source(sources["pkg"], _package_refusal)
    _guard_source(sources["structured"], _structured_refusal)
    original = getattr(ConfigLoaderImpl.load_configuration, "__wrapped__", ConfigLoaderImpl.load_configuration)

    @wraps(original)
    def load_configuration(self: ConfigLoaderImpl, *args: Any, **options: Any) -> DictConfig:
        config: DictConfig = original(self, *args, **options)
        check_composed(config, plugins)
        return config

    ConfigLoaderImpl.load_configuration = load_configuration  # type: ignore[method-assign]


def check_composed(config: DictConfig, plugins: Sequence[str]) -> None:
    """Refuse a configuration from which Hydra would build anything but its own plugins and our callbacks.

    Raises:
        UserError: naming the key and what is allowed.
    """
    with_plugins: Any = config.get("plugins")
    wanted = OmegaConf.to_object(with_plugins) if OmegaConf.is_config(with_plugins) else with_plugins
    if wanted and [wanted] != list(plugins) and wanted != list(plugins):
        raise UserError(f"plugins={wanted}: only the command line may admit packages, and it does not")
    if "hydra" not in config:
        return
    hydra: Any = OmegaConf.to_container(config.hydra, resolve=False)
    for name in ("callbacks", "launcher", "sweeper"):  # with what is handed on to them by ${...}
        hydra[name] = OmegaConf.to_container(config.hydra[name], resolve=True) if config.hydra.get(name) else {}
    for name in ("hydra_logging", "job_logging"):
        node = config.hydra.get(name)
        _check_logging(OmegaConf.to_container(node, resolve=False) if node else {}, f"hydra.{name}")
    if given := hydra["job"].get("env_set"):
        raise UserError(f"hydra.job.env_set={given}: set the environment in the shell, before the command")
    kinds: list[tuple[str, Mapping[str, Any], type]] = [
        ("hydra.launcher", hydra.pop("launcher"), Launcher),
        ("hydra.sweeper", hydra.pop("sweeper"), Sweeper),
        *((f"hydra.callbacks.{name}", node, Callback) for name, node in _mapping(hydra.pop("callbacks")).items()),
    ]
    for key, node, kind in kinds:
        _check_class(key, _mapping(node), kind)
    check_launcher(config.hydra)
    for key, target in _targets(hydra, "hydra"):
        raise UserError(f"{key}={target}: nothing is built here")


def _guard_source(source: type[ConfigSource], refusal: Callable[[str], str | None]) -> None:
    """Have a source of Hydra's refuse paths. Its class stays the same, since launchers hand it to other processes."""
    original = getattr(source.__init__, "__wrapped__", source.__init__)

    @wraps(original)
    def __init__(self: ConfigSource, provider: str, path: str) -> None:
        if (said := refusal(path)) is not None:
            raise UserError(f"hydra.searchpath={path}: {said}")
        original(self, provider=provider, path=path)

    source.__init__ = __init__  # type: ignore[method-assign]


def _package_refusal(path: str) -> str | None:
    """Settings that lie in a package: to look into one is to import it."""
    package = path.removeprefix("pkg://").replace("/", ".").partition(".")[0]
    known = package in ("hydra", "hydra_plugins", OURS, *admitted())
    return None if known else f"imports {package}; plugins=[{package}] admits it"


def _structured_refusal(path: str) -> str | None:
    """Settings that were stored by code: a path would be imported."""
    return None if path == "structured://" else "would be imported; name a folder"


def _check_class(key: str, node: Mapping[str, Any], kind: type) -> None:
    """A class of ours, of Hydra, of its plugins or of an admitted package, and of the wanted kind."""
    target = node.get("_target_")
    package = str(target).partition(".")[0]
    if package not in ("hydra", "hydra_plugins", OURS, *admitted()):
        raise UserError(f"{key}._target_={target}: must be a {kind.__name__} of {OURS} or of Hydra")
    try:
        found = get_class(str(target))
    except (HydraException, ImportError, ValueError) as error:
        raise UserError(f"{key}._target_={target}: no such class") from error
    module = sys.modules.get(found.__module__)
    if found.__module__.partition(".")[0] != package or getattr(module, found.__qualname__, None) is not found:
        raise UserError(f"{key}._target_={target}: may not be built, since {found.__module__} defines it")
    if not issubclass(found, kind):
        raise UserError(f"{key}._target_={target}: must be a {kind.__name__}")
    for name, value in node.items():
        if name.startswith("_") and name not in ("_target_", "_recursive_"):
            raise UserError(f"{key}.{name}={value}: is not understood")
    for inner, named in _targets({name: value for name, value in node.items() if name != "_target_"}, key):
        if kind is not Sweeper or str(named).partition(".")[0] not in _SEARCHED:
            raise UserError(f"{inner}={named}: nothing is built here")


def _check_logging(node: Any, key: str) -> None:
    """Of what Python's logging can be told by names, only streams, levels and formats are left."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            inner = f"{key}.{name}"
            allowed = {"class": _HANDLERS, "()": _FORMATTERS}.get(str(name))
            if allowed is not None and value not in allowed and not _is_default(node):
                raise UserError(f"{inner}={value}: must be one of {', '.join(allowed)}")
            _check_logging(value, inner)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            _check_logging(value, f"{key}[{index}]")
    elif isinstance(node, str) and "://" in node and node not in _STREAMS:
        raise UserError(f"{key}={node}: must be one of {', '.join(_STREAMS)}")
    elif isinstance(node, str) and "${" in node and node != _LOG_FILE:
        raise UserError(f"{key}={node}: must be written out")


def _is_default(handler: Mapping[str, Any]) -> bool:
    """Whether it is the log file that Hydra writes into its own folder unless told otherwise."""
    return handler.get("class") == "logging.FileHandler" and handler.get("filename") == _LOG_FILE


def _targets(node: Any, key: str) -> Iterator[tuple[str, Any]]:
    """Every `_target_` below a node, with its key."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            if name == "_target_":
                yield f"{key}.{name}", value
            yield from _targets(value, f"{key}.{name}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _targets(value, f"{key}[{index}]")


def _mapping(node: Any) -> Mapping[str, Any]:
    return node if isinstance(node, Mapping) else {}
