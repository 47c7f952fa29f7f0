"""The keys of refine.py and what they may hold."""

from dataclasses import field
from typing import Annotated, Any, Literal

from omegaconf import DictConfig, OmegaConf
from pydantic import Field

from insetgan.cli.compute_config import ComputeConfig
from insetgan.cli.invert_config import ALIGN, ENCODER, IMAGE_BOX, START, ImageBox, Images, Start
from insetgan.cli.refine_shards_check import refuse_shards
from insetgan.cli.seeds import parse_seeds, refuse_too_many
from insetgan.cli.setting_types import LICENCE, OwnMeasures, Plugins, Psi, ResultLoggers, SeedText
from insetgan.inversion.options import Align, ProjectorOptions
from insetgan.runtime.errors import UserError
from insetgan.runtime.paths import UserPath, UserWeights
from insetgan.runtime.settings import settings


@settings
class GeneratorConfig:
    """A generator and its latents."""

    weights: Annotated[UserWeights | None, Field(description="an embedded model, or a .safetensors file")] = None
    generator: Annotated[
        Any, Field(description="in the place of weights, a generator of your own, by _target_ and its arguments")
    ] = None
    start: Annotated[
        UserPath | int | list[int | str],
        Field(
            description="start latents: seed (of the sample), mean (w_avg), seeds such as 3 or 0-7 (one for all samples, "
            "or one each), or a path to latents"
        ),
    ] = "seed"
    trunc: Annotated[
        Psi | list[Psi] | None, Field(description="psi of the start latents, or one a layer; null is the run's trunc")
    ] = None
    space: Annotated[
        str | None,
        Field(description="latent space: w* (w* + delta, the paper's), w or w+, or one of a generator of your own"),
    ] = None
    label: Annotated[
        int | list[float] | None,
        Field(description="what a conditional generator draws: a class 0, 1, ..., or a list of numbers"),
    ] = None
    image: Annotated[
        Images | None,
        Field(
            description="in the place of start, images of your own: a file, a folder, a pattern; one for all, or one each"
        ),
    ] = None
    align: Annotated[
        Align | None,
        Field(description=f"{ALIGN}; null is part, of a canvas whole, or person where its ratio is another"),
    ] = None
    box: Annotated[ImageBox | None, Field(description=IMAGE_BOX)] = None
    encoder: Annotated[UserWeights | None, Field(description=ENCODER)] = None


@settings
class InversionConfig:
    """How the latents of given images are found."""

    start: Annotated[Start, Field(description=START)] = "encoder"
    steps: Annotated[
        int | None,
        Field(ge=0, le=1_000_000, description="updates behind it; null is 30 from the encoder, 500 from the mean"),
    ] = None
    projector: Annotated[ProjectorOptions, Field(description="how latents are optimised")] = field(
        default_factory=ProjectorOptions
    )


@settings
class SpacesConfig:
    """Latent spaces: w* (w* + delta, the paper's), w or w+; null is the usual one of each generator, w* of a StyleGAN."""

    canvas: Annotated[str | None, Field(description="of the canvas")] = None
    inset: Annotated[str | None, Field(description="of the insets")] = None


@settings
class PartConfig(GeneratorConfig):
    """An inset."""

    placement: Annotated[Any, Field(description="from what the detector sees to a box")] = None
    mirror: Annotated[bool, Field(description="flip its images left to right, as for the other hand")] = False


@settings(kw_only=True)
class ModeConfig:
    """What is optimised, and which terms act."""

    name: Annotated[str, Field(description="of the mode")]
    optimise: Annotated[
        list[Literal["canvas", "inset"]], Field(min_length=1, description="whose latents are optimised")
    ]
    exclude: Annotated[
        list[str], Field(description="families of terms that do not act; all others do, a family of your own too")
    ] = field(default_factory=list)
    terms: Annotated[
        str | list[str] | None,
        Field(description="old name: the paper's families that act (coarse, border, reg, body, part)"),
    ] = None
    vary: Annotated[
        list[Literal["canvas", "inset"]], Field(description="whose start differs between the starts of one sample")
    ]
    canvas_rate: Annotated[
        float, Field(ge=0, le=100, description="factor of the schedule's learning rate; small for a given canvas")
    ] = 1.0
    inset_rate: Annotated[float, Field(ge=0, le=100, description="the same factor for the insets")] = 1.0


