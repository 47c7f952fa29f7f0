"""What an evaluation leaves to be read and looked at."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from rich.text import Text

from insetgan.cli.evaluate_caption import describe_in_words
from insetgan.cli.evaluate_pieces import Pieces
from insetgan.cli.result_logging import log_evaluation
from insetgan.cli.terminal import progress
from insetgan.cli.terminal import table as print_panel
from insetgan.evaluation.cell import DIVERSITY, PATH, Cell, Column, Measurement
from insetgan.evaluation.crops import BODY
from insetgan.evaluation.feature_folder import Described
from insetgan.evaluation.method import Method
from insetgan.evaluation.real import PublishedStatistics, RealSide
from insetgan.evaluation.tables import Table, lay_out
from insetgan.evaluation.tables_text import comma_separated, latex, markdown
from insetgan.metrics.features import FeatureExtractor
from insetgan.refine.module import seed_blocks
from insetgan.reports.evaluation_sheet import draw_sheet
from insetgan.reports.tables_image import draw_table
from insetgan.reports.truncation_curve import draw_curves
from insetgan.runtime.errors import UserError
from insetgan.runtime.provenance import provenance, with_provenance
from insetgan.runtime.store import ResultFolder


def conclude(
    config: DictConfig,
    folder: ResultFolder,
    pieces: Pieces,
    methods: Sequence[Method],
    left_out: Mapping[str, str],
    described: Sequence[Described | None],
    real: RealSide,
    console: Any,
    loggers: Sequence[Any],
) -> float:
    """Measure the cells and write everything that is there to be looked at.

    Args:
        config: of evaluate.py.
        folder: of all evaluations.
        pieces: what is measured with.
        methods: at each psi, in the order of the table.
        left_out: names of optional methods that could not be had, and why.
        described: what is known of the images of each method.
        real: the real side.
        console: where the table is printed.
        loggers: that are told of the figures.

    Returns:
        The first figure of the first cell, which is what a sweeper minimises or maximises; NaN if there is none.

    Raises:
        UserError: there is nothing that could be measured.
    """
    cells, columns = _measure(config, pieces, methods, described, real)
    titles = {method.setup.name: method.shown_title for method in methods}
    caption = describe_in_words(config, pieces, methods, real, cells, described)
    table = lay_out(cells, columns, titles, list(config.trunc), caption)
    if not table.panels:
        raise UserError(
            f"metrics={list(config.metrics)} regions={list(config.regions)}: nothing to measure: two images that "
            "show the region are needed on either side"
        )
    results = {
        "caption": caption,
        **_about(config, pieces, real),
        "methods": titles,
        "left_out": dict(left_out),
        "metrics": {column.key: {"title": column.title, "better": column.better} for column in columns},
        "cells": [_finite(cell.plain()) for cell in cells],
        **provenance(),
    }
    write_tables(folder, config.name, table, cells, columns, titles)
    folder.write(f"{config.name}/results.json", (json.dumps(results, indent=1, allow_nan=False) + "\n").encode())
    folder.write(f"{config.name}/config.yaml", with_provenance(OmegaConf.to_yaml(config, resolve=True)))
    if config.shown:
        folder.write(f"{config.name}/sheet.png", draw_samples(config, pieces, methods))
    print_table(table, console)
    if config.shown:
        console.print(f"images: {folder.path / config.name / 'sheet.png'}", markup=False)
    log_evaluation(loggers, cells, folder.path / config.name / "sheet.png")
    figure = cells[0].figures.get(columns[0].key)
    return math.nan if figure is None else figure.value


def _measure(
    config: DictConfig,
    pieces: Pieces,
    methods: Sequence[Method],
    described: Sequence[Described | None],
    real: RealSide,
) -> tuple[list[Cell], list[Column]]:
    """All cells, in the order of the table, and what the columns are."""
    metrics, regions = pieces.metrics, pieces.crops.names
    columns = [Column(taken.column_key, taken.column_title, taken.better) for taken in metrics]
    columns += [Column(key, f"{judge.title}, share of images", "higher") for key, judge in pieces.judges.items()]
    if pieces.distance is not None:
        if PATH in config.metrics:
            columns.append(Column(PATH, f"Path length, {pieces.distance.title}", "lower"))
        if DIVERSITY in config.metrics:
            columns.append(Column(DIVERSITY, f"Diversity, {pieces.distance.title}", "higher"))
    columns += map(Column.of, pieces.measures)
    keys = [column.key for column in columns[len(metrics) :]]
    total, done = len(metrics) * len(regions) * len(methods), 0
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
            for method, known in zip(methods, described, strict=True):
                assert known is not None
                name, trunc = method.setup.name, method.setup.trunc
                cells += [measurement.cell(name, trunc, region, real, known) for region in regions]
    finally:
        torch.set_num_threads(threads)
    return cells, columns


def _about(config: DictConfig, pieces: Pieces, real: RealSide) -> dict[str, Any]:
    """What results.json says of the evaluation; docs/evaluate.md says what the keys mean."""
    regions, patches = pieces.crops.names, pieces.crops.patches
    counts = {region: None if isinstance(real, PublishedStatistics) else real.count(region) for region in regions}
    return {
        "num": config.num,
        "seed": config.seed,
        "trunc": list(config.trunc),
        "features": _network(pieces.extractor),
        "more_features": {name: _network(each) for name, each in pieces.further.items()},
        "judges": {key: each.title for key, each in pieces.judges.items()},
        "patches": None if patches is None else {"size": patches.size, "number": patches.number},
        "real": {
            "title": real.title,
            "n": counts,
            "missing": dict(getattr(real, "missing", {})),
            "seen": dict(getattr(real, "seen", {})),
        },
        "bootstrap": {"rounds": config.bootstrap, "level": 0.95},
    }


def _network(extractor: FeatureExtractor) -> dict[str, Any]:
    return {"name": extractor.name, "title": extractor.title, "num_features": extractor.num_features}


def _finite(value: Any) -> Any:
    """Replace NaN and infinity by None, since JSON has neither."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_tables(
    folder: ResultFolder,
    name: str,
    table: Table,
    cells: Sequence[Cell],
    columns: Sequence[Column],
    methods: Mapping[str, str],
) -> None:
    """Write <name>/table.md, .tex, .csv and .png, and <name>/curves.png where there are three truncations or more."""
    texts = {"table.md": markdown(table), "table.tex": latex(table, f"tab:{name}")}
    texts["table.csv"] = comma_separated(cells, columns, methods)
    for file, text in texts.items():
        folder.write(f"{name}/{file}", text.encode())
    folder.write(f"{name}/table.png", draw_table(table))
    (folder.path / name / "curves.png").unlink(missing_ok=True)
    if len({cell.trunc for cell in cells} - {None}) > 2:
        folder.write(f"{name}/curves.png", draw_curves(cells, columns, methods))


