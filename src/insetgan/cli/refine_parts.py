"""From the configuration of refine.py to the objects that refine."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from omegaconf import DictConfig, OmegaConf
from torch import nn

from insetgan import __version__
from insetgan.cli.build import instantiate
from insetgan.cli.refine_images import given_images
from insetgan.cli.refine_terms import build_objective
from insetgan.cli.seeds import parse_seeds
from insetgan.data.part_crop import PartCrop
from insetgan.detection.detector import Detector
from insetgan.detection.part import Part
from insetgan.detection.placement import PlacementRule
from insetgan.detection.segmenter import Segmenter
from insetgan.metrics.measures import Measure
from insetgan.networks.labelled import with_label
from insetgan.networks.perceptual import Perceptual
from insetgan.networks.synthesiser import Synthesiser
from insetgan.refine.composer import find_composer
from insetgan.refine.latent_file import read_codes
from insetgan.refine.latents import CANVAS
from insetgan.refine.module import Plan, RefinementModule
from insetgan.refine.one_pass import OnePass, refuse_spaces
from insetgan.refine.schedule import Schedule
from insetgan.refine.starts import GivenStart, SeededStart, Start
from insetgan.refine.walk_module import WalkModule
from insetgan.reports.video import Recorder
from insetgan.runtime import plugins
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import files_of, fingerprint
from insetgan.weights.store import load_network, read_metadata

FILM_FRAMES = 80
"""Frames of an optimisation's video, about."""


