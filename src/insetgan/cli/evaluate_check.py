"""Which settings of evaluate.py go together."""

import re
from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from insetgan.evaluation.cell import DIVERSITY, PATH
from insetgan.evaluation.crops import BODY
from insetgan.evaluation.method import Method
from insetgan.metrics.measures import Measure
from insetgan.metrics.registry import FACES, FEATURE_METRICS, SQUARE_METRICS
from insetgan.runtime.errors import UserError

SEAM = "seam"
"""Names all measures of a sample at once."""

_STORES = ("runs", "features")


def check(config: DictConfig, measures: Sequence[Measure]) -> None:
    """Refuse settings that do not go together; each by itself is checked already.

    Args:
        config: of evaluate.py; its `trunc` becomes a list.
        measures: that are known.

    Raises:
        UserError: naming the key, the value and what is allowed.
    """
    config.trunc = _truncs(OmegaConf.to_object(config.trunc) if OmegaConf.is_config(config.trunc) else config.trunc)
    for key in ("method", "regions", "metrics", "features"):
        if not config[key]:
            raise UserError(f"{key}: must not be empty; see conf/evaluate.yaml")
    own = [name for name in config.metrics if "." in name]
    known = (*FEATURE_METRICS, *SQUARE_METRICS, FACES, PATH, DIVERSITY, *(each.name for each in measures))
    _check_list("metrics", config.metrics, (*known, *own))
    _check_list("regions", config.regions)
    for name in (*SQUARE_METRICS, FACES):
        if name in config.metrics and BODY not in config.regions:
            raise UserError(f"regions={list(config.regions)}: must hold {BODY} for {name}, which is of whole images")
    if FACES in config.metrics and not config.judges:
        raise UserError("judges: must not be empty for faces; choose at_hand, or of mediapipe, dlib and pose")
    if config.bootstrap == 1:
        raise UserError("bootstrap=1: must be 0 or at least 2 rounds")
    if config.batch_size == 1 and DIVERSITY in config.metrics:
        raise UserError(f"batch_size=1: must be 2 or more for {DIVERSITY}, which compares images of one block")
    if config.seed + config.num > 2**32:
        raise UserError(f"seed={config.seed} num={config.num}: seeds must stay below 2^32")
    if not re.fullmatch(r"[\w.-]+", config.name) or config.name in (*_STORES, ".", ".."):
        raise UserError(f"name={config.name}: must be a plain name, and neither of {', '.join(_STORES)}")


def idle(config: DictConfig) -> dict[str, str]:
    """Settings that have no effect beside the others, each with the reason."""
    found: dict[str, str] = {}
    metrics = set(config.metrics)
    of_features = {*FEATURE_METRICS, *SQUARE_METRICS} | {name for name in metrics if "." in name}
    for key, users in (
        ("judges", {FACES}),
        ("more_features", of_features),
        ("distance=", {PATH, DIVERSITY}),
        ("patches", {"pfd"}),
        ("patch_size", set(SQUARE_METRICS)),
    ):
        if not metrics & users:
            named = [*sorted(users & {*FEATURE_METRICS, *SQUARE_METRICS, FACES, PATH, DIVERSITY})]
            found[key] = f"belongs to metrics of {', '.join(named)}"
    if list(config.regions) == [BODY]:
        found["crop_size"] = "belongs to regions that are parts"
    if config.data.statistics is not None:
        keys = ("num", "crop", "grey", "background")
        found |= {f"data.{key}": "is of images, and data.statistics= takes their place" for key in keys}
    elif config.data.path is None:
        found |= dict.fromkeys(("data.grey", "data.background"), "belongs to data.path=")
    return found


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
    if not values or len(set(map(float, values))) < len(values):
        raise UserError(f"trunc={given}: name one psi or several, each once")
    return values


def _check_list(key: str, given: Sequence[str], allowed: Sequence[str] | None = None) -> None:
    for value in given:
        if allowed is not None and value not in allowed:
            raise UserError(f"{key}={value}: must be one of {', '.join(allowed)}")
    if len(set(given)) < len(given):
        raise UserError(f"{key}={list(given)}: each must be named once")
