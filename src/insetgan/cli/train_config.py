"""Keys of train.py, and what values they may have."""

from dataclasses import field
from typing import Annotated, Any, Literal

from omegaconf import DictConfig, OmegaConf
from pydantic import Field

from insetgan.cli.compute_config import Threads
from insetgan.cli.places import CONF
from insetgan.cli.setting_types import (
    BACKGROUND,
    CLUSTER,
    CROP,
    GREY,
    LICENCE,
    Background,
    Cluster,
    Crop,
    Grey,
    Plugins,
    Seed,
)
from insetgan.runtime.errors import UserError
from insetgan.runtime.paths import UserImages, UserPath, UserWeights
from insetgan.runtime.settings import settings
from insetgan.training.quality_settings import QualitySettings

Kimg = Annotated[float, Field(gt=0, le=1e9)]
"""Thousands of images."""


@settings
class DataConfig:
    """The images that are trained on."""

    path: Annotated[
        UserImages | None,
        Field(
            description="archive, folder or tar shards, also by s3://; null takes the people that come with the package"
        ),
    ] = None
    cache_gb: Annotated[
        float, Field(gt=0, le=1_000_000, description="GiB of copies that are kept of shards from object stores")
    ] = 20.0
    height: Annotated[
        int,
        Field(
            ge=4,
            le=16384,
            description="in pixels; height and width are two numbers from 3 up times one power of two",
        ),
    ] = 256
    width: Annotated[int, Field(ge=4, le=16384, description="likewise")] = 128
    mirror: Annotated[bool, Field(description="flip images left to right half of the time")] = True
    labels: Annotated[bool, Field(description="train conditional networks on the labels of dataset.json")] = False
    c_dim: Annotated[int, Field(ge=0, le=1_000_000, description="number of label values; found in dataset.json")] = 0
    check: Annotated[
        bool, Field(description="look at every image before training starts; the verdict is remembered")
    ] = True
    on_fault: Annotated[Literal["stop", "skip"], Field(description="what to do about images that cannot be used")] = (
        "stop"
    )
    workers: Annotated[
        int | None,
        Field(
            ge=0, le=1024, description="processes that decode images for each device; null for as many as make sense"
        ),
    ] = None
    crop: Annotated[Crop, Field(description=CROP)] = "none"
    grey: Annotated[Grey, Field(description=GREY)] = "refuse"
    background: Annotated[Background, Field(description=BACKGROUND)] = "white"


@settings
class TrainerConfig:
    """How the run is carried out."""

    max_kimg: Annotated[Kimg, Field(description="thousands of images to see in all")] = 200.0
    precision: Annotated[
        Literal["auto", "32-true", "bf16-mixed", "16-mixed"],
        Field(description="of the networks; auto is bf16-mixed where the device is fast in it"),
    ] = "auto"
    accelerator: Annotated[str, Field(description="auto, cpu, gpu or another that Lightning knows")] = "auto"
    devices: Annotated[int, Field(ge=1, le=1024, description="how many; each takes its share of a batch")] = 1
    cluster: Annotated[Cluster, Field(description=CLUSTER)] = "none"
    num_threads: Threads = None
    fast_dev_run: Annotated[bool, Field(description="one step of everything, nothing kept")] = False


@settings(kw_only=True)
class TrainConfig:
    """Settings of `insetgan train`."""

    model: Annotated[Any, Field(description="what is trained")]
    part: Annotated[
        str | None, Field(description="what +model=part draws: the name of a file of conf/parts, such as face")
    ] = None
    generator: Annotated[
        UserWeights | None,
        Field(description="whose latents +model=encoder learns to find: an embedded model by name, or a file"),
    ] = None
    canvas: Annotated[
        UserPath | None,
        Field(description="the canvas of +model=composer: an embedded model by name, or a file"),
    ] = None
    parts: Annotated[
        dict[str, Any], Field(description="its parts, as in refine.py: names of files of conf/parts, such as [face]")
    ] = field(default_factory=dict)
    recipe: Annotated[Any, Field(description="networks, losses and their settings of a GAN")] = None
    features: Annotated[Any, Field(description="feature extractor by which images are measured")] = None
    quality: Annotated[QualitySettings, Field(description="when and how that is done")] = field(
        default_factory=QualitySettings
    )
    data: Annotated[DataConfig, Field(description="the images that are trained on")] = field(default_factory=DataConfig)
    trainer: Annotated[TrainerConfig, Field(description="how the run is carried out")] = field(
        default_factory=TrainerConfig
    )
    logger: Annotated[dict[str, Any], Field(description="where scalars go beside metrics.csv")] = field(
        default_factory=dict
    )
    batch_size: Annotated[int, Field(ge=1, le=1_000_000, description="images an iteration, over all devices")] = 8
    batch_gpu: Annotated[
        int | None,
        Field(
            ge=1, le=1_000_000, description="images that a device computes at once; the others follow in further rounds"
        ),
    ] = None
    lr: Annotated[float, Field(gt=0, le=1000, description="learning rate")] = 0.002
    gamma: Annotated[
        float | None,
        Field(ge=0, le=1e9, description="weight of R1; null is 0.0002 * height * width / batch_size"),
    ] = None
    tick_kimg: Annotated[Kimg, Field(description="thousands of images between two lines of the log")] = 0.5
    snapshot_kimg: Annotated[
        Kimg, Field(description="thousands of images between two checkpoints with sample grids")
    ] = 4.0
    grid: Annotated[int, Field(ge=1, le=1024, description="images in a sample grid")] = 32
    seed: Annotated[Seed, Field(description="of everything random")] = 0
    resume: Annotated[
        UserPath, Field(description="auto goes on from last.ckpt in out, none starts anew, else a checkpoint")
    ] = "auto"
    init: Annotated[
        UserWeights | None,
        Field(
            description="weights to start from: last.ckpt of another run, a network's safetensors, or an embedded model by name"
        ),
    ] = None
    init_strict: Annotated[bool, Field(description="refuse weights of which not everything fits")] = True
    out: Annotated[UserPath | None, Field(description="the result folder; null is outputs/train/<model>")] = None
    accept_licence: Annotated[bool, Field(description=LICENCE)] = False
    plugins: Plugins = None


def check(config: DictConfig) -> None:
    """Refuse settings that do not go together; each by itself is checked already.

    Raises:
        UserError: naming the key, the value and what is allowed.
    """
    if not isinstance(config.model, DictConfig):
        raise UserError(f"model={config.model}: choose one of conf/model, as in +model=body")
    for name in ("module", "dataset"):
        if not isinstance(config.model.get(name), DictConfig):
            raise UserError(f"model.{name}: must say what to build, as in conf/model/body.yaml")
    _check_recipe(config)


def _check_recipe(config: DictConfig) -> None:
    """Refuse settings that were added with + to a recipe, which Hydra lets pass."""
    if not isinstance(config.recipe, DictConfig):
        return
    every = {str(name) for name in OmegaConf.load(CONF / "recipe" / "auto.yaml")} - {"defaults"} | {"discriminator"}
    for name in map(str, config.recipe):
        if name not in every:
            raise UserError(f"recipe.{name}: no such setting (allowed: {', '.join(sorted(every))})")
