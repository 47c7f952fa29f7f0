"""The passes of an evaluation: refinements, features of generated and of real images, all resumed block by block."""

import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from insetgan.cli.evaluate_check import check, idle, refuse_nothing
from insetgan.cli.evaluate_methods import build_methods, image_size, read_methods
from insetgan.cli.evaluate_output import conclude
from insetgan.cli.evaluate_pieces import Pieces, build_pieces
from insetgan.cli.evaluate_refinement import Refinements
from insetgan.cli.idle import idle_lines, refuse_idle, typed
from insetgan.cli.loggers import build_loggers, refuse_missing_packages
from insetgan.cli.measures import build_measures
from insetgan.cli.run_index import indexed
from insetgan.cli.terminal import PatientConsole, progress
from insetgan.cli.trainer import build_trainer, settle
from insetgan.data.archive import PEOPLE
from insetgan.data.datasets import ImageDataset
from insetgan.evaluation.cell import PATH
from insetgan.evaluation.crops import Crops
from insetgan.evaluation.description_module import DescriptionModule, DescriptionWriter
from insetgan.evaluation.feature_folder import Described, FeatureFolder
from insetgan.evaluation.images import DatasetImages, ImageSource
from insetgan.evaluation.method import Method
from insetgan.evaluation.patches import SETS
from insetgan.evaluation.real import RealFeatures, RealSide, read_statistics
from insetgan.evaluation.taken import counts_of
from insetgan.metrics.measures import Measure
from insetgan.refine.module import seed_blocks
from insetgan.runtime import limits
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import fingerprint
from insetgan.runtime.lightning import pl
from insetgan.runtime.printing import silence
from insetgan.runtime.store import Layout, ResultFolder
from insetgan.runtime.trainer import predict_blocks

REAL_BLOCK = 32
READING = ("crop", "grey", "background")
"""Settings of how real images are read."""

LAYOUT = Layout(kind="evaluate", title="evaluations", pieces="(?!)")
"""The folder of evaluations: `runs/` and `features/` have layouts of their own, the other folders hold tables."""


def evaluate(config: DictConfig) -> float | None:
    """Make what is missing, measure, and write the tables.

    Returns:
        What a sweeper works on, the first figure of the table; None in all processes but the first.

    Raises:
        UserError: a setting is wrong, or something that it names is missing.
    """
    limits.CACHE_BYTES = int(config.data.cache_gb * (1 << 30))
    measures = build_measures(config)
    said = _settle(config, measures)
    trainer = build_trainer(config.trainer, inference_mode=False)
    first = trainer.is_global_zero
    if not first:
        silence(sys.stdout)  # one process speaks for all
    console = PatientConsole()
    pieces, methods, left_out = _build(config, measures)
    left_out = {**left_out, **pieces.left_out}
    for line in (*said, *(f"{name} is left out: {reason}" for name, reason in left_out.items())):
        console.print(line, markup=False)
    passes = Passes(config, trainer, pieces, _given(config, pieces))  # before a folder is made
    began = time.monotonic()
    # The folder of all evaluations has no settings, since its parts have their own.
    folder = ResultFolder(config.out, fingerprint("evaluations", code=False), LAYOUT)
    # One process locks the folder for all processes of this command.
    with ExitStack() as stack:
        if first:
            stack.enter_context(folder.open())
            stack.enter_context(indexed(folder.path))
            settings: Any = OmegaConf.to_container(config, resolve=True)
            loggers = build_loggers(config.logger, folder.path / config.name, settings)
        number = _numbers(methods, real=config.data.statistics is None)
        real = passes.real(f"{'' if config.data.statistics else next(number)} describing real images".strip(), folder)
        for method in methods:
            if method.passes:
                method.prepare(trainer, f"{next(number)} refining {method.label}:")
                method.release()
        described = []
        for method in methods:
            described.append(passes.describe(method, f"{next(number)} describing {method.label}"))
            method.release()
        if first and real is not None:
            objective = conclude(config, folder, pieces, methods, left_out, described, real, console, loggers)
            table = folder.path / config.name / "table.md"
            console.print(f"{time.monotonic() - began:.0f} s; tables:   {table}", markup=False)
            return objective
    return None


