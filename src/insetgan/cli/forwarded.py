"""Settings that a node takes over from others, so that a message names the one that the user typed."""

import re
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from insetgan.runtime.settings import SettingError

_REFERENCE = re.compile(r"\$\{(\w[\w.]*)\}")
_REFERENCE_TO_ALL = re.compile(r"\$\{plain_values:(\w[\w.]*)\}")
_NAMED = re.compile(r"\b([A-Za-z_]\w*)(?==|$)")


class Forwarded:
    """Which settings stand for those of a node, as `${lr}` and `${plain_values:recipe}` say in conf/module/gan.yaml.

    Args:
        config: a node of the configuration; of anything else nothing is forwarded.
        key: its full key.
    """

    def __init__(self, config: Any, key: str) -> None:
        self._typed: dict[str, str] = {}
        if isinstance(config, DictConfig):
            self._gather(config, key, config._get_root())

    def _gather(self, node: DictConfig | ListConfig, key: str, root: Any) -> None:
        names: Any = node if isinstance(node, DictConfig) else range(len(node))
        for name in names:
            inner: Any = node._get_node(name)
            below = f"{key}.{name}"
            if group := _REFERENCE_TO_ALL.fullmatch(str(inner._value() if inner is not None else "")):
                values = OmegaConf.select(root, group[1]) or ()
                self._typed |= {f"{key}.{each}": f"{group[1]}.{each}" for each in values if each not in node}
            source = _source(inner, root)
            if source:
                self._typed[below] = source
                below, inner = source, OmegaConf.select(root, source)
            if isinstance(inner, (DictConfig, ListConfig)) and not inner._is_none() and not inner._is_missing():
                self._gather(inner, below, root)

    def typed(self, key: str) -> str:
        """The key of the setting that stands for another, or for one above it; the key itself where none does."""
        above, _, name = key.rpartition(".")
        return self._typed.get(key) or (f"{self.typed(above)}.{name}" if above else key)

    def error(self, error: SettingError, key: str) -> SettingError:
        """An error of an object whose node has this key, with the key that the user typed."""
        full = error.under(key)
        return SettingError(self.typed(full.key), full.problem, *_value(error))

    def line(self, key: str, text: str) -> str:
        """What an object refused, below its key, or with the keys that the user typed if it begins with settings."""
        head, colon, problem = text.partition(": ")
        named = {name: self.typed(f"{key}.{name}") for name in _NAMED.findall(head) if colon}
        found = {name: typed for name, typed in named.items() if typed != f"{key}.{name}"}
        if not found:
            return f"{key}: {text}"
        return _NAMED.sub(lambda match: found.get(match[1], match[1]), head) + colon + problem


def _value(error: SettingError) -> tuple[Any, ...]:
    return (error.value,) if str(error).startswith(f"{error.key}=") else ()


def _source(node: Any, root: Any) -> str:
    """The setting from which a value comes, through others that only hand it on; empty if it stands here itself."""
    found: str = ""
    for _ in range(8):
        raw = node._value() if node is not None else None
        match = _REFERENCE.fullmatch(raw) if isinstance(raw, str) else None
        if match is None:
            break
        found = match[1]
        *path, name = found.split(".")
        holder = OmegaConf.select(root, ".".join(path)) if path else root
        node = holder._get_node(name) if isinstance(holder, DictConfig) else None
    return found
