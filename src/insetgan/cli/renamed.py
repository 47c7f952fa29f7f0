"""Settings and choices that have changed their names; the old ones work for one version, with a line that says the new one."""

import re
from collections.abc import Sequence

KEYS: dict[str, dict[str, str]] = {
    "convert": {"picture": "image"},
    "train": {"recipe.discriminator.features.pictures": "recipe.discriminator.features.images"},
}
"""By command, the new name of each setting or group that has changed its name, with all that lies below it."""

CHOICES: dict[str, dict[str, str]] = {
    "refine": {
        "objective=official": "preset=official",
        "objective=official_broken": "preset=official_broken",
        "objective=stylegan_human": "preset=stylegan_human",
    }
}
"""By command, what a choice is called now."""

ALIASES: dict[str, dict[str, str]] = {"convert": {"in": "weights"}}
"""By command, other names that stay: `in` is a word of Python's, by which no setting can be called."""


def renewed(arguments: Sequence[str], command: str) -> tuple[list[str], list[str]]:
    """Replace old names on a command line by the new ones.

    Args:
        arguments: of the command.
        command: its name, as in `insetgan refine`.

    Returns:
        The arguments, and a line for each that was replaced.
    """
    found, lines = [], []
    for given in arguments:
        argument = _aliased(given, command)
        new = CHOICES.get(command, {}).get(argument.lstrip("+"), "") or _renewed_key(argument, command)
        found.append(new or argument)
        if new:
            lines.append(f"{argument} is now called {new}; the old name works in this version for the last time")
    return found, lines


def new_name(said: str, command: str) -> str | None:
    """Return what a setting (`key`) or a choice (`group=choice`) of a command is called now; None where it kept its name."""
    return CHOICES.get(command, {}).get(said) or KEYS.get(command, {}).get(said)


def _aliased(argument: str, command: str) -> str:
    name, equals, value = argument.partition("=")
    return ALIASES.get(command, {}).get(name, name) + equals + value


def _renewed_key(argument: str, command: str) -> str:
    match = re.match(r"([+~]*)([\w.@/-]+)(.*)", argument, re.DOTALL)
    for old, new in KEYS.get(command, {}).items():
        if match and (match[2] == old or match[2].startswith(f"{old}.")):
            return match[1] + new + match[2].removeprefix(old) + match[3]
    return ""
