"""`python refine.py`: compose images from several generators."""

import math
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from insetgan.cli.idle import refuse_idle, typed
from insetgan.cli.loggers import build_loggers, refuse_missing_packages
from insetgan.cli.measures import build_measures
from insetgan.cli.refine_blocks import Watch, refine_blocks, result_folder, unfinished
from insetgan.cli.refine_config import check
from insetgan.cli.refine_idle import idle
from insetgan.cli.refine_images import check_images, finish_with, settle_matrix
from insetgan.cli.refine_parts import build_module, describe_parts, refine_fingerprint
from insetgan.cli.refine_perceptual import settle_perceptual
from insetgan.cli.refine_shards import run_shards
from insetgan.cli.refine_terms import describe_left_out
from insetgan.cli.result_logging import log_refinement
from insetgan.cli.run_index import indexed
from insetgan.cli.terminal import PatientConsole, table
from insetgan.cli.trainer import build_trainer, settle
from insetgan.metrics.measures import LEVELS, Measure, read_quantities
from insetgan.refine.block_state import remove_leftovers
from insetgan.refine.module import RefinementModule, seed_blocks
from insetgan.refine.refined_samples import LAYOUT, RefinedSamples
from insetgan.refine.walk import image_names
from insetgan.refine.walk_module import WalkModule
from insetgan.reports.matrix import write_matrix
from insetgan.reports.refinement import gather_results, write_report, write_walk_film
from insetgan.reports.report import aligned, base_name, figure_rows
from insetgan.reports.video import encode_mp4, find_encoder
from insetgan.runtime.provenance import with_provenance
from insetgan.runtime.store import ResultFolder


def run(config: DictConfig, watch: Watch | None = None) -> float | None:
    """Refine the seeds that are not finished yet, gather the results and say what came out.

    Args:
        config: checked.
        watch: follows the refinement in the place of the terminal; then neither curves nor a report are drawn.

    Returns:
        What a sweeper minimises, see `objective`; None in all processes but the first.
    """
    ready = _ready(config)
    chosen, seeds, blocks, module, measures = ready.chosen, ready.seeds, ready.blocks, ready.module, ready.measures
    mark = refine_fingerprint(config, module, seeds, measures)
    trainer = build_trainer(config.trainer, inference_mode=False)
    if trainer.is_global_zero:
        lines = [*chosen, *describe_left_out(config, module.objective), *describe_parts(config), *module.images.said]
        for line in lines:
            PatientConsole().print(line, markup=False) if watch is None else watch.say(line)
    if config.shards is not None:
        return run_shards(config, seeds, module, measures, trainer, mark)
    folder = ResultFolder(result_folder(config, mark), mark, LAYOUT, overwrite=config.overwrite)
    walk = [] if config.walk is None else image_names(seeds, config.walk)
    finish = finish_with(module, module.images, mark)
    samples = RefinedSamples(folder, config.keep, module.origin, encode_mp4, walk, measures, finish)
    # One process locks the folder for all processes of this command.
    loggers: list[Any] = []
    with ExitStack() as stack:
        if trainer.is_global_zero:
            stack.enter_context(folder.open())
            stack.enter_context(indexed(folder.path))
            folder.write("config.yaml", with_provenance(OmegaConf.to_yaml(config, resolve=True)))
            plain: Any = OmegaConf.to_container(config, resolve=True)
            loggers = build_loggers(config.logger, folder.path, plain)
        if isinstance(module, WalkModule):
            module.samples = samples
            seeds = list(range(len(walk)))
            blocks = seed_blocks(seeds, 1)
        open_blocks = unfinished(samples, blocks, config.overwrite)
        began = time.monotonic()
        refine_blocks(trainer, module, samples, open_blocks, len(blocks), watch=watch)
        if trainer.is_global_zero:
            results = gather_results(
                samples, seeds, walk=config.walk is not None, labels=labels(config), solver=config.solver
            )
            if watch is not None:
                return objective(results["summary"])
            present(config, samples, module, results)
            if ready.matrix is not None:
                write_matrix(samples, seeds, next(iter(config.parts)), *ready.matrix)
            log_refinement(loggers, samples, results)
            _summary(PatientConsole(), folder.path, results, sum(map(len, open_blocks)), time.monotonic() - began)
            return objective(results["summary"])
    return None