@settings
class RefineConfig:
    """Settings of `insetgan refine`."""

    mode: Annotated[ModeConfig, Field(description="what is optimised, and which terms act")] = field(
        default_factory=lambda: ModeConfig(name="", optimise=["canvas", "inset"], vary=[])
    )
    trunc: Annotated[
        Psi | list[Psi],
        Field(description="psi of the start latents; 1 is off, 0 the average image; a list has one a layer"),
    ] = 0.7
    seeds: Annotated[
        SeedText,
        Field(description="0-7, 3, or a list; all generators of a sample start from its seed unless start= is given"),
    ] = "0-7"
    solver: Annotated[
        Literal["steps", "onepass", "hybrid"],
        Field(description="steps optimises the latents, onepass asks a composer for them, hybrid polishes its answer"),
    ] = "steps"
    composer: Annotated[
        UserPath | None,
        Field(description="of onepass and hybrid: a file; null is the embedded one that knows the generators"),
    ] = None
    steps: Annotated[
        int, Field(ge=0, le=1_000_000, description="updates of either side, in all; settled samples take fewer")
    ] = 300
    batch_size: Annotated[int, Field(ge=1, le=4096, description="samples at once")] = 8
    starts: Annotated[int, Field(ge=1, le=1000, description="initialisations of each sample")] = 1
    keep: Annotated[
        int, Field(ge=1, le=1000, description="how many of their results are kept, those of lowest objective")
    ] = 1
    walk: Annotated[
        int | None, Field(ge=1, le=10_000, description="images from one seed to the next; null for no walk")
    ] = None
    resume_from: Annotated[
        UserPath | None,
        Field(description="a result folder (or a file of latents) whose results all generators start from"),
    ] = None
    region: Annotated[
        Literal["box", "mask"], Field(description="what bounds the inside of an inset, and the outside of all")
    ] = "box"
    composite: Annotated[
        Literal["paste", "feather", "mask"],
        Field(description="how insets and canvas become one image; paste is the paper's"),
    ] = "paste"
    drop: Annotated[str | list[str] | None, Field(description="terms, or families of terms, to leave out")] = None
    video: Annotated[bool, Field(description="write an mp4 of each sample's optimisation")] = False
    shards: Annotated[
        int | None,
        Field(
            ge=1,
            le=999_999,
            description="tar files of many samples, which any number of these commands share; null for none",
        ),
    ] = None
    shard: Annotated[
        SeedText | None, Field(description="those of them that this command makes, from 0, as 7 or 0-49; null for all")
    ] = None
    shard_images: Annotated[
        list[Literal["refined", "canvas", "paste"]], Field(min_length=1, description="images of a sample in a shard")
    ] = field(default_factory=lambda: ["refined"])
    out: Annotated[
        UserPath | None, Field(description="the result folder; null names it after the mode and all settings")
    ] = None
    overwrite: Annotated[bool, Field(description="make the results in out again, of these settings or of others")] = (
        False
    )
    spaces: Annotated[SpacesConfig, Field(description="latent spaces")] = field(default_factory=SpacesConfig)
    canvas: Annotated[GeneratorConfig, Field(description="the generator of the canvas")] = field(
        default_factory=GeneratorConfig
    )
    parts: Annotated[dict[str, PartConfig], Field(description="by name, an inset each")] = field(default_factory=dict)
    detector: Annotated[Any, Field(description="finds the parts on the canvas")] = None
    image_detector: Annotated[
        Any, Field(description="finds them in given images, such as photographs; null is the detector of the canvas")
    ] = None
    invert: Annotated[InversionConfig, Field(description="how the latents of given images are found")] = field(
        default_factory=InversionConfig
    )
    faces: Annotated[
        Images | None,
        Field(description="images of a part: a matrix of each of them (rows) with each of bodies= (columns)"),
    ] = None
    bodies: Annotated[SeedText | None, Field(description="seeds of the canvases of that matrix, such as 0-5")] = None
    segmenter: Annotated[
        Any, Field(description="gives masks of the parts, where region or composite asks for them")
    ] = None
    perceptual: Annotated[Any, Field(description="features of the perceptual terms")] = None
    objective: Annotated[dict[str, Any], Field(description="by name, the terms to minimise")] = field(
        default_factory=dict
    )
    schedule: Annotated[Any, Field(description="order and rates of the updates")] = None
    logger: ResultLoggers = field(default_factory=dict)
    trainer: Annotated[ComputeConfig, Field(description="where and how to compute")] = field(
        default_factory=ComputeConfig
    )
    measures: OwnMeasures = field(default_factory=list)
    accept_licence: Annotated[bool, Field(description=LICENCE)] = False
    plugins: Plugins = None


