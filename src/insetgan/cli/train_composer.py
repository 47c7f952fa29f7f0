"""What `train.py +model=composer` trains: a composer for a canvas and parts, by the settings of refine.py."""

import json
from collections.abc import Sequence
from typing import Any

from hydra import compose
from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from insetgan.cli.arguments import as_typed, refuse_new_names
from insetgan.cli.explain import explain
from insetgan.cli.presets import refuse_conflict
from insetgan.cli.refine_config import RefineConfig, check
from insetgan.cli.refine_parts import build_module, build_schedule
from insetgan.cli.refine_perceptual import settle_perceptual
from insetgan.cli.refine_terms import build_objective
from insetgan.cli.schema import conform, schema_of
from insetgan.cli.terminal import PatientConsole
from insetgan.refine.composer import composer_for
from insetgan.refine.composer_module import ComposerModule, Task
from insetgan.refine.one_pass import refuse_spaces
from insetgan.runtime.errors import UserError
from insetgan.runtime.plugins import buildable

_DECIDED = ("mode", "canvas.weights", "parts", "trunc", "seeds", "solver", "composer", "out", "logger", "walk", "video")
"""Settings of refine.py that a training decides, or that would have no effect in it."""


@buildable
def composer_module(
    *,
    canvas: str | None,
    parts: str,
    modes: Sequence[str],
    refine: Sequence[str] = (),
    composer: dict[str, Any],
    **settings: Any,
) -> ComposerModule:
    """Build a composer and what trains it.

    Args:
        canvas: an embedded model or a file.
        parts: settings of the parts as in conf/parts, by name, as JSON.
        modes: of refine.py that it is to learn.
        refine: further settings of refine.py, such as objective.border_l1.weight=100.
        composer: sizes of the network, see `Composer`.
        settings: of `ComposerSettings`.

    Raises:
        UserError: a setting is missing, or refine.py would refuse it.
    """
    chosen = json.loads(parts)
    if not canvas or not chosen:
        raise UserError("+model=composer needs canvas= and parts=, such as canvas=body parts=[face]")
    if not modes:
        raise UserError("model.modes=[]: must name a mode of refine.py, such as joint")
    configs = {
        mode: refine_settings([f"mode={mode}", f"canvas.weights={canvas}", *refine], chosen, refine) for mode in modes
    }
    module = build_module(next(iter(configs.values())), [0])
    refuse_spaces(module.plan.spaces)
    tasks = {
        mode: Task(build_objective(config), tuple(build_schedule(config).sides)) for mode, config in configs.items()
    }
    network = composer_for(module.generators, list(modes), **composer)
    return ComposerModule(network, module.canvas, module.parts, tasks, module.perceptual, **settings)


def refine_settings(overrides: Sequence[str], parts: dict[str, Any], own: Sequence[str] = ()) -> DictConfig:
    """Settings of refine.py, checked.

    Args:
        overrides: as its command line takes them.
        parts: settings of the parts, by name.
        own: those of them that the user wrote.

    Raises:
        UserError: naming the setting that is wrong.
    """
    for override in own:
        key = override.partition("=")[0].lstrip("+~")
        if key in _DECIDED or key.startswith("trainer."):
            raise UserError(f"model.module.refine: {override}: {key} is not for refine= to set here")
    ConfigStore.instance().store(name="refine_schema", node=schema_of(RefineConfig))
    try:
        asked = as_typed(list(overrides), RefineConfig)
        config: DictConfig = compose("refine", asked)
        refuse_conflict(asked)
        refuse_new_names(config, RefineConfig, asked, lambda others: compose("refine", others))
        config.parts = parts
        conform(config, RefineConfig)
        for line in settle_perceptual(config):
            PatientConsole().print(line, markup=False)
        check(config)
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(f"model.module.refine: {explain(error, RefineConfig, 'refine')}") from error
    return config
