"""What a file of settings may tell a launcher of Hydra's plugins: words, but no commands.

Launchers for clusters write some of their settings into a shell script. Such text is taken from the command line alone,
since files of settings are data.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hydra.core.config_store import ConfigNode, ConfigStore
from omegaconf import DictConfig, OmegaConf

from insetgan.runtime.errors import UserError

_COMMANDS = re.compile(
    r"setup|teardown|command|script|shell|exec|python|arg|parameter|env|prolog|epilog", re.IGNORECASE
)
"""Names of settings that are, or become part of, a command."""
_WORDS = re.compile(r"[\w .,:/@%+-]*")


def check_launcher(hydra: DictConfig) -> None:
    """Refuse text that could be a command unless the command line gives it, or the plugin itself by default.

    Args:
        hydra: the node `hydra` of a composed configuration.

    Raises:
        UserError: naming the setting.
    """
    node = hydra.get("launcher")
    if not node:
        return
    written: Any = OmegaConf.to_container(node, resolve=False)
    defaults = _defaults(written.get("_target_"))
    typed = [override.lstrip("+~").partition("=")[0] for override in hydra.overrides.hydra]
    for path, value in _leaves(OmegaConf.to_container(node, resolve=True)):
        key = ".".join(("hydra.launcher", *path))
        if path == ("_target_",) or any(key == name or key.startswith(f"{name}.") for name in typed):
            continue
        if (path, _at(written, path)) in defaults:
            continue
        if any(_COMMANDS.search(name) for name in path) or (isinstance(value, str) and not _WORDS.fullmatch(value)):
            raise UserError(f"{key}={value}: may become a command; only the command line may give it, no file")


def _defaults(target: Any) -> list[tuple[tuple[str, ...], Any]]:
    """The settings that plugins declare for a launcher, as they are written."""
    stored: Any = ConfigStore.instance().repo.get("hydra", {}).get("launcher", {})
    found = []
    for entry in stored.values():
        if isinstance(entry, ConfigNode):
            node: Any = OmegaConf.to_container(entry.node, resolve=False)
            if node.get("_target_") == target:
                found += list(_leaves(node))
    return found


def _leaves(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Values that are set, with their place."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            yield from _leaves(value, (*path, str(name)))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _leaves(value, (*path, str(index)))
    elif node is not None:
        yield path, node


def _at(node: Any, path: tuple[str, ...]) -> Any:
    """What stands at a place as it was written; None where a reference stands for all of it."""
    for name in path:
        if isinstance(node, list):
            node = node[int(name)]
        elif isinstance(node, Mapping):
            node = node.get(name, node.get(int(name)) if name.isdecimal() else None)
        else:
            return None
    return node
