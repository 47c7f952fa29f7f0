"""The keys of evaluate.py."""

from dataclasses import field
from typing import Annotated, Any

from pydantic import Field

from insetgan.cli.compute_config import ComputeConfig
from insetgan.cli.setting_types import (
    BACKGROUND,
    CROP,
    GREY,
    LICENCE,
    Background,
    Crop,
    Grey,
    OwnMeasures,
    Plugins,
    Psi,
    ResultLoggers,
    Seed,
)
from insetgan.runtime.paths import UserImages, UserPath
from insetgan.runtime.settings import settings


@settings
class RealConfig:
    """The real images."""

    path: Annotated[
        UserImages | None,
        Field(
            description="archive, folder or tar shards, also by s3://; null takes the people that come with the package"
        ),
    ] = None
    cache_gb: Annotated[
        float, Field(gt=0, le=1_000_000, description="GiB of copies that are kept of shards from object stores")
    ] = 20.0
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

    method: Annotated[dict[str, Any], Field(description="by name, what is compared; the rows of the table")] = field(
        default_factory=dict
    )
    trunc: Annotated[Psi | list[Psi], Field(description="psi, one or several; every method is measured at each")] = (
        field(default_factory=lambda: [0.7, 0.4])
    )
    regions: Annotated[
        list[str], Field(description="body (the whole image) and parts (their crops with what is round their borders)")
    ] = field(default_factory=lambda: ["body", "face"])
    metrics: Annotated[
        list[str],
        Field(
            description="fid, kid, pr (precision and recall), ids (P-IDS and U-IDS), kfd and pfd (distances of squares round "
            "the parts and at random places), faces (what judges= see), ppl (path length), lpips_diversity, seam (with all "
            "other measures of a sample; or one of band, part_change, body_change), or a class of your own (my_metrics.Gap)"
        ),
    ] = field(default_factory=lambda: ["fid", "kid", "pr", "seam"])
    features: Annotated[Any, Field(description="feature extractor by which images are compared")] = None
    more_features: Annotated[
        dict[str, Any],
        Field(
            description="further feature extractors, by name; each has its own columns of fid, kid, pr, ids, kfd and pfd"
        ),
    ] = field(default_factory=dict)
    judges: Annotated[
        dict[str, Any],
        Field(
            description="by name, detectors for photographs, for metrics=[faces]: in how many images do they see a person?"
        ),
    ] = field(default_factory=dict)
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
    patch_size: Annotated[
        int | None,
        Field(
            ge=8,
            le=8192,
            description="side in pixels of the squares of kfd and pfd; null is half the canvas's shorter side",
        ),
    ] = None
    patches: Annotated[int, Field(ge=1, le=1024, description="squares at random places of each image, for pfd")] = 4
    shown: Annotated[int, Field(ge=0, le=1000, description="seeds on the sheet of images; 0 for no sheet")] = 8
    name: Annotated[
        str, Field(description="of the evaluation; its tables are in out/name, those of a sweep in name-0 and on")
    ] = "table"
    out: Annotated[UserPath, Field(description="folder of evaluations, which share there what they have made")] = (
        "outputs/evaluate"
    )
    logger: ResultLoggers = field(default_factory=dict)
    trainer: Annotated[ComputeConfig, Field(description="where and how to compute")] = field(
        default_factory=ComputeConfig
    )
    measures: OwnMeasures = field(default_factory=list)
    accept_licence: Annotated[bool, Field(description=LICENCE)] = False
    plugins: Plugins = None
