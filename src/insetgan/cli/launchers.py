"""Hydra's launchers as this project wants them: a run that is stopped is begun again, and goes on from where it was."""

from typing import Any

from hydra.core.config_store import ConfigNode, ConfigStore
from hydra.core.plugins import Plugins
from omegaconf import OmegaConf

EXTRAS = {"submitit_slurm": "slurm", "submitit_local": "slurm", "ray": "ray", "joblib": "joblib"}
"""What `pip install 'insetgan[...]'` has to name for a launcher."""

_SETTINGS: dict[str, dict[str, Any]] = {
    "submitit_slurm": {
        "timeout_min": 240,  # Slurm plans better with short jobs, and one that takes longer goes on in its next turn
        "signal_delay_s": 60,  # a step and the saving of it take a few seconds
        "max_num_timeout": 1000,  # submitit's own count, by which a job that was stopped twice would be lost
        "cpus_per_task": 2,
    },
    "submitit_local": {"timeout_min": 10080},  # a week: submitit ends what takes longer, and begins nothing again
    "joblib": {"n_jobs": 2, "pre_dispatch": "n_jobs", "batch_size": "1"},  # not a run more than can work is begun
}
"""Settings that differ from those of the plugins, by launcher; the command line changes them, `hydra.launcher.KEY=`."""


def tune_launchers() -> None:
    """Change the defaults of the launchers that are installed."""
    Plugins.instance()  # imports the plugins, which store their settings
    store = ConfigStore.instance()
    known: Any = store.repo.get("hydra", {}).get("launcher", {})
    for name, changes in _SETTINGS.items():
        entry = known.get(f"{name}.yaml")
        if isinstance(entry, ConfigNode):
            node = OmegaConf.merge(entry.node, changes)
            store.store(group="hydra/launcher", name=name, node=node, provider=entry.provider)