def check(config: DictConfig) -> list[int]:
    """Refuse settings that do not go together.

    Args:
        config: each setting by itself is checked already.

    Returns:
        The seeds.

    Raises:
        UserError: naming the key, the value and what is allowed.
    """
    _check_present(config)
    seeds = parse_seeds(_plain(config.seeds))
    if config.keep > config.starts:
        raise UserError(
            f"keep={config.keep}: must be at most starts={config.starts}, the initialisations of each sample"
        )
    if config.starts > 1 and not config.mode.vary:
        raise UserError(f"starts={config.starts}: in mode={config.mode.name} all latents are given; there is one start")
    if config.walk is not None:
        _check_walk(config, len(seeds))
    refuse_shards(config, len(seeds))
    _check_solver(config)
    return seeds


def _check_solver(config: DictConfig) -> None:
    if config.solver == "steps":
        if config.steps < 1:
            raise UserError(f"steps={config.steps}: must be at least 1 with solver=steps")
        if config.composer is not None:
            raise UserError(
                f"composer={config.composer}: has no effect with solver=steps; add solver=hybrid or onepass"
            )
    if config.solver == "onepass" and config.steps:
        raise UserError(f"steps={config.steps}: solver=onepass makes none; take solver=hybrid, which polishes by steps")
    if config.video and not config.steps:
        raise UserError("video=true: there are no steps to film; take solver=steps or solver=hybrid")


def _check_walk(config: DictConfig, stops: int) -> None:
    if stops < 2:
        raise UserError(f"walk={config.walk}: needs two seeds or more")
    refuse_too_many(f"walk={config.walk} seeds={_plain(config.seeds)}", (stops - 1) * config.walk + 1)
    if config.starts > 1 or config.video:
        raise UserError(f"walk={config.walk}: goes with neither starts= nor video=; it leaves a film of its own")
    if config.trainer.devices not in (1, "auto") or config.trainer.num_nodes != 1:
        raise UserError("trainer.devices: a walk goes on from image to image, so it takes one device")


def _check_present(config: DictConfig) -> None:
    for key in ("parts", "objective", "schedule", "detector", "perceptual"):
        if not config[key]:
            raise UserError(f"{key}: must not be empty; see conf/refine.yaml")
    if config.canvas.weights is None and config.canvas.generator is None:
        raise UserError("canvas.weights: must name an embedded model or a file")
    for name, part in config.parts.items():
        _check_part(f"parts.{name}", part)
    if "total" in config.objective:
        raise UserError("objective.total: a term cannot be called so; it is their sum")
    for name, term in config.objective.items():
        if not isinstance(term, DictConfig) or "_target_" not in term:
            raise UserError(f"objective.{name}={term}: must be a term with _target_ and weight")
    if "mask" in (config.region, config.composite) and not config.segmenter:
        raise UserError("segmenter: must not be empty where region or composite is mask")


def _check_part(key: str, part: DictConfig) -> None:
    if key in ("parts.canvas", "parts.curve"):
        raise UserError(f"{key}: a part cannot be called so")
    if part.placement is None or (part.weights is None and part.generator is None):
        raise UserError(f"{key}: needs weights and placement, as in conf/parts/face.yaml")
    if not OmegaConf.is_dict(part.placement) or "_target_" not in part.placement:
        raise UserError(f"{key}.placement={part.placement}: must name a _target_, as in conf/parts/face.yaml")


def _plain(value: Any) -> Any:
    return OmegaConf.to_object(value) if OmegaConf.is_config(value) else value
