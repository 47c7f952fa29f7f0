"""Presets set several groups at once, so they go with no other choice of these groups."""

import re
from collections.abc import Sequence

import yaml

from insetgan.cli.places import CONF
from insetgan.runtime.errors import UserError

_WHOLE = ("schedule", "objective")
"""Groups that a preset replaces."""


def refuse_conflict(overrides: Sequence[str]) -> None:
    """Refuse a preset together with a choice of the command line that it would change.

    Single settings, such as `steps=50`, come after the preset and change it.

    Args:
        overrides: as Hydra lists them, such as "preset=official".

    Raises:
        UserError: naming both.
    """
    matches = [re.fullmatch(r"\+{0,2}(\w+)=(.*)", text, re.DOTALL) for text in overrides]
    given: dict[str, str] = {match[1]: match[2] for match in matches if match}
    preset = given.get("preset", "none")
    if preset == "none" or not (CONF / "preset" / f"{preset}.yaml").is_file():
        return
    for group in _WHOLE:
        if group in given:
            raise UserError(
                f"preset={preset} {group}={given[group]}: the preset brings its own {group}; leave one of them away, or change "
                f"single settings, as {group}.NAME=VALUE"
            )
    path = CONF / "mode" / f"{given.get('mode', '')}.yaml"
    if path.is_file():
        chosen = yaml.safe_load(path.read_text(encoding="utf-8"))
        for name, value in _mode_of(preset).items():
            if chosen.get(name) != value and not any(text.startswith(f"mode.{name}=") for text in overrides):
                raise UserError(
                    f"preset={preset} mode={given['mode']}: the preset sets mode.{name}={_listed(value)}, the mode "
                    f"{_listed(chosen.get(name))}; leave one of them away, or say mode.{name}=..."
                )


def _mode_of(preset: str) -> dict[str, object]:
    """What a preset, or the one that it is made from, sets of the mode."""
    content = yaml.safe_load((CONF / "preset" / f"{preset}.yaml").read_text(encoding="utf-8"))
    found: dict[str, object] = {}
    for entry in content.get("defaults", ()):
        if isinstance(entry, str) and entry != "_self_":
            found |= _mode_of(entry)
    return {**found, **content.get("mode", {})}


def _listed(value: object) -> str:
    return f"[{','.join(map(str, value))}]" if isinstance(value, list) else str(value)
