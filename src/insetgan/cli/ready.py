"""What a process needs before Hydra composes a configuration in it: our settings, rules and guards."""

import hashlib
import re
from collections.abc import Iterable, Sequence

from hydra import version
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from insetgan.cli.experiments import offer_experiments
from insetgan.cli.guard import guard_arguments
from insetgan.cli.launchers import tune_launchers
from insetgan.cli.open_mappings import open_mappings
from insetgan.cli.places import EXPERIMENTS
from insetgan.cli.rules import register_rules
from insetgan.cli.schema import schema_of
from insetgan.cli.single_choice import refuse_lists
from insetgan.runtime.plugins import admit


def get_ready(name: str, cls: type, arguments: Sequence[str]) -> None:
    """Register what conf/ and experiments/ refer to, and admit what the command line admits.

    Args:
        name: the command.
        cls: declares its settings.
        arguments: of the command line.

    Raises:
        UserError: an option that would run a file, or packages that are none.
    """
    version.setbase("1.3")
    ConfigStore.instance().store(name=f"{name}_schema", node=schema_of(cls))
    tune_launchers()
    register_rules()
    OmegaConf.register_new_resolver("slug", slug, replace=True)
    # From the command line and not from Hydra's list of overrides, which is another for every run of a sweep.
    folder = f"{name}-{digest(arguments)}"
    OmegaConf.register_new_resolver("command", lambda: folder, replace=True)
    admit(guard_arguments(arguments))
    refuse_lists()
    open_mappings()
    offer_experiments(EXPERIMENTS.parent)


def slug(overrides: str) -> str:
    """Name the folder of one run of a sweep after its overrides: paths cut to their last part, at most 120 characters."""
    return re.sub(r"[^=,]*/", "", re.sub(r"(^|,)\++", r"\1", overrides.replace("'", "")))[:120]


def digest(arguments: Iterable[str]) -> str:
    """Name the folder of a sweep after its command, so that the same command finds it again and goes on there."""
    return hashlib.sha256("\n".join(arguments).encode(errors="surrogateescape")).hexdigest()[:8]
