"""`python evaluate.py`: how far the pictures of several methods are from real ones."""

import json
import math
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from insetgan.cli.evaluate_config import check
from insetgan.cli.run_index import indexed
from insetgan.cli.sweep import in_sweep
from insetgan.runtime.errors import UserError

if TYPE_CHECKING:
    from insetgan.cli.evaluate_methods import Contestant
    from insetgan.cli.evaluate_run import Evaluation
    from insetgan.evaluation.cell import Cell, Column
    from insetgan.evaluation.feature_folder import Described
    from insetgan.evaluation.real import RealSide


def run(config: DictConfig) -> float | None:
    """Make what is missing, measure, and write the tables.

    Returns:
        What a sweeper works on, the first figure of the table; None in all processes but the first.
    """
    from insetgan.cli.evaluate_run import Evaluation, steps
    from insetgan.cli.loggers import build_loggers, refuse_missing_packages
    from insetgan.cli.terminal import PatientConsole
    from insetgan.cli.trainer import build_trainer, settle
    from insetgan.runtime.printing import silence

    config.name += _number_in_sweep()
    check(config)
    refuse_missing_packages(config.logger)
    settle(config.trainer, math.ceil(config.num / config.batch_size))
    evaluation = Evaluation(config, build_trainer(config.trainer, inference_mode=False))
    first = evaluation.trainer.is_global_zero
    if not first:
        silence(sys.stdout)  # one process speaks for all
    console = PatientConsole()
    evaluation.refuse_missing()
    contestants = evaluation.contestants()
    for name, reason in evaluation.left_out.items():
        console.print(f"{name} is left out: {reason}", markup=False)
    out = Path(config.out)
    began = time.monotonic()
    # One process locks the folder for all processes of this command.
    with ExitStack() as stack:
        if first:
            stack.enter_context(evaluation.folder.open())
            stack.enter_context(indexed(out))
            settings: Any = OmegaConf.to_container(config, resolve=True)
            loggers = build_loggers(config.logger, out / config.name, settings)
        number = steps(contestants, real=config.data.statistics is None)
        real = evaluation.real(f"{'' if config.data.statistics else next(number)} describing real pictures".strip())
        refining = [each for each in contestants if each.settings.kind == "refine"]
        for each in refining:
            each.refine_open(evaluation.trainer, f"{next(number)} refining {each.label}:")
            each.release()
        described = []
        for each in contestants:
            described.append(evaluation.describe(each, refining, f"{next(number)} describing {each.label}"))
            each.release()
        if first and real is not None:
            objective = _conclude(evaluation, contestants, described, real, console, loggers)
            console.print(f"{time.monotonic() - began:.0f} s; tables:   {out / config.name / 'table.md'}", markup=False)
            return objective
    return None


def _number_in_sweep() -> str:
    """What tells the tables of the runs of `-m` apart, "-0", "-1" and on; empty where there is no sweep."""
    from hydra.core.hydra_config import HydraConfig

    return f"-{HydraConfig.get().job.num}" if in_sweep() else ""