def build_module(config: DictConfig, seeds: "Sequence[int]") -> "RefinementModule":
    """Build what refines, or walks.

    Args:
        config: checked.
        seeds: of the run; starts that are given one a sample follow their order.
    """
    detector = instantiate(config.detector, Detector)
    generators: dict[str, Synthesiser] = {}  # by weights and label: two hands are drawn by one network, in one go
    parts, nodes = {}, {CANVAS: ("canvas", config.canvas)}
    for name, part in config.parts.items():
        if name not in detector.names:
            raise UserError(f"parts.{name}: the detector knows {', '.join(detector.names)}")
        drawn_by = part.weights if part.generator is None else OmegaConf.to_yaml(part.generator, resolve=True)
        drawn_by = f"{drawn_by} {part.label}"
        if drawn_by not in generators:
            generators[drawn_by] = build_generator(f"parts.{name}", part)
        placement = instantiate(part.placement, PlacementRule)
        parts[str(name)] = Part(str(name), generators[drawn_by], detector, placement, part.mirror)
        nodes[str(name)] = (f"parts.{name}", part)
    masks = "mask" in (config.region, config.composite)
    canvas = build_generator("canvas", config.canvas)
    drawers = {CANVAS: canvas, **{name: part.generator for name, part in parts.items()}}
    images = given_images(config, drawers, seeds)
    if images.canvas is not None:
        canvas = drawers[CANVAS] = images.canvas
    spaces = {name: _space(key, node, name, config, drawers[name]) for name, (key, node) in nodes.items()}
    plan = Plan(
        starts={
            name: images.starts.get(name) or _start(key, node, name, config, seeds)
            for name, (key, node) in nodes.items()
        },
        spaces=spaces | ({} if images.canvas is None else {CANVAS: ""}),
        tries=config.starts,
        keep=config.keep,
        vary=tuple(config.mode.vary),
        region=config.region,
        blend=config.composite,
        references=images.references,
    )
    module = (RefinementModule if config.walk is None else WalkModule)(
        canvas,
        parts,
        build_objective(config),
        build_schedule(config),
        plan,
        perceptual=instantiate(config.perceptual, Perceptual),
        segmenter=instantiate(config.segmenter, Segmenter) if masks else None,
        one_pass=_one_pass(config, drawers, plan.spaces),
    )
    if config.video:
        module.recorder = Recorder(max(1, config.steps // FILM_FRAMES), blend=config.composite)
    for name, drawer in module.generators.items():  # now, and not in the middle of the run
        try:
            plan.starts[name].latents(drawer, seeds[:1])
        except UserError as error:
            raise UserError(f"{nodes[name][0]}: {error}") from error
    varied = [start for name, start in plan.starts.items() if ("canvas" if name == CANVAS else "inset") in plan.vary]
    if plan.tries > 1 and not any(start.varies for start in varied):
        raise UserError(
            f"starts={plan.tries}: what mode={config.mode.name} varies is given, so all would come out alike"
        )
    if isinstance(module, WalkModule):
        module.stops, module.walk = list(seeds), config.walk
    module.images = images
    return module


def _one_pass(config: DictConfig, generators: Mapping[str, Synthesiser], spaces: Mapping[str, str]) -> OnePass | None:
    """The composer that `solver=` asks for; None for solver=steps.

    Raises:
        UserError: there is none for these generators, or it does not know the mode or the latent spaces.
    """
    if config.solver == "steps":
        return None
    key = f"solver={config.solver}"
    composer = find_composer(generators, config.composer)
    if composer is None:
        raise UserError(
            f"{key}: no embedded composer knows these generators; train one (python train.py +model=composer "
            f"canvas={config.canvas.weights} parts=[{','.join(config.parts)}]) and give composer=FILE, or take solver=steps"
        )
    composer.refuse_mode(config.mode.name)
    refuse_spaces(spaces)
    return OnePass(composer, config.mode.name)


def describe_parts(config: DictConfig) -> list[str]:
    """Say in one line for each part where its settings and the header of its weights do not agree."""
    said = []
    for name, part in config.parts.items():
        crop = None if part.generator is not None else PartCrop.of_metadata(read_metadata(part.weights))
        if crop is None:  # of an older version, or of whole images
            continue
        margin = OmegaConf.select(part, "placement.margin")
        if found := crop.differences(str(name), margin=margin, mirror=part.mirror):
            said.append(f"parts.{name}: not what parts.{name}.weights={part.weights} has learned: {'; '.join(found)}")
    return said


def build_schedule(config: DictConfig) -> "Schedule":
    """The schedule with the mode's sides and rates."""
    plain: Schedule = instantiate(config.schedule, Schedule, steps=config.steps)
    mode = config.mode
    return replace(
        plain,
        sides=tuple(mode.optimise),
        canvas_rate=plain.canvas_rate * mode.canvas_rate,
        inset_rate=plain.inset_rate * mode.inset_rate,
    )


def refine_fingerprint(
    config: DictConfig, module: "RefinementModule", seeds: "Sequence[int]", measures: "Sequence[Measure]" = ()
) -> str:
    """What decides the images and numbers of all seeds: settings and contents of files, not where or how many.

    Latents that are given for each sample are not part of it: see `Plan.origin`.

    Args:
        config: checked.
        module: refines.
        seeds: of the run.
        measures: that are taken.
    """
    settings: Any = OmegaConf.to_container(config, resolve=True)
    beside = ["seeds", "batch_size", "out", "overwrite", "trainer", "logger", "accept_licence"]
    beside += ["shards", "shard", "shard_images"]  # the fingerprint of the shards has them
    decisive = {key: value for key, value in settings.items() if key not in beside}
    decisive["precision"] = settings["trainer"].get("precision")
    decisive["spaces"] = {side: space or "w*" for side, space in settings["spaces"].items()}  # as it was once called
    decisive["version"] = __version__  # other code, other images
    decisive["plugins"] = plugins.digests()
    if config.solver == "steps":
        for added in ("solver", "composer"):  # so that results from before there were such settings stay valid
            decisive.pop(added)
    if (settings["schedule"] or {}).get("optimizer") == "adam":
        decisive["schedule"] = {key: value for key, value in settings["schedule"].items() if key != "optimizer"}
    if not decisive["measures"]:
        decisive.pop("measures")  # so that results from before there was such a setting stay valid
    if config.walk:
        decisive["seeds"] = list(seeds)
    return fingerprint(decisive, files=[*module.files(), *files_of(*measures)], code=False)  # it is among the values


def _start(key: str, node: DictConfig, name: str, config: DictConfig, seeds: "Sequence[int]") -> "Start":
    """What `start=` says; see `refine_config.GeneratorConfig`."""
    given = OmegaConf.to_object(node.start) if OmegaConf.is_config(node.start) else node.start
    if given == "seed" and config.resume_from is not None:
        return GivenStart(read_codes(config.resume_from, name, seeds, key="resume_from"), config.resume_from)
    trunc = node.trunc if node.trunc is not None else config.trunc
    psi = list(trunc) if OmegaConf.is_list(trunc) else float(trunc)
    if given == "seed":
        return SeededStart(psi)
    if given == "mean":
        return SeededStart(0.0)
    if isinstance(given, (int, list)) or re.fullmatch(r"[\d,\s-]+", str(given)):
        chosen = parse_seeds(given, key=f"{key}.start", unique=False)
        if len(chosen) not in (1, len(seeds)):
            raise UserError(
                f"{key}.start={given}: names {len(chosen)} seeds for {len(seeds)} samples; give one, or one each"
            )
        return SeededStart(psi, dict(zip(seeds, chosen * (len(seeds) // len(chosen)), strict=True)))
    return GivenStart(read_codes(str(given), name, seeds, key=f"{key}.start"), str(given))


def _space(key: str, node: DictConfig, name: str, config: DictConfig, generator: Synthesiser) -> str:
    """In which space the latents of a generator move: its own setting, else the run's, else its usual one."""
    side = "canvas" if name == CANVAS else "inset"
    space = node.space or config.spaces[side]
    if space is not None and space not in generator.spaces:
        given = f"{key}.space" if node.space else f"spaces.{side}"
        there = f"; {key}.space= says another" if not node.space else ""
        raise UserError(f"{given}={space}: must be one of {', '.join(generator.spaces)} for {key}{there}")
    return space or next(iter(generator.spaces))


def build_generator(key: str, node: DictConfig) -> "Synthesiser":
    """Load the weights of a generator, or build one of the user's own from `generator`; its weights are frozen.

    A conditional generator draws the label that the settings give it.

    Raises:
        UserError: both are given, the generator draws something else than RGB, or its label is missing or does not fit.
    """
    if node.generator is not None:
        if node.weights is not None:
            raise UserError(f"{key}.generator: takes the place of {key}.weights={node.weights}; add {key}.weights=null")
        generator: Any = instantiate(node.generator, Synthesiser)
        if isinstance(generator, nn.Module):
            generator.eval().requires_grad_(False)
    else:
        generator = load_network(node.weights, kind="generator", key=f"{key}.weights")
    channels = getattr(generator, "img_channels", 3)
    if channels != 3:
        raise UserError(f"{key}.weights={node.weights}: draws {channels} channels; refinement takes RGB generators")
    label: Any = OmegaConf.to_object(node.label) if OmegaConf.is_config(node.label) else node.label
    found: Synthesiser = with_label(generator, label, key=f"{key}.label")
    return found
