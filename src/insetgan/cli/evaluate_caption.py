"""The caption of an evaluation: what its numbers rest on."""

from collections.abc import Sequence

from omegaconf import DictConfig

from insetgan.cli.evaluate_pieces import Pieces
from insetgan.evaluation.cell import Cell
from insetgan.evaluation.feature_folder import Described
from insetgan.evaluation.method import Method
from insetgan.evaluation.patches import AROUND_PARTS
from insetgan.evaluation.real import RealSide
from insetgan.evaluation.taken import counts_of
from insetgan.metrics.distribution import is_inception
from insetgan.metrics.judges import ROWS
from insetgan.metrics.registry import SQUARE_METRICS


def describe_in_words(
    config: DictConfig,
    pieces: Pieces,
    methods: Sequence[Method],
    real: RealSide,
    cells: Sequence[Cell],
    described: Sequence[Described | None],
) -> str:
    """The caption: how many images, described by which networks, against what, and on how many a part was not found."""
    known = {cell.n + cell.missing for cell in cells}
    counts = f"n = {max(known)}" if len(known) == 1 else f"n = {min(known)} to {max(known)}"
    networks = ", ".join(f"{each.title} ({each.num_features} numbers)" for each in pieces.extractors.values())
    sentences = [
        f"{counts} images a cell, seeds from {config.seed}, against {real.title} at {pieces.size[0]} x "
        f"{pieces.size[1]}; features: {networks}."
    ]
    precision = config.trainer.precision
    if precision != "32-true" and any(method.uses_trunc for method in methods):
        sentences.append(f"Images made in {precision}.")
    if config.bootstrap:
        sentences.append(f"In brackets: 95 % bootstrap intervals, {config.bootstrap} rounds.")
    sentences += _about_networks(config, pieces, methods, min(known))
    sentences += _about_judges(pieces, real)
    told = [f"{cell.region} {cell.missing} ({_where(cell)})" for cell in cells if cell.missing]
    told += _without_squares(methods, described)
    told += [f"{each.replace('_', ' ')} {n} (real)" for each, n in getattr(real, "missing", {}).items() if n]
    if told:
        sentences.append(f"Not found, and left out of their region: {', '.join(told)}.")
    return " ".join(sentences)


def _about_networks(config: DictConfig, pieces: Pieces, methods: Sequence[Method], least: int) -> list[str]:
    """What distances by these networks are worth, for cells of `least` images or more."""
    sentences = []
    distances = {"fid", "kid", *SQUARE_METRICS} & set(config.metrics)
    if distances and not all(is_inception(each.name) for each in pieces.extractors.values()):
        sentences.append("FD and KD are not FID and KID, which are Inception's.")
        sentences += _about_critics(pieces, methods)
    few = least < max(each.num_features for each in pieces.extractors.values())
    if few and distances - {"kid"}:
        sentences.append("Fewer images than features: Fr\u00e9chet distances are biased upwards, compare at equal n.")
    if "ids" in config.metrics:
        sentences.append("P-IDS compares strangers: no image here is made from a real one.")
        if few:
            sentences.append("Fewer images than features: P-IDS and U-IDS are near 0 whatever the images.")
    return sentences


def _about_critics(pieces: Pieces, methods: Sequence[Method]) -> list[str]:
    """By each network, the generators whose critics looked through it, as the headers of their files say."""
    known = {name: critics for method in methods for name, critics in method.critics().items()}
    sentences = []
    for extractor in pieces.extractors.values():
        if flattered := [name for name, critics in known.items() if critics is not None and extractor.name in critics]:
            sentences.append(f"Critics looked through {extractor.title}, which flatters: {', '.join(flattered)}.")
        elif known and all(critics is not None for critics in known.values()):
            sentences.append(f"No critic looked through {extractor.title}.")
    if silent := [name for name, critics in known.items() if critics is None]:
        sentences.append(f"Not recorded what critics looked through: {', '.join(silent)}.")
    return sentences


def _about_judges(pieces: Pieces, real: RealSide) -> list[str]:
    if not pieces.judges:
        return []
    said = f"Judges see images enlarged to {ROWS} rows"
    seen = getattr(real, "seen", {})
    shares = [f"{pieces.judges[key].title} {share:.2f}" for key, share in seen.items() if key in pieces.judges]
    return [f"{said}; their shares of the real ones: {', '.join(shares)}." if shares else f"{said}."]


def _without_squares(methods: Sequence[Method], described: Sequence[Described | None]) -> list[str]:
    """Images on which there is no part, so that they have no square round one."""
    told = []
    for method, known in zip(methods, described, strict=True):
        counts = known.figures.get(counts_of(AROUND_PARTS)) if known is not None else None
        if counts is not None and (missing := int((counts == 0).sum())):
            told.append(f"{AROUND_PARTS.replace('_', ' ')} {missing} ({method.label})")
    return told


def _where(cell: Cell) -> str:
    return cell.method if cell.trunc is None else f"{cell.method}, psi {cell.trunc:g}"
