"""Settings that were typed and that would have no effect beside the others: they are refused in one line."""

import re
from collections.abc import Mapping, Sequence

from hydra.core.hydra_config import HydraConfig

from insetgan.runtime.errors import UserError


def typed() -> list[str]:
    """The overrides of the command line of this run, as Hydra lists them."""
    return list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []


def refuse_idle(idle: Mapping[str, str], overrides: Sequence[str]) -> None:
    """Refuse settings of the command line that would have no effect.

    What a file of settings says of them is let pass: it may serve several commands.

    Args:
        idle: by the setting, or by that in which it lies, what is said of it, such as "belongs to walk="; a key that ends in
            "=" is the setting itself, and not what lies in it.
        overrides: from `typed`.

    Raises:
        UserError: naming one, as it was typed.
    """
    for line in idle_lines(idle, overrides):
        raise UserError(f"{line}; leave it away")


def idle_lines(idle: Mapping[str, str], overrides: Sequence[str]) -> list[str]:
    """A line about each setting of the command line that would have no effect; the arguments are those of `refuse_idle`."""
    found = []
    for override in overrides:
        match = re.fullmatch(r"[+~]*([\w.]+)(?:@[\w.]+)?=(.*)", override, re.DOTALL)
        if match is None:
            continue
        for key, said in idle.items():
            if match[1] == key.removesuffix("=") or match[1].startswith(f"{key}."):
                found.append(f"{match[1]}={_unquoted(match[2])}: {said}")
    return found


def _unquoted(value: str) -> str:
    """A value without the quotes that `arguments.as_typed` put round it."""
    quoted = len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]
    return value[1:-1] if quoted else value
