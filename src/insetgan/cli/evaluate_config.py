"""The keys of evaluate.py and what they may hold."""

import re
from collections.abc import Sequence
from dataclasses import field
from typing import Annotated, Any, Literal

from omegaconf import DictConfig, OmegaConf
from pydantic import Field

from insetgan.cli.compute_config import ComputeConfig
from insetgan.cli.setting_types import BACKGROUND, CROP, GREY, PLUGINS, Background, Crop, Grey, Psi, Seed
from insetgan.runtime.errors import UserError
from insetgan.runtime.paths import UserPath
from insetgan.runtime.settings import settings

BESIDE = ("ppl", "lpips_diversity", "seam")
"""Metrics that need more than features of pictures."""

_STORES = ("runs", "features")


@settings
class MethodConfig:
    """What makes the images of a row."""

    kind: Annotated[
        Literal["canvas", "paste", "refine", "complete", "folder"],
        Field(
            description="canvas (the generator alone), paste (the naive paste), refine (a run of insetgan refine), complete "
            "(holes of the start canvas filled by a network) or folder (images that are there already)"
        ),
    ] = "canvas"
    title: Annotated[str | None, Field(description="in tables; null is its name")] = None
    overrides: Annotated[
        list[str], Field(description="of a refinement, settings of insetgan refine beside those in refine=")
    ] = field(default_factory=list)
    weights: Annotated[UserPath | None, Field(description="of the network that fills holes")] = None
    trunc: Annotated[Psi, Field(description="psi of that network's own latents")] = 1.0
    path: Annotated[UserPath | None, Field(description="of a folder or zip of images")] = None
    grey: Annotated[Grey, Field(description=GREY)] = "refuse"
    background: Annotated[Background, Field(description=BACKGROUND)] = "white"
    optional: Annotated[
        bool, Field(description="leave the row out where its weights or images are missing, instead of stopping")
    ] = False


@settings
class RealConfig:
    """The real images."""

    path: Annotated[
        UserPath | None,
        Field(description="archive or folder; null takes the rendered people that come with the package"),
    ] = None
    num: Annotated[
        int | None, Field(ge=2, le=100_000_000, description="at most so many, a fixed choice; null for all")
    ] = None
    statistics: Annotated[
        UserPath | None,
        Field(
            description="instead of images, real.safetensors of an earlier evaluation, or clean-fid's reference files as in "
            "cleanfid:ffhq:1024 or cleanfid:ffhq:1024:trainval (with features=cleanfid and regions=[body])"
        ),
    ] = None
    crop: Annotated[Crop, Field(description=CROP)] = "none"
    grey: Annotated[Grey, Field(description=GREY)] = "refuse"
    background: Annotated[Background, Field(description=BACKGROUND)] = "white"