def check_evaluation(config: DictConfig) -> None:
    """Raise what would stop an evaluation before its work.

    Raises:
        UserError: a setting is wrong, or something that it names is missing.
    """
    measures = build_measures(config)
    _settle(config, measures)
    pieces, _, _ = _build(config, measures)
    _given(config, pieces)


def _settle(config: DictConfig, measures: Sequence[Measure]) -> list[str]:
    """Check the settings, and replace `auto`; gives what is to be said of old keys."""
    check(config, measures)
    refuse_idle(idle(config), typed())
    _, said = read_methods(config)
    if config.data.statistics is not None:
        said = [*said, *idle_lines({"data.path": "is not read, since data.statistics= takes its place"}, typed())]
    refuse_missing_packages(config.logger)
    settle(config.trainer, math.ceil(config.num / config.batch_size))
    return said


def _build(config: DictConfig, measures: Sequence[Measure]) -> tuple[Pieces, list[Method], dict[str, str]]:
    """What images are measured with, the methods, and those that are left out with the reason."""
    nodes, _ = read_methods(config)
    refinements = Refinements(config, measures)
    size = image_size(config, nodes, refinements)
    pieces = build_pieces(config, refinements, size)
    methods, left_out = build_methods(config, nodes, refinements, size)
    refuse_nothing(config, methods, pieces.measures)
    return pieces, methods, left_out


def _given(config: DictConfig, pieces: Pieces) -> ImageDataset | RealSide:
    """The real images, or the statistics that are given in their place.

    Raises:
        UserError: they cannot be had, or there are too few.
    """
    data = config.data
    if data.statistics is not None:
        return read_statistics(data.statistics, pieces.extractor, pieces.feature_fingerprints)
    reading = {key: data[key] for key in READING}
    dataset = ImageDataset(data.path, *pieces.size, checked=False, keep=False, **reading)
    if len(dataset) < 2:
        raise UserError(f"data.path={data.path}: holds one image; 2 or more are needed")
    return dataset


