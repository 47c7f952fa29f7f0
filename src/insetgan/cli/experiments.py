"""Experiments: files of settings in experiments/, of the project and beside the user, each read only when it is named."""

import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigLoadError, ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf
from yaml import SafeLoader, YAMLError, compose
from yaml.nodes import MappingNode, Node, SequenceNode

from insetgan.cli.places import EXPERIMENTS
from insetgan.runtime.errors import UserError

GROUP = "experiments"

_MOST_BYTES = 2**18
_MOST_NODES = 20_000  # with every alias written out
_DEEPEST = 50

_HYDRA = ("mode", "run", "sweep", "sweeper")
"""What an experiment may set below `hydra:`; the rest names classes, environments and log files."""

_roots: list[Path] = [EXPERIMENTS.parent]


def offer_experiments(root: Path) -> None:
    """Make each NAME.yaml of the experiments folders a choice of the group `experiments`.

    Args:
        root: the checkout, whose experiments/ comes first; experiments/ in the current folder comes second.
    """
    _roots[:] = [root]
    Plugins.instance().register(ExperimentSource)
    Plugins.instance().register(_Searched)


def _folders() -> list[Path]:
    """The folders, found anew each time: a launcher's processes have not called `offer_experiments`."""
    found = [root / GROUP for root in _roots]
    here = Path.cwd() / GROUP
    if here.is_dir() and not (found[0].is_dir() and here.samefile(found[0])):
        found.append(here)
    return found


class ExperimentSource(ConfigSource):
    """Reads experiments for Hydra; their settings lie at the top of the configuration."""

    @staticmethod
    def scheme() -> str:
        """What paths of this source begin with."""
        return GROUP

    def available(self) -> bool:
        """Whether there is anything to look through."""
        return True

    def is_group(self, config_path: str) -> bool:
        """Whether it is the one group that there is."""
        return config_path.strip("/") == GROUP

    def is_config(self, config_path: str) -> bool:
        """Whether there is such an experiment."""
        return bool(self._found(config_path))

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """Names of the experiments, or of the group; nothing is read."""
        if self.is_group(config_path):
            if results_filter is ObjectType.GROUP:
                return []
            return sorted({path.stem for folder in _folders() for path in folder.glob("*.yaml")})
        return [GROUP] if config_path.strip("/") == "" and results_filter is not ObjectType.CONFIG else []

    def load_config(self, config_path: str) -> ConfigResult:
        """Read an experiment.

        Raises:
            UserError: it is in both folders, too large, no settings, or sets what only the command line may set.
        """
        found = self._found(config_path)
        if not found:
            raise ConfigLoadError(f"Config not found: {config_path}")
        name = found[0].stem
        if len(found) > 1:
            raise UserError(f"experiments={name}: is {found[0]} and {found[1]}; rename yours")
        settings = read_experiment(found[0])
        return ConfigResult(
            provider=GROUP, path=f"{GROUP}://{found[0]}", config=settings, header={"package": "_global_"}
        )

    def _found(self, config_path: str) -> Sequence[Path]:
        group, _, name = config_path.strip("/").partition("/")
        if group != GROUP or not name or "/" in name:
            return []
        files = [folder / self._normalize_file_name(name) for folder in _folders()]
        return [path for path in files if path.is_file() or path.is_symlink()]


class _Searched(SearchPathPlugin):
    """Puts the experiments behind the groups of conf/."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        search_path.append(provider=GROUP, path=f"{GROUP}://")


def read_experiment(path: Path) -> DictConfig:
    """Read the settings of an experiment, after a look at how large they are.

    Raises:
        UserError: no file of plain settings, more than 256 kB or 20,000 values, or settings of the command line alone.
    """
    said = f"experiments={path.stem}: {path}"
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"{said} is no file")
    if status.st_size > _MOST_BYTES:
        raise UserError(f"{said} has {status.st_size} bytes, at most {_MOST_BYTES} are read")
    try:
        text = path.read_text(encoding="utf-8")
        tree = compose(text, Loader=SafeLoader)
        if tree is not None and _size(tree, {}) > _MOST_NODES:
            raise UserError(f"{said} stands for more than {_MOST_NODES} values")
        settings = OmegaConf.create(text)
    except (YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{said} cannot be read: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise UserError(f"{said} is nested too deep") from error
    if not isinstance(settings, DictConfig):
        raise UserError(f"{said} holds no settings, as in steps: 100")
    _refuse_commands(settings, said)
    return settings


def _size(node: Node, known: dict[int, int], depth: int = 0) -> int:
    """Values below a node with its aliases written out, as they are when the settings are made."""
    if depth > _DEEPEST:
        raise RecursionError
    if id(node) not in known:
        inner: list[Node] = []
        if isinstance(node, MappingNode):
            inner = [each for pair in node.value for each in pair]
        elif isinstance(node, SequenceNode):
            inner = node.value
        known[id(node)] = 1 + sum(_size(each, known, depth + 1) for each in inner)
    return known[id(node)]


def _refuse_commands(settings: DictConfig, said: str) -> None:
    """A file must not admit the code that it wants, nor set what Hydra builds before our rules are asked."""
    if "plugins" in settings:
        raise UserError(f"{said} sets plugins, which only the command line may: plugins=[NAME]")
    hydra: Any = OmegaConf.to_container(settings).get("hydra", {})  # type: ignore[union-attr]
    names = list(hydra) if isinstance(hydra, dict) else ["(no mapping)"]
    if isinstance(hydra, dict) and isinstance(sweeper := hydra.get("sweeper", {}), dict):
        names += ["sweeper._target_"] if "_target_" in sweeper else []
    for name in names:
        if name not in _HYDRA:
            raise UserError(f"{said} sets hydra.{name}; an experiment may set {', '.join(_HYDRA)} of hydra alone")
    for entry in OmegaConf.to_container(settings).get("defaults", None) or ():  # type: ignore[union-attr]
        for group in entry if isinstance(entry, dict) else (entry,):
            if "hydra/" in str(group).replace("hydra@", "hydra/"):
                raise UserError(f"{said} chooses {group}; only the command line may choose for hydra")