@dataclass(frozen=True)
class _Ready:
    """What a run begins with: lines to be said, the seeds and their blocks, what refines, what is measured, and a matrix."""

    chosen: list[str]
    seeds: list[int]
    blocks: list[list[int]]
    module: RefinementModule
    measures: Sequence[Measure]
    matrix: tuple[int, int] | None


def _ready(config: DictConfig) -> _Ready:
    """Check the settings, whose `auto` values are replaced, and build what refines."""
    chosen = settle_perceptual(config)
    matrix = settle_matrix(config)
    seeds = check(config)
    check_images(config)
    refuse_idle(idle(config), typed())
    refuse_missing_packages(config.logger)
    if config.video or config.walk is not None:  # before the work
        find_encoder("video=true" if config.video else f"walk={config.walk}")
    blocks = seed_blocks(seeds, max(1, config.batch_size // config.starts))
    alone = config.walk is not None or config.shards is not None
    settle(config.trainer, 1 if alone else len(blocks))
    if config.shards is not None:
        config.trainer.devices = 1
    module = build_module(config, seeds)  # first, since its complaints name the settings
    return _Ready(chosen, seeds, blocks, module, build_measures(config), matrix)


def check_run(config: DictConfig) -> None:
    """Raise what would stop a run before its work.

    Raises:
        UserError: a setting, or a file that it names, cannot be used.
    """
    _ready(config)


def labels(config: DictConfig) -> dict[str, Any]:
    """The labels that conditional generators draw, by "canvas" and part name."""
    settings: Any = OmegaConf.to_container(config, resolve=True)
    nodes = {"canvas": settings["canvas"], **settings["parts"]}
    return {name: node["label"] for name, node in nodes.items() if node.get("label") is not None}


def objective(summary: dict[str, Any]) -> float:
    """The seam after refinement, the median over the samples and the mean over the parts; infinite if no part was found."""
    seams = [seam for seam in (summary["seam_after"] or {}).values() if seam is not None]
    return statistics.fmean(seams) if seams else math.inf


def present(config: DictConfig, samples: "RefinedSamples", module: "RefinementModule", results: dict[str, Any]) -> None:
    """Write what there is to look at: curves, report, and the film of a walk; remove what was left over."""
    finished = range(len(results["samples"])) if samples.walk else {record["seed"] for record in results["samples"]}
    if count := remove_leftovers(samples.folder, finished, module.sample_word):
        PatientConsole().print(f"{count} half-done block{'s' * (count > 1)} of another batch_size removed")
    if config.walk is not None:
        write_walk_film(samples)
    name = config.mode.name if config.solver == "steps" else f"{config.mode.name}, solver={config.solver}"
    write_report(samples, results, module.objective.terms, OmegaConf.to_yaml(config, resolve=True), name)


def _summary(console: Any, path: Path, results: dict[str, Any], refined: int, seconds: float) -> None:

    summary, samples = results["summary"], results["samples"]
    known = {
        name: each for name, each in read_quantities(results["measures"]).items() if name not in ("objective", "steps")
    }
    shown = {key: value for key, value in summary.items() if base_name(key) in known}
    rows = []
    for row in figure_rows(shown, known):
        rows.append([", ".join(filter(None, (row.title, row.part))), row.before, row.after, row.unit])
    if "walk" in summary:
        walk = aligned([summary["walk"][when] for when in ("before", "after")])
        rows.append(["neighbours differ by", *walk, LEVELS])
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(summary["status"].items()))
    made = f"{refined} refined in {seconds:.0f} s" if refined else "all of them were finished before"
    console.print(f"{len(samples)} samples ({statuses}), {made}")
    if rows:
        table("median over the samples", ["", "naive paste", "refined", ""], rows, console=console)
    if (path / "walk.mp4").exists():  # of this walk: a folder that is taken over loses what was there
        console.print(f"film:     {path / 'walk.mp4'}")
    console.print(f"images: {path / 'sheet.png'}")
    console.print(f"report:   {path / 'report.html'}")
    console.print(f"folder:   {path}")
