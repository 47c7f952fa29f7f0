"""The keys of evaluate.py and what they may hold."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from insetgan.cli.refine_config import check_trunc
from insetgan.runtime.errors import UserError

KINDS = ("canvas", "paste", "refine", "complete", "folder")
BESIDE = ("ppl", "lpips_diversity", "seam")
"""Metrics that need more than features of pictures."""

_STORES = ("runs", "features")
_MOST = 1_000_000


@dataclass
class MethodConfig:
    """What makes the pictures of a row.

    Attributes:
        kind: `canvas` (the generator alone), `paste` (the naive paste), `refine` (a run of refine.py), `complete` (holes of the
            start canvas filled by a network) or `folder` (pictures that are there already).
        title: in tables.
        overrides: of a refinement, settings of refine.py beside those in `refine=`.
        weights: of the network that fills holes.
        trunc: psi of that network's own latents.
        path: of a folder or zip of pictures.
        grey: what is done with greyscale pictures of it, refuse or rgb.
        background: colour behind transparent pictures of it: a name such as white, '#rrggbb' or [red, green, blue].
        optional: leave the row out where its weights or pictures are missing, instead of stopping.
    """

    kind: str = "canvas"
    title: str | None = None
    overrides: list[str] = field(default_factory=list)
    weights: str | None = None
    trunc: float = 1.0
    path: str | None = None
    grey: str = "refuse"
    background: Any = "white"
    optional: bool = False


@dataclass
class RealConfig:
    """The real pictures.

    Attributes:
        path: archive or folder; unless given, the rendered people that come with the package.
        num: at most so many, a fixed choice; all unless given.
        statistics: instead of pictures, `real.safetensors` of an earlier evaluation, or clean-fid's reference files as in
            `cleanfid:ffhq:1024` or `cleanfid:ffhq:1024:trainval` (with features=cleanfid and regions=[body]).
        crop: what is done with real pictures of another ratio: none (refused), center (cut to their middle) or fit (padded).
        grey: what is done with greyscale pictures, refuse or rgb.
        background: colour behind transparent ones and of padding: a name such as white, '#rrggbb' or [red, green, blue].
    """

    path: str | None = None
    num: int | None = None
    statistics: str | None = None
    crop: str = "none"
    grey: str = "refuse"
    background: Any = "white"


@dataclass
class EvaluateConfig:
    """Keys of evaluate.py.

    Attributes:
        method: by name, what is compared, choices of conf/method; the rows of the table.
        trunc: psi, one or several; every method is measured at each.
        regions: `body` (the whole picture) and parts (their crops with what is round their borders).
        metrics: fid, kid, pr (precision and recall), ids (P-IDS and U-IDS), ppl (path length), lpips_diversity, seam (with
            band and change of the canvas), or a class of your own, as in my_metrics.Gap.
        features: network by whose eyes pictures are compared, a choice of conf/features.
        distance: of two pictures, for ppl and lpips_diversity, a choice of conf/distance.
        num: pictures of a cell.
        seed: first of the seeds; the others follow.
        batch_size: pictures that are made and described together.
        bootstrap: rounds for the intervals; 0 for none.
        refine: settings of refine.py for all methods, each in quotes: 'refine=["steps=100","canvas.weights=my.safetensors"]'.
        data: the real pictures.
        crop_size: pixels to which crops of parts are brought; half the canvas's shorter side unless given.
        shown: seeds on the sheet of pictures; 0 for no sheet.
        name: of the evaluation; its tables are in `out`/`name`, those of a sweep in `name`-0 and on.
        out: folder of evaluations, which share there what they have made.
        trainer: accelerator, devices, precision and the like, as pytorch_lightning.Trainer takes them.
        plugins: packages of your own, from the command line only; see docs/extending.md.
    """

    method: dict[str, Any] = field(default_factory=dict)
    trunc: Any = 0.7
    regions: list[str] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)
    features: Any = None
    distance: Any = None
    num: int = 64
    seed: int = 0
    batch_size: int = 16
    bootstrap: int = 100
    refine: list[str] = field(default_factory=list)
    data: RealConfig = field(default_factory=RealConfig)
    crop_size: int | None = None
    shown: int = 8
    name: str = "table"
    out: str = "outputs/evaluate"
    trainer: dict[str, Any] = field(default_factory=dict)
    plugins: Any = None


def check(config: DictConfig) -> None:
    """Refuse what the types do not.

    Raises:
        UserError: naming the key, the value and what is allowed.
    """
    from insetgan.metrics.registry import FEATURE_METRICS

    config.trunc = _truncs(OmegaConf.to_object(config.trunc) if OmegaConf.is_config(config.trunc) else config.trunc)
    for key in ("method", "regions", "metrics", "features", "trainer"):
        if not config[key]:
            raise UserError(f"{key}: must not be empty; see conf/evaluate.yaml")
    for name in config.method:
        config.method[name] = _method(str(name), config.method[name])
    _check_list(
        "metrics", config.metrics, (*FEATURE_METRICS, *BESIDE, *(name for name in config.metrics if "." in name))
    )
    _check_list("regions", config.regions)
    _refuse_nothing(config)
    least = {"num": 2, "batch_size": 1, "bootstrap": 0, "shown": 0, "seed": 0, "data.num": 2, "crop_size": 8}
    for key, smallest in least.items():
        value = OmegaConf.select(config, key)
        if value is not None and not smallest <= value <= 2**32 - 1:
            raise UserError(
                f"{key}={value}: must be {smallest} or more{'' if value < smallest else ', and below 2^32'}"
            )
    if config.bootstrap == 1:
        raise UserError("bootstrap=1: must be 0 or at least 2 rounds")
    if config.batch_size == 1 and "lpips_diversity" in config.metrics:
        raise UserError("batch_size=1: must be 2 or more for lpips_diversity, which compares pictures of one block")
    if config.num > _MOST or config.seed + config.num > 2**32:
        raise UserError(f"num={config.num}: at most {_MOST} pictures a cell, and seeds below 2^32")
    if not re.fullmatch(r"[\w.-]+", config.name) or config.name in (*_STORES, ".", ".."):
        raise UserError(f"name={config.name}: must be a plain name, and neither of {', '.join(_STORES)}")


def _refuse_nothing(config: DictConfig) -> None:
    """Refuse metrics that none of the methods has."""
    kinds, wanted = {method.kind for method in config.method.values()}, set(config.metrics)
    seam = "seam" in wanted and bool(kinds - {"canvas", "folder"})
    path = "ppl" in wanted and "canvas" in kinds and "body" in config.regions
    if not (wanted - {"seam", "ppl"} or seam or path):
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


def _method(name: str, given: Any) -> DictConfig:
    """A method with all its settings; methods have names of the user's choice, so the schema cannot know them."""
    key, known = f"method.{name}", [setting.name for setting in fields(MethodConfig)]
    for setting in given if isinstance(given, DictConfig) else ():
        if setting not in known:
            raise UserError(f"{key}.{setting!s}: no such setting (allowed: {', '.join(known)})")
    if not re.fullmatch(r"[\w.-]+", name):
        raise UserError(f"{key}: a method needs a plain name, of letters, digits, dots, dashes and underscores")
    try:
        plain: Any = OmegaConf.to_container(given, resolve=True) if OmegaConf.is_config(given) else {}
        typed: Any = OmegaConf.merge(OmegaConf.structured(MethodConfig), plain)
    except OmegaConfBaseException as error:
        raise UserError(f"{key}: {str(error).splitlines()[0]}") from error
    if typed.kind not in KINDS:
        raise UserError(f"{key}.kind={typed.kind}: must be one of {', '.join(KINDS)}")
    typed.title = typed.title or name
    for kind, setting in (("complete", "weights"), ("folder", "path")):
        if typed.kind == kind and not typed[setting]:
            raise UserError(f"{key}.{setting}: must be given, as in {key}.{setting}=PATH")
    if typed.kind == "complete":
        check_trunc(f"{key}.trunc", typed.trunc)
    found: DictConfig = typed
    return found


def _check_list(key: str, given: Sequence[str], allowed: Sequence[str] | None = None) -> None:
    for value in given:
        if allowed is not None and value not in allowed:
            raise UserError(f"{key}={value}: must be one of {', '.join(allowed)}")
    if len(set(given)) < len(given):
        raise UserError(f"{key}={list(given)}: each must be named once")