@dataclass(frozen=True)
class Passes:
    """The passes of the Trainer that describe images.

    Attributes:
        config: of evaluate.py, checked.
        trainer: carries them out.
        pieces: what images are measured with.
        given: the real images, or what an earlier evaluation knows of them.
    """

    config: DictConfig
    trainer: pl.Trainer
    pieces: Pieces
    given: ImageDataset | RealSide

    def describe(self, method: Method, title: str) -> Described | None:
        """Describe a method's images that are not described yet.

        Returns:
            What is known of all of them; None in the processes that do not measure.
        """
        for note in method.notes:
            PatientConsole().print(note, markup=False)
        lengths = method.has_path_length and PATH in self.config.metrics
        taken = [measure.name for measure in method.setup.measures] if method.has_insets else []
        pieces, judged = self.pieces, [self.pieces.judges_fingerprint] if self.pieces.judges else []
        mark = fingerprint(
            [pieces.fingerprint, method.fingerprint(), pieces.distance_fingerprint, lengths, taken, *judged]
        )
        folder = FeatureFolder(Path(self.config.out) / "features" / f"{method.file_name}-{mark[:8]}", mark)
        blocks = seed_blocks(method.seeds(self.config.seed, self.config.num), self.config.batch_size)
        path = method.path_generator if lengths else None
        self._describe(method, folder, blocks, title, distance=pieces.distance, path=path, judges=pieces.judges)
        return folder.gather(blocks) if self.trainer.is_global_zero else None

    def real(self, title: str, out: ResultFolder) -> RealSide | None:
        """The real side, described where it is not yet; None in the processes that do not measure."""
        data, marks = self.config.data, self.pieces.feature_fingerprints
        if not isinstance(self.given, ImageDataset):
            return self.given
        dataset, path = self.given, Path(data.path) if data.path is not None else PEOPLE
        said = {key: str(data[key]) for key in READING}
        mark = fingerprint([self.pieces.fingerprint, "real", said], archives=[path])
        for note in dataset.notes:
            PatientConsole().print(note, markup=False)
        folder = FeatureFolder(Path(self.config.out) / "features" / f"real-{mark[:8]}", mark)
        blocks = seed_blocks(_choice(len(dataset), data.num), REAL_BLOCK)
        self._describe(DatasetImages(dataset), folder, blocks, title)
        seen = self._seen_in_real(dataset, blocks, fingerprint(["judged", self.pieces.size, said], archives=[path]))
        if not self.trainer.is_global_zero:
            return None
        known = folder.gather(blocks)
        missing = {name: int((~found).sum()) for name, found in known.found.items()} | without_squares(known)
        real = RealFeatures(f"{sum(map(len, blocks))} of {path.name}", known.features, missing, seen)
        out.write(f"{self.config.name}/real.safetensors", real.content(marks))
        return real

    def _seen_in_real(self, dataset: ImageDataset, blocks: list[list[int]], images: str) -> dict[str, float]:
        """What judges see in as many of the real images as a cell has, in whole blocks; `images` says what decides these."""
        if not self.pieces.judges:
            return {}
        mark = fingerprint([self.pieces.judges_fingerprint, images])
        folder = FeatureFolder(Path(self.config.out) / "features" / f"real-judged-{mark[:8]}", mark)
        shown = blocks[: math.ceil(self.config.num / REAL_BLOCK)]
        nothing = Crops(self.pieces.crops.detector, {}, self.pieces.crops.size, body=False)
        source, title = DatasetImages(dataset), "judging real images"
        self._describe(source, folder, shown, title, crops=nothing, judges=self.pieces.judges)
        if not self.trainer.is_global_zero:
            return {}
        return {key: float(each.double().mean()) for key, each in folder.gather(shown).figures.items()}

    def _describe(
        self,
        source: ImageSource,
        folder: FeatureFolder,
        blocks: list[list[int]],
        title: str,
        crops: Crops | None = None,
        **beside: Any,
    ) -> None:
        """Describe the blocks that are open; several processes share them, and go on together when all are done."""
        if self.trainer.is_global_zero:
            folder.folder.claim()
        open_blocks = [block for block in blocks if not folder.finished(block)]
        if not open_blocks:
            return
        total, left = (sum(map(len, some)) for some in (blocks, open_blocks))
        extractors: dict[str, Any] = {"extractor": self.pieces.extractor, "further": self.pieces.further}
        shown = {"extractor": None} if crops is not None else extractors
        module = DescriptionModule(source, crops or self.pieces.crops, **shown, **beside)
        with progress(title, "images") as on_progress:
            writer = DescriptionWriter(folder, on_progress, done=total - left, total=total)
            predict_blocks(self.trainer, module, open_blocks, [writer])


def without_squares(known: Described) -> dict[str, int]:
    """By set of squares, images that gave none, since no part was found on them."""
    places = {squares: counts_of(squares) for squares in SETS.values()}
    return {squares: int((known.figures[key] == 0).sum()) for squares, key in places.items() if key in known.figures}


def _numbers(methods: Sequence[Method], *, real: bool) -> Iterator[str]:
    """Numbers of the passes, "[1/5]" and so on: what is prepared, then all that is described."""
    total = sum(method.passes for method in methods) + len(methods) + real
    yield from (f"[{number}/{total}]" for number in range(1, total + 1))


def _choice(total: int, most: int | None) -> list[int]:
    """Numbers of the real images: all, or as many as wanted, drawn once and for all."""
    if most is None or most >= total:
        return list(range(total))
    return sorted(int(number) for number in np.random.RandomState(0).permutation(total)[:most])
