"""What an evaluation leaves to be read and looked at."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from insetgan.cli.evaluate_methods import Contestant
    from insetgan.cli.evaluate_run import Evaluation
    from insetgan.evaluation.cell import Cell, Column
    from insetgan.evaluation.real import RealSide
    from insetgan.evaluation.tables import Table
    from insetgan.runtime.store import ResultFolder


def write_tables(
    folder: "ResultFolder",
    name: str,
    table: "Table",
    cells: "Sequence[Cell]",
    columns: "Sequence[Column]",
    methods: Mapping[str, str],
) -> None:
    """Write <name>/table.md, .tex, .csv and .png, and <name>/curves.png where there are three truncations or more."""
    from insetgan.evaluation.tables_text import comma_separated, latex, markdown
    from insetgan.reports.tables_picture import draw_table
    from insetgan.reports.truncation_curve import draw_curves

    texts = {"table.md": markdown(table), "table.tex": latex(table, f"tab:{name}")}
    texts["table.csv"] = comma_separated(cells, columns, methods)
    for file, text in texts.items():
        folder.write(f"{name}/{file}", text.encode())
    folder.write(f"{name}/table.png", draw_table(table))
    (folder.path / name / "curves.png").unlink(missing_ok=True)
    if len({cell.trunc for cell in cells} - {None}) > 2:
        folder.write(f"{name}/curves.png", draw_curves(cells, columns, methods))


def describe_in_words(evaluation: "Evaluation", real: "RealSide", cells: "Sequence[Cell]") -> str:
    """The caption: how many pictures, by whose eyes, against what, and on how many a part was not found."""
    config, extractor = evaluation.config, evaluation.extractor
    known = {cell.n + cell.missing for cell in cells}
    counts = f"n = {max(known)}" if len(known) == 1 else f"n = {min(known)} to {max(known)}"
    sentences = [
        f"{counts} pictures a cell, seeds from {config.seed}, against {real.title} at {evaluation.size[0]} x "
        f"{evaluation.size[1]}; features: {extractor.title} ({extractor.num_features} numbers)."
    ]
    precision = config.trainer.get("precision")
    if precision != "32-true" and any(method.kind != "folder" for method in config.method.values()):
        sentences.append(f"Pictures made in {precision}.")
    if config.bootstrap:
        sentences.append(f"In brackets: 95 % bootstrap intervals, {config.bootstrap} rounds.")
    if not extractor.title.startswith("Inception") and {"fid", "kid"} & set(config.metrics):
        sentences.append("FD and KD are not FID and KID, which are Inception's.")
    if min(known) < extractor.num_features and "fid" in config.metrics:
        sentences.append("Fewer pictures than features: Fr\u00e9chet distances are biased upwards, compare at equal n.")
    if "ids" in config.metrics:
        sentences.append("P-IDS compares strangers: no picture here is made from a real one.")
        if min(known) < extractor.num_features:
            sentences.append("Fewer pictures than features: P-IDS and U-IDS are near 0 whatever the pictures.")
    missing = [(cell, cell.missing) for cell in cells if cell.missing]
    real_missing = [f"{region} {count}" for region, count in getattr(real, "missing", {}).items() if count]
    if missing or real_missing:
        told = [f"{cell.region} {count} ({_where(cell)})" for cell, count in missing]
        told += [f"{each} (real)" for each in real_missing]
        sentences.append(f"Not found, and left out of their region: {', '.join(told)}.")
    return " ".join(sentences)


def print_table(table: "Table", console: Any) -> None:
    """Print the panels; what is best is bold, and starred for those who read a log."""
    from rich.text import Text

    from insetgan.cli.terminal import table as print_panel

    heads = ["\n".join(filter(None, (f"psi {trunc:g}", region))) for trunc, region in table.columns]
    for panel in table.panels:
        rows: list[list[str | Text]] = []
        for title, entries in panel.rows:
            numbers = [Text(f"{entry.text}*", "bold") if entry.best else Text(f"{entry.text} ") for entry in entries]
            ends = [Text(f"\n{entry.interval}" if entry.interval else "") for entry in entries]
            rows.append([title, *(Text.assemble(number, end) for number, end in zip(numbers, ends, strict=True))])
        print_panel(panel.title, ["", *heads], rows, console=console)
    console.print(table.caption, markup=False)


def draw_samples(evaluation: "Evaluation", contestants: "Sequence[Contestant]") -> bytes:
    """Draw the sheet as a PNG: the first seeds of every method at every truncation, whole and as the first part is seen."""
    import torch

    from insetgan.evaluation.crops import BODY
    from insetgan.refine.module import seed_blocks
    from insetgan.reports.evaluation_sheet import draw_sheet

    config, rows = evaluation.config, []
    refining = [each for each in contestants if each.settings.kind == "refine"]
    part = next((name for name in evaluation.crops.names if name != BODY), None)
    for each in sorted(contestants, key=lambda one: -(one.trunc or 0)):
        source = each.source(refining)
        first, count = (config.seed, config.num) if each.trunc is not None else (0, len(source.dataset))  # type: ignore[attr-defined]
        wanted = min(config.shown, count)
        # In whole blocks, so that these are the pictures that were measured.
        blocks = seed_blocks(range(first, first + min(count, config.num)), config.batch_size)
        drawn = [source.draw(block).pictures for block in blocks[: -(-wanted // config.batch_size)]]
        pictures = torch.cat(drawn)[:wanted]
        seen = evaluation.crops(pictures)[part] if part else None
        title = f"{each.settings.title}{'' if each.trunc is None else f', psi {each.trunc:g}'}"
        rows.append((title, pictures, seen))
        each.release()
    return draw_sheet(rows, part or "")


def _where(cell: "Cell") -> str:
    return cell.method if cell.trunc is None else f"{cell.method}, psi {cell.trunc:g}"