def _conclude(
    evaluation: "Evaluation",
    contestants: "Sequence[Contestant]",
    described: "Sequence[Described | None]",
    real: "RealSide",
    console: Any,
    loggers: Sequence[Any],
) -> float:
    """Measure the cells and write everything that is there to be looked at.

    Returns:
        The first figure of the first cell, which is what a sweeper minimises or maximises; NaN if there is none.
    """
    from insetgan.cli.evaluate_output import describe_in_words, draw_samples, print_table, write_tables
    from insetgan.cli.result_logging import log_evaluation
    from insetgan.evaluation.tables import lay_out
    from insetgan.runtime.provenance import with_provenance

    config, folder = evaluation.config, evaluation.folder
    cells, columns = _measure(evaluation, contestants, described, real)
    methods = {each.name: str(each.settings.title) for each in contestants}
    caption = describe_in_words(evaluation, real, cells)
    table = lay_out(cells, columns, methods, list(config.trunc), caption)
    if not table.panels:
        raise UserError(
            f"metrics={list(config.metrics)} regions={list(config.regions)}: nothing to measure: two pictures that "
            "show the region are needed on either side"
        )
    results = _results(evaluation, cells, columns, methods, real, caption)
    write_tables(folder, config.name, table, cells, columns, methods)
    folder.write(f"{config.name}/results.json", results.encode())
    folder.write(f"{config.name}/config.yaml", with_provenance(OmegaConf.to_yaml(config, resolve=True)))
    if config.shown:
        folder.write(f"{config.name}/sheet.png", draw_samples(evaluation, contestants))
    print_table(table, console)
    if config.shown:
        console.print(f"pictures: {folder.path / config.name / 'sheet.png'}", markup=False)
    log_evaluation(loggers, cells, folder.path / config.name / "sheet.png")
    figure = cells[0].figures.get(columns[0].key)
    return math.nan if figure is None else figure.value


def _measure(
    evaluation: "Evaluation",
    contestants: "Sequence[Contestant]",
    described: "Sequence[Described | None]",
    real: "RealSide",
) -> "tuple[list[Cell], list[Column]]":
    """All cells, in the order of the table, and what the columns are."""
    import torch

    from insetgan.cli.terminal import progress
    from insetgan.evaluation.cell import BESIDE, DIVERSITY, PATH, Column, Measurement

    config, regions = evaluation.config, evaluation.crops.names
    metrics = evaluation.metrics
    columns = [Column(metric.key, metric.title, metric.better) for metric in metrics]
    if PATH in config.metrics:
        columns.append(Column(PATH, f"Path length, {evaluation.distance.title}", "lower"))
    if DIVERSITY in config.metrics:
        columns.append(Column(DIVERSITY, f"Diversity, {evaluation.distance.title}", "higher"))
    columns += BESIDE if "seam" in config.metrics else ()
    keys = [column.key for column in columns[len(metrics) :]]
    total, done = len(metrics) * len(regions) * len(contestants), 0
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums in one order, however many processes share the processors
    cells = []
    try:
        with progress("measuring", "figures") as on_progress:

            def on_figure() -> None:
                nonlocal done
                done += 1
                on_progress(done, total)

            measurement = Measurement(metrics, keys, config.bootstrap, on_figure=on_figure)
            for each, known in zip(contestants, described, strict=True):
                assert known is not None
                cells += [measurement.cell(each.name, each.trunc, region, real, known) for region in regions]
    finally:
        torch.set_num_threads(threads)
    return cells, columns


def _results(
    evaluation: "Evaluation",
    cells: "Sequence[Cell]",
    columns: "Sequence[Column]",
    methods: dict[str, str],
    real: "RealSide",
    caption: str,
) -> str:
    """What results.json holds; docs/evaluate.md says what the keys mean."""
    from insetgan.evaluation.real import PublishedStatistics
    from insetgan.runtime.provenance import provenance

    config, extractor = evaluation.config, evaluation.extractor
    missing = getattr(real, "missing", {})
    counts = {
        region: None if isinstance(real, PublishedStatistics) else real.count(region)
        for region in evaluation.crops.names
    }
    about = {
        "caption": caption,
        "num": config.num,
        "seed": config.seed,
        "trunc": list(config.trunc),
        "features": {"name": extractor.name, "title": extractor.title, "num_features": extractor.num_features},
        "real": {"title": real.title, "n": counts, "missing": dict(missing)},
        "bootstrap": {"rounds": config.bootstrap, "level": 0.95},
        "methods": methods,
        "left_out": evaluation.left_out,
        "metrics": {column.key: {"title": column.title, "better": column.better} for column in columns},
        "cells": [_finite(cell.plain()) for cell in cells],
        **provenance(),
    }
    return json.dumps(about, indent=1, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    """The same with null for what is no number: JSON has no name for it."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