def print_table(table: Table, console: Any) -> None:
    """Print the panels; what is best is bold, and starred for those who read a log."""
    heads = ["\n".join(filter(None, (f"psi {trunc:g}", region))) for trunc, region in table.columns]
    for panel in table.panels:
        rows: list[list[str | Text]] = []
        for title, entries in panel.rows:
            numbers = [Text(f"{entry.text}*", "bold") if entry.best else Text(f"{entry.text} ") for entry in entries]
            ends = [Text(f"\n{entry.interval}" if entry.interval else "") for entry in entries]
            rows.append([title, *(Text.assemble(number, end) for number, end in zip(numbers, ends, strict=True))])
        print_panel(panel.title, ["", *heads], rows, console=console)
    console.print(table.caption, markup=False)


def draw_samples(config: DictConfig, pieces: Pieces, methods: Sequence[Method]) -> bytes:
    """Draw the sheet as a PNG: the first seeds of every method at every psi, whole and as the first part is seen."""
    rows = []
    part = next((name for name in pieces.crops.names if name != BODY), None)
    for method in sorted(methods, key=lambda one: -(one.setup.trunc or 0)):
        seeds = method.seeds(config.seed, config.num)
        wanted = min(config.shown, len(seeds))
        # In whole blocks, so that these are the images that were measured.
        blocks = seed_blocks(seeds, config.batch_size)
        drawn = [method.images(block).pixels for block in blocks[: -(-wanted // config.batch_size)]]
        pixels = torch.cat(drawn)[:wanted]
        seen = pieces.crops(pixels)[part] if part else None
        psi = "" if method.setup.trunc is None else f", psi {method.setup.trunc:g}"
        rows.append((f"{method.shown_title}{psi}", pixels, seen))
        method.release()
    return draw_sheet(rows, part or "")
