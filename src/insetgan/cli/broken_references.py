"""References of settings to others, `${name}`, that lead nowhere: which setting holds one."""

import re
import sys
from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, ListConfig, Node

_NOT_FOUND = r"Interpolation key '([^']*)' not found"


def without_setting(said: str) -> str:
    """What OmegaConf says of a reference to a setting that there is not, in words; all else as it is."""
    match = re.match(_NOT_FOUND, said)
    return f"refers to ${{{match[1]}}}, and there is no setting {match[1]}" if match else said


def without_group(text: str) -> str | None:
    """What Hydra says of `group=${name}`, where there is no such group; None of all else."""
    if (match := re.search(r"Error resolving interpolation '(\S+)', possible", text)) is None:
        return None
    typed = next((argument for argument in sys.argv[1:] if match[1] in argument), match[1])
    return f"{typed}: refers to a group that there is not"


def broken_reference(config: DictConfig, error: Exception) -> str:
    """The key of the first setting whose reference `${...}` leads nowhere; OmegaConf does not always say which.

    Args:
        config: in which it stands.
        error: what was raised; a reference that raises something else is not the one.

    Returns:
        The key and ": ", or nothing where no such reference is found.
    """
    first = str(error).splitlines()[0]
    missing = match[1] if (match := re.match(_NOT_FOUND, first)) else ""
    for key, node in _references(config, ""):
        if missing not in str(node._value()):  # it refers to another setting, which refers to what there is not
            continue
        try:
            node._dereference_node()
        except Exception as found:
            if type(found) is type(error) and str(found).splitlines()[0] == first:
                return f"{key}: "
    return ""


def _references(config: DictConfig | ListConfig, prefix: str) -> Iterator[tuple[str, Node]]:
    names: list[Any] = list(config) if isinstance(config, DictConfig) else list(range(len(config)))
    for name in names:
        node: Any = config._get_node(name)
        if not isinstance(node, Node):
            continue
        if node._is_interpolation():
            yield f"{prefix}{name!s}", node
        elif isinstance(node, DictConfig | ListConfig) and not (node._is_none() or node._is_missing()):
            yield from _references(node, f"{prefix}{name!s}.")