@settings
class EvaluateConfig:
    """Settings of `insetgan evaluate`."""

    method: Annotated[
        dict[str, MethodConfig], Field(description="by name, what is compared; the rows of the table")
    ] = field(default_factory=dict)
    trunc: Annotated[Psi | list[Psi], Field(description="psi, one or several; every method is measured at each")] = (
        field(default_factory=lambda: [0.7, 0.4])
    )
    regions: Annotated[
        list[str], Field(description="body (the whole image) and parts (their crops with what is round their borders)")
    ] = field(default_factory=lambda: ["body", "face"])
    metrics: Annotated[
        list[str],
        Field(
            description="fid, kid, pr (precision and recall), ids (P-IDS and U-IDS), ppl (path length), lpips_diversity, seam "
            "(with band and change of the canvas), or a class of your own, as in my_metrics.Gap"
        ),
    ] = field(default_factory=lambda: ["fid", "kid", "pr", "seam"])
    features: Annotated[Any, Field(description="feature extractor by which images are compared")] = None
    distance: Annotated[Any, Field(description="of two images, for ppl and lpips_diversity")] = None
    num: Annotated[int, Field(ge=2, le=1_000_000, description="images of a cell")] = 64
    seed: Annotated[Seed, Field(description="first of the seeds; the others follow")] = 0
    batch_size: Annotated[int, Field(ge=1, le=4096, description="images that are made and described together")] = 16
    bootstrap: Annotated[
        int, Field(ge=0, le=100_000, description="rounds for the intervals, 2 or more; 0 for none")
    ] = 100
    refine: Annotated[
        list[str],
        Field(
            description="settings of insetgan refine for all methods, each in quotes: "
            """'refine=["steps=100","canvas.weights=my.safetensors"]'"""
        ),
    ] = field(default_factory=list)
    data: Annotated[RealConfig, Field(description="the real images")] = field(default_factory=RealConfig)
    crop_size: Annotated[
        int | None,
        Field(
            ge=8,
            le=8192,
            description="pixels to which crops of parts are brought; null is half the canvas's shorter side",
        ),
    ] = None
    shown: Annotated[int, Field(ge=0, le=1000, description="seeds on the sheet of images; 0 for no sheet")] = 8
    name: Annotated[
        str, Field(description="of the evaluation; its tables are in out/name, those of a sweep in name-0 and on")
    ] = "table"
    out: Annotated[UserPath, Field(description="folder of evaluations, which share there what they have made")] = (
        "outputs/evaluate"
    )
    logger: Annotated[
        dict[str, Any], Field(description="where curves, figures and sheets go beside the result folder")
    ] = field(default_factory=dict)
    trainer: Annotated[ComputeConfig, Field(description="where and how to compute")] = field(
        default_factory=ComputeConfig
    )
    plugins: Annotated[str | list[str] | None, Field(description=PLUGINS)] = None


def check(config: DictConfig) -> None:
    """Refuse settings that do not go together; each by itself is checked already.

    Raises:
        UserError: naming the key, the value and what is allowed.
    """
    from insetgan.metrics.registry import FEATURE_METRICS

    config.trunc = _truncs(OmegaConf.to_object(config.trunc) if OmegaConf.is_config(config.trunc) else config.trunc)
    for key in ("method", "regions", "metrics", "features"):
        if not config[key]:
            raise UserError(f"{key}: must not be empty; see conf/evaluate.yaml")
    for name, method in config.method.items():
        _check_method(str(name), method)
    own = (name for name in config.metrics if "." in name)
    _check_list("metrics", config.metrics, (*FEATURE_METRICS, *BESIDE, *own))
    _check_list("regions", config.regions)
    _refuse_nothing(config)
    if config.bootstrap == 1:
        raise UserError("bootstrap=1: must be 0 or at least 2 rounds")
    if config.batch_size == 1 and "lpips_diversity" in config.metrics:
        raise UserError("batch_size=1: must be 2 or more for lpips_diversity, which compares pictures of one block")
    if config.seed + config.num > 2**32:
        raise UserError(f"seed={config.seed} num={config.num}: seeds must stay below 2^32")
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
    if not values or len(set(map(float, values))) < len(values):
        raise UserError(f"trunc={given}: name one psi or several, each once")
    return values


def _check_method(name: str, method: DictConfig) -> None:
    key = f"method.{name}"
    if not re.fullmatch(r"[\w.-]+", name):
        raise UserError(f"{key}: a method needs a plain name, of letters, digits, dots, dashes and underscores")
    method.title = method.title or name
    for kind, setting in (("complete", "weights"), ("folder", "path")):
        if method.kind == kind and not method[setting]:
            raise UserError(f"{key}.{setting}: must be given, as in {key}.{setting}=PATH")


def _check_list(key: str, given: Sequence[str], allowed: Sequence[str] | None = None) -> None:
    for value in given:
        if allowed is not None and value not in allowed:
            raise UserError(f"{key}={value}: must be one of {', '.join(allowed)}")
    if len(set(given)) < len(given):
        raise UserError(f"{key}={list(given)}: each must be named once")
