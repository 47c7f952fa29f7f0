"""What the settings of evaluate.py may hold, beyond their types."""

import re
from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from insetgan.cli.refine_config import check_trunc
from insetgan.evaluation.cell import DIVERSITY, PATH
from insetgan.evaluation.crops import BODY
from insetgan.evaluation.method import Method
from insetgan.metrics.measures import Measure
from insetgan.metrics.registry import FEATURE_METRICS
from insetgan.runtime.errors import UserError

SEAM = "seam"
"""Names all measures of a sample at once."""

_STORES = ("runs", "features")
_MOST = 1_000_000


def check(config: DictConfig, measures: Sequence[Measure]) -> None:
    """Refuse what the types do not.

    Args:
        config: of evaluate.py; its `trunc` becomes a list.
        measures: that are known.

    Raises:
        UserError: naming the key, the value and what is allowed.
    """
    config.trunc = _truncs(OmegaConf.to_object(config.trunc) if OmegaConf.is_config(config.trunc) else config.trunc)
    for key in ("method", "regions", "metrics", "features", "trainer"):
        if not config[key]:
            raise UserError(f"{key}: must not be empty; see conf/evaluate.yaml")
    own = [name for name in config.metrics if "." in name]
    _check_list("metrics", config.metrics, (*FEATURE_METRICS, PATH, DIVERSITY, *(each.name for each in measures), *own))
    _check_list("regions", config.regions)
    least = {"num": 2, "batch_size": 1, "bootstrap": 0, "shown": 0, "seed": 0, "data.num": 2, "crop_size": 8}
    for key, smallest in least.items():
        value = OmegaConf.select(config, key)
        if value is not None and not smallest <= value <= 2**32 - 1:
            raise UserError(
                f"{key}={value}: must be {smallest} or more{'' if value < smallest else ', and below 2^32'}"
            )
    if config.bootstrap == 1:
        raise UserError("bootstrap=1: must be 0 or at least 2 rounds")
    if config.batch_size == 1 and DIVERSITY in config.metrics:
        raise UserError(f"batch_size=1: must be 2 or more for {DIVERSITY}, which compares pictures of one block")
    if config.num > _MOST or config.seed + config.num > 2**32:
        raise UserError(f"num={config.num}: at most {_MOST} pictures a cell, and seeds below 2^32")
    if not re.fullmatch(r"[\w.-]+", config.name) or config.name in (*_STORES, ".", ".."):
        raise UserError(f"name={config.name}: must be a plain name, and neither of {', '.join(_STORES)}")


def chosen_measures(config: DictConfig, measures: Sequence[Measure]) -> list[Measure]:
    """The measures that are columns: all with `seam`, else those that `metrics=` and `measures=` name."""
    own = measures[len(measures) - len(config.measures) :]
    return [each for each in measures if SEAM in config.metrics or each.name in config.metrics or each in own]


def refuse_nothing(config: DictConfig, methods: Sequence[Method], measures: Sequence[Measure]) -> None:
    """Refuse metrics that none of the methods has.

    Args:
        config: of evaluate.py.
        methods: of the table.
        measures: from `chosen_measures`.

    Raises:
        UserError: there would be no table.
    """
    of_samples = {PATH, *(each.name for each in measures)}
    path = PATH in config.metrics and BODY in config.regions and any(method.has_path_length for method in methods)
    measured = bool(measures) and any(method.has_insets for method in methods)
    if not (set(config.metrics) - of_samples or path or measured):
        raise UserError(
            f"metrics={list(config.metrics)} regions={list(config.regions)}: nothing to measure; ppl needs an unconditional "
            "method and body, seam a method with insets"
        )


def _truncs(given: Any) -> list[float]:
    values = given if isinstance(given, list) else [given]
    for value in values:
        if isinstance(value, list):
            raise UserError(f"trunc={value}: must be a number; psi of each layer is a setting of refine=")
        check_trunc("trunc", value)
    if not values or len(set(map(float, values))) < len(values):
        raise UserError(f"trunc={given}: name one psi or several, each once")
    return [float(value) for value in values]


def _check_list(key: str, given: Sequence[str], allowed: Sequence[str] | None = None) -> None:
    for value in given:
        if allowed is not None and value not in allowed:
            raise UserError(f"{key}={value}: must be one of {', '.join(allowed)}")
    if len(set(given)) < len(given):
        raise UserError(f"{key}={list(given)}: each must be named once")
