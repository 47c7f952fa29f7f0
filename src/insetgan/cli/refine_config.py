"""The keys of refine.py and what they may hold."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from insetgan.cli.seeds import parse_seeds
from insetgan.runtime.errors import UserError


@dataclass
class GeneratorConfig:
    """A generator and its latents.

    Attributes:
        weights: an embedded model or a .safetensors file.
        generator: in the place of weights, a generator of your own, described by _target_ and its arguments.
        start: `seed` (of the sample), `mean` (w_avg), seeds such as 3 or 0-7 (one for all samples or one each), or a path to
            latents (see refine/latent_file.py).
        trunc: psi of its start codes, or a list with one a layer; the run's `trunc` unless given.
        space: `w*` (w* + delta, the paper's), `w` or `w+`; the run's unless given.
        label: what a conditional generator draws: a class 0, 1, ..., or a list of numbers.
    """

    weights: str | None = None
    generator: Any = None
    start: Any = "seed"
    trunc: Any = None
    space: str | None = None
    label: Any = None


@dataclass
class SpacesConfig:
    """Latent spaces of the canvas and of the insets; see `GeneratorConfig.space`."""

    canvas: str = "w*"
    inset: str = "w*"


@dataclass
class PartConfig(GeneratorConfig):
    """An inset.

    Attributes:
        placement: from what the detector sees to a box.
        mirror: flip its pictures left to right, as for the other hand.
    """

    placement: Any = None
    mirror: bool = False


@dataclass
class ModeConfig:
    """What is optimised, and which losses act.

    Attributes:
        name: as the paper has it, more or less.
        optimise: `canvas`, `inset` or both.
        exclude: families of terms that do not act; all others do, a family of your own too.
        terms: old key: the families of the paper that act (coarse, border, reg, body, part).
        vary: whose start differs between the initialisations of one sample (`starts=`).
        canvas_rate: factor of the schedule's learning rate; small for a canvas that is given.
        inset_rate: the same for the insets.
    """

    name: str = MISSING
    optimise: list[str] = MISSING
    exclude: list[str] = field(default_factory=list)
    terms: Any = None
    vary: list[str] = MISSING
    canvas_rate: float = 1.0
    inset_rate: float = 1.0


@dataclass
class RefineConfig:
    """Keys of refine.py.

    Attributes:
        mode: what is optimised and which losses act.
        trunc: psi of the start codes, w_avg + psi (w - w_avg); 1 = off, 0 = the average picture; a list has one a layer.
        seeds: `0-7`, `3`, or a list; all generators of a sample start from its seed unless their `start` says otherwise.
        steps: updates of either side, in all; samples that have settled take fewer.
        batch_size: samples at once.
        starts: initialisations of each sample.
        keep: how many of their results are kept, those of lowest objective.
        walk: pictures from one seed to the next; null for no walk.
        resume_from: a run folder (or file of latents) whose results all generators start from.
        region: `box` or `mask`: what bounds the inside of an inset and the outside of all.
        composite: `paste` (the paper's), `feather` or `mask`.
        drop: terms, or families of terms, to leave out.
        video: write an mp4 of each sample's optimisation.
        out: the run folder; named after the mode and all settings unless given.
        overwrite: whether the results in `out` are made again, of these settings or of others.
        spaces: latent spaces.
        canvas: the generator of the canvas.
        parts: by name, an inset each.
        detector: finds the parts on the canvas.
        segmenter: gives masks of the parts, where `region` or `composite` asks for them.
        perceptual: features of the perceptual terms.
        objective: by name, the terms to minimise.
        schedule: order and rates of the updates.
        logger: where curves, figures and sheets go beside the result folder, a choice of conf/logger.
        trainer: accelerator, devices, precision and the like, as pytorch_lightning.Trainer takes them.
        measures: classes of your own that measure each sample, as in [my_measures.Brightness]; see docs/extending.md.
        plugins: packages of your own, from the command line only; see docs/extending.md.
    """

    mode: ModeConfig = field(default_factory=ModeConfig)
    trunc: Any = 0.7
    seeds: Any = "0-7"
    steps: int = 300
    batch_size: int = 8
    starts: int = 1
    keep: int = 1
    walk: int | None = None
    resume_from: str | None = None
    region: str = "box"
    composite: str = "paste"
    drop: Any = None
    video: bool = False
    out: str | None = None
    overwrite: bool = False
    spaces: SpacesConfig = field(default_factory=SpacesConfig)
    canvas: GeneratorConfig = field(default_factory=GeneratorConfig)
    parts: dict[str, Any] = field(default_factory=dict)
    detector: Any = None
    segmenter: Any = None
    perceptual: Any = None
    objective: dict[str, Any] = field(default_factory=dict)
    schedule: Any = None
    logger: dict[str, Any] = field(default_factory=dict)
    trainer: dict[str, Any] = field(default_factory=dict)
    measures: list[Any] = field(default_factory=list)
    plugins: Any = None


def check(config: DictConfig) -> list[int]:
    """Refuse what the types do not.

    Returns:
        The seeds.

    Raises:
        UserError: naming the key, the value and what is allowed.
    """
    _check_present(config)
    _check_choices(config)
    seeds = parse_seeds(_plain(config.seeds))
    check_trunc("trunc", _plain(config.trunc))
    for key in ("steps", "batch_size", "starts", "keep"):
        if config[key] < 1:
            raise UserError(f"{key}={config[key]}: must be at least 1")
    if config.keep > config.starts:
        raise UserError(
            f"keep={config.keep}: must be at most starts={config.starts}, the initialisations of each sample"
        )
    if config.starts > 1 and not config.mode.vary:
        raise UserError(f"starts={config.starts}: in mode={config.mode.name} all codes are given; there is one start")
    if config.walk is not None:
        _check_walk(config, len(seeds))
    return seeds


def _check_walk(config: DictConfig, stops: int) -> None:
    if config.walk < 1 or stops < 2:
        raise UserError(
            f"walk={config.walk}: needs 1 or more pictures from one seed to the next, and two seeds or more"
        )
    if config.starts > 1 or config.video:
        raise UserError(f"walk={config.walk}: goes with neither starts= nor video=; it leaves a film of its own")
    if config.trainer.get("devices") not in (1, "auto") or config.trainer.get("num_nodes", 1) != 1:
        raise UserError("trainer.devices: a walk goes on from picture to picture, so it takes one device")


def check_trunc(key: str, value: Any) -> None:
    """Refuse a psi that is none.

    Raises:
        UserError: naming the key.
    """
    for psi in value if isinstance(value, list) else [value]:
        if isinstance(psi, bool) or not isinstance(psi, (int, float)):
            raise UserError(f"{key}={value}: must be a number, or a list with one a layer")
        if not 0 <= psi <= 2:
            raise UserError(f"{key}={psi}: must be between 0 (the average picture) and 2; 1 is no truncation")


def _check_present(config: DictConfig) -> None:
    missing = [key for key in ("trunc", "steps", "batch_size", "seeds", "starts", "keep") if config[key] is None]
    missing += [
        key for key in ("parts", "objective", "schedule", "detector", "perceptual", "trainer") if not config[key]
    ]
    if missing:
        raise UserError(f"{missing[0]}: must not be empty; see conf/refine.yaml")
    if config.canvas.weights is None and config.canvas.generator is None:
        raise UserError("canvas.weights: must name an embedded model or a file")
    for name, part in config.parts.items():
        config.parts[name] = _typed_part(f"parts.{name}", part)
    if "total" in config.objective:
        raise UserError("objective.total: a term cannot be called so; it is their sum")
    for name, term in config.objective.items():
        if not isinstance(term, DictConfig) or "_target_" not in term:
            raise UserError(f"objective.{name}={term}: must be a term with _target_ and weight")


def _typed_part(key: str, part: Any) -> DictConfig:
    """A part with all its settings; parts have names of the user's choice, so the schema cannot know them."""
    known = [setting.name for setting in fields(PartConfig)]
    if key in ("parts.canvas", "parts.curve"):
        raise UserError(f"{key}: a part cannot be called so")
    for setting in part if isinstance(part, DictConfig) else ():
        if setting not in known:
            raise UserError(f"{key}.{setting!s}: no such setting (allowed: {', '.join(known)})")
    try:
        given: Any = OmegaConf.to_container(part, resolve=True) if OmegaConf.is_config(part) else {}
        typed: Any = OmegaConf.merge(OmegaConf.structured(PartConfig), given)
    except OmegaConfBaseException as error:
        raise UserError(f"{key}: {str(error).splitlines()[0]}") from error
    if typed.placement is None or (typed.weights is None and typed.generator is None):
        raise UserError(f"{key}: needs weights and placement, as in conf/parts/face.yaml")
    if not OmegaConf.is_dict(typed.placement) or "_target_" not in typed.placement:
        raise UserError(f"{key}.placement={typed.placement}: must name a _target_, as in conf/parts/face.yaml")
    found: DictConfig = typed
    return found


def _check_choices(config: DictConfig) -> None:
    from insetgan.ops.regions import BLENDS
    from insetgan.refine.latents import SPACES
    from insetgan.refine.sides import SIDES

    given: list[tuple[str, Any, Sequence[str]]] = [
        ("region", config.region, ("box", "mask")),
        ("composite", config.composite, BLENDS),
        *((f"spaces.{side}", space, SPACES) for side, space in config.spaces.items()),
    ]
    for key, node in (("canvas", config.canvas), *((f"parts.{name}", part) for name, part in config.parts.items())):
        given.append((f"{key}.space", node.space or SPACES[0], SPACES))
        if node.trunc is not None:
            check_trunc(f"{key}.trunc", _plain(node.trunc))
    given += [("mode.optimise", value, SIDES) for value in config.mode.optimise]
    given += [("mode.vary", value, SIDES) for value in config.mode.vary]
    for key, value, allowed in given:
        if value not in allowed:
            raise UserError(f"{key}={value}: must be one of {', '.join(allowed)}")
    for key in ("canvas_rate", "inset_rate"):
        if not 0 <= config.mode[key] <= 100:
            raise UserError(f"mode.{key}={config.mode[key]}: must be a factor between 0 and 100")
    if not config.mode.optimise:
        raise UserError("mode.optimise: must name canvas, inset or both")
    if "mask" in (config.region, config.composite) and not config.segmenter:
        raise UserError("segmenter: must not be empty where region or composite is mask")


def _plain(value: Any) -> Any:
    return OmegaConf.to_object(value) if OmegaConf.is_config(value) else value
