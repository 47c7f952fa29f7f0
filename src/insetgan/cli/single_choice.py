"""Groups of which one choice is taken: a list of them would merge settings that exclude each other.

Hydra takes a list for every group, from the command line and from `defaults` of a file, and lets the later choice overwrite
what it shares with the earlier one.
"""

from collections import Counter
from collections.abc import Sequence
from functools import wraps

from hydra.core.default_element import GroupDefault

from insetgan.cli.experiments import GROUP as EXPERIMENTS
from insetgan.cli.places import choices_of, experiment_folders
from insetgan.runtime.errors import UserError

SEVERAL = ("parts", "method", "more_features", "judges", "logger")
"""Groups whose choices stand beside each other, each below a name of its own."""


def refuse_lists() -> None:
    """Have Hydra refuse a list of choices for every group but those of `SEVERAL`, and a choice that is named twice there."""
    original = getattr(GroupDefault.get_options, "__wrapped__", GroupDefault.get_options)

    @wraps(original)
    def get_options(self: GroupDefault) -> list[str]:
        choices: list[str] = original(self)
        group = self.get_group_path()
        if group not in SEVERAL:
            raise UserError(one_choice(self.get_override_key(), group, choices))
        if twice := [choice for choice, count in Counter(choices).items() if count > 1]:
            raise UserError(f"{group}=[{','.join(choices)}]: {twice[0]} is named twice")
        return choices

    GroupDefault.get_options = get_options  # type: ignore[method-assign]


def one_choice(key: str, group: str, given: Sequence[str]) -> str:
    """Say that a group takes one choice, and which there are.

    Args:
        key: as it is typed, such as "schedule" or "discriminator@recipe.discriminator".
        group: such as "schedule".
        given: what was given in its place.
    """
    known = choices_of(group)
    if group == EXPERIMENTS:
        known = sorted({path.stem for folder in experiment_folders() for path in folder.glob("*.yaml")})
    allowed = f" (allowed: {', '.join(known)})" if known else ""
    return f"{key}=[{','.join(given)}]: takes one choice, as {key}={[*given, *known, 'NAME'][0]}{allowed}"
