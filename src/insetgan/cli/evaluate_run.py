"""The passes of an evaluation: refinements, features of generated and of real pictures, all resumed block by block."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from insetgan.cli.build import instantiate
from insetgan.cli.evaluate_methods import (
    Contestant,
    component_fingerprint,
    compose_refine,
    generator_size,
    placements,
)
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import fingerprint
from insetgan.runtime.store import Layout, ResultFolder

if TYPE_CHECKING:
    from insetgan.evaluation.crops import Crops
    from insetgan.evaluation.feature_folder import Described, FeatureFolder
    from insetgan.evaluation.pictures import Pictures
    from insetgan.evaluation.real import RealSide
    from insetgan.metrics.registry import FeatureMetric
    from insetgan.runtime.lightning import pl

REAL_BLOCK = 32

LAYOUT = Layout(kind="evaluate", title="evaluations", pieces="(?!)")
"""The folder of evaluations: `runs/` and `features/` have layouts of their own, the other folders hold tables."""


@dataclass
class Evaluation:
    """Everything that an evaluation is made with.

    Attributes:
        config: checked.
        trainer: carries out the passes.
        left_out: names of optional methods that cannot be had, and why.
    """

    config: DictConfig
    trainer: "pl.Trainer"
    left_out: dict[str, str] = field(default_factory=dict)

    @cached_property
    def folder(self) -> ResultFolder:
        """The folder of all evaluations; it has no settings, since its parts have their own."""
        return ResultFolder(self.config.out, fingerprint("evaluations"), LAYOUT)

    @cached_property
    def base(self) -> DictConfig:
        """refine.py's configuration that detector, placements and canvas come from."""
        return compose_refine(self.config, self.config.trunc[0])

    @cached_property
    def size(self) -> tuple[int, int]:
        """Height and width of the canvas, to which all pictures are brought."""
        return generator_size(self.base.canvas.weights)

    @cached_property
    def extractor(self) -> Any:
        """By whose eyes pictures are compared."""
        from insetgan.metrics.features import FeatureExtractor

        return instantiate(self.config.features, FeatureExtractor)

    @cached_property
    def distance(self) -> Any:
        """Of two pictures; None where no metric asks for it."""
        if not {"ppl", "lpips_diversity"} & set(self.config.metrics):
            return None
        if not self.config.distance:
            raise UserError("distance: must not be empty for ppl and lpips_diversity; choose parts or lpips")
        from insetgan.metrics.perceptual import Distance

        return instantiate(self.config.distance, Distance)

    @cached_property
    def crops(self) -> "Crops":
        """The regions."""
        from insetgan.detection.detector import Detector
        from insetgan.evaluation.crops import BODY, Crops

        detector = instantiate(self.base.detector, Detector)
        parts = [region for region in self.config.regions if region != BODY]
        for part in parts:
            if part not in detector.names:
                raise UserError(f"regions={part}: must be body or what the detector knows: {', '.join(detector.names)}")
        size = self.config.crop_size or max(8, min(self.size) // 2)
        return Crops(detector, placements(self.base, parts), size, body=BODY in self.config.regions)

    @cached_property
    def views(self) -> dict[str, str]:
        """What decides the features of a picture in each region: network, size, and of crops where they are cut."""
        extractor = component_fingerprint(self.config.features, self.extractor)
        detector = component_fingerprint(self.base.detector, self.crops.detector)
        found = {}
        for region in self.crops.names:
            placement = self.crops.placements.get(region)  # none of the whole picture
            rule = {key: str(value) for key, value in vars(placement).items()} if placement is not None else {}
            cut = [detector, rule, self.crops.size] if placement is not None else []
            found[region] = fingerprint([extractor, self.size, cut])
        return found

    @cached_property
    def eyes(self) -> str:
        """The fingerprint of all regions together."""
        return fingerprint(list(self.views.items()))

    @cached_property
    def metrics(self) -> "list[FeatureMetric]":
        """Those that work on features, tried on a few numbers, so that what they lack is told of before any work.

        Raises:
            UserError: a package is not installed.
        """
        import torch

        from insetgan.metrics.registry import FEATURE_METRICS, FeatureMetric, feature_metrics

        metrics = feature_metrics([name for name in self.config.metrics if name in FEATURE_METRICS], self.extractor)
        for name in self.config.metrics:
            if "." in name:  # a class of the user's own
                node = OmegaConf.create({"metrics": {"_target_": name}}).metrics
                metrics.append(instantiate(node, FeatureMetric, extractor=self.extractor))
        few = torch.randn(2, 8, 4, generator=torch.Generator().manual_seed(0))
        with warnings.catch_warnings(action="ignore"):
            for metric in metrics:
                metric.measure(*few)
        return metrics

    def refuse_missing(self) -> None:
        """Build everything that pictures are looked at with, so that what is missing is told of before any work.

        Raises:
            UserError: naming the setting whose file or package is missing, or whose value is wrong.
        """
        _ = self.eyes, self.distance, self.metrics

    def contestants(self) -> list[Contestant]:
        """The methods at each truncation, in the order of the table; those that cannot be had are told of before any work.

        Raises:
            UserError: weights or pictures of a method that is not optional are missing.
        """
        found = []
        for name, settings in self.config.method.items():
            truncs = [None] if settings.kind == "folder" else list(self.config.trunc)
            mine = [self._contestant(name, settings, psi) for psi in truncs]
            if generator_size(mine[0].refine.canvas.weights) != self.size:
                raise UserError(f"method.{name}: its canvas has another size than canvas.weights of refine=")
            try:
                mine[0].try_out()
            except UserError as error:
                if not settings.optional:
                    raise
                self.left_out[name] = str(error)
                continue
            found += mine
        if not found:
            raise UserError(f"method: nothing is left to compare: {'; '.join(self.left_out.values())}")
        return found

    def _contestant(self, name: str, settings: DictConfig, psi: float | None) -> Contestant:
        # A folder has no psi, and takes the first; psi 0 is one, the average picture.
        refine = compose_refine(self.config, self.config.trunc[0] if psi is None else psi, settings.overrides)
        return Contestant(name, settings, psi, refine, Path(self.config.out), self.size)

    def describe(self, contestant: Contestant, rivals: Sequence[Contestant], title: str) -> "Described | None":
        """Describe a method's pictures that are not described yet.

        Returns:
            What is known of all of them; None in the processes that do not measure.
        """
        from insetgan.evaluation.feature_folder import FeatureFolder
        from insetgan.refine.module import seed_blocks

        first, count = self.config.seed, self.config.num
        source = contestant.source(rivals)
        if contestant.trunc is None:
            _say(source.dataset)  # type: ignore[attr-defined]
            first, count = 0, min(count, len(source.dataset))  # type: ignore[attr-defined]
        lengths = contestant.settings.kind == "canvas" and "ppl" in self.config.metrics
        beside = component_fingerprint(self.config.distance, self.distance) if self.distance is not None else ""
        mark = fingerprint([self.eyes, contestant.fingerprint(), beside, lengths])
        folder = FeatureFolder(contestant.out / "features" / f"{contestant.file_name}-{mark[:8]}", mark)
        blocks = seed_blocks(range(first, first + count), self.config.batch_size)
        path = contestant.module().canvas if lengths else None
        self._describe(source, folder, blocks, title, distance=self.distance, path=path)
        return folder.gather(blocks) if self.trainer.is_global_zero else None

    def real(self, title: str) -> "RealSide | None":
        """The real side, described where it is not yet; None in the processes that do not measure.

        Raises:
            UserError: the pictures or statistics cannot be had.
        """
        from insetgan.data.archive import PEOPLE
        from insetgan.data.datasets import ImageDataset
        from insetgan.evaluation.feature_folder import FeatureFolder
        from insetgan.evaluation.pictures import DatasetPictures
        from insetgan.evaluation.real import RealFeatures, read_statistics
        from insetgan.refine.module import seed_blocks

        data = self.config.data
        if data.statistics is not None:
            return read_statistics(data.statistics, self.extractor, self.views)
        reading = {key: data[key] for key in ("crop", "grey", "background")}
        dataset = ImageDataset(data.path, *self.size, checked=False, keep=False, **reading)
        path = Path(data.path) if data.path is not None else PEOPLE
        if len(dataset) < 2:
            raise UserError(f"data.path={path}: holds one picture; 2 or more are needed")
        said = {key: str(value) for key, value in reading.items()}
        mark = fingerprint([self.eyes, "real", said], archives=[path])
        _say(dataset)
        folder = FeatureFolder(Path(self.config.out) / "features" / f"real-{mark[:8]}", mark)
        blocks = seed_blocks(_choice(len(dataset), data.num), REAL_BLOCK)
        self._describe(DatasetPictures(dataset), folder, blocks, title)
        if not self.trainer.is_global_zero:
            return None
        known = folder.gather(blocks)
        missing = {name: int((~found).sum()) for name, found in known.found.items()}
        real = RealFeatures(f"{sum(map(len, blocks))} of {path.name}", known.features, missing)
        self.folder.write(f"{self.config.name}/real.safetensors", real.content(self.views))
        return real

    def _describe(
        self, source: "Pictures", folder: "FeatureFolder", blocks: list[list[int]], title: str, **beside: Any
    ) -> None:
        """Describe the blocks that are open; several processes share them, and go on together when all are done."""
        from insetgan.cli.terminal import progress
        from insetgan.evaluation.description_module import DescriptionModule, DescriptionWriter
        from insetgan.runtime.trainer import predict_blocks

        if self.trainer.is_global_zero:
            folder.folder.claim()
        open_blocks = [block for block in blocks if not folder.finished(block)]
        if not open_blocks:
            return
        total, left = (sum(map(len, some)) for some in (blocks, open_blocks))
        module = DescriptionModule(source, self.crops, self.extractor, **beside)
        with progress(title, "pictures") as on_progress:
            writer = DescriptionWriter(folder, on_progress, done=total - left, total=total)
            predict_blocks(self.trainer, module, open_blocks, [writer])


def _say(dataset: Any) -> None:
    """Print what of a data set is passed over or changed on reading."""
    from insetgan.cli.terminal import PatientConsole

    for note in dataset.notes:
        PatientConsole().print(note, markup=False)


def steps(contestants: Sequence[Contestant], *, real: bool) -> Iterator[str]:
    """Numbers of the passes, "[1/5]" and so on: refinements, then all that is described."""
    refining = sum(each.settings.kind == "refine" for each in contestants)
    total = refining + len(contestants) + real
    yield from (f"[{number}/{total}]" for number in range(1, total + 1))


def _choice(total: int, most: int | None) -> list[int]:
    """Numbers of the real pictures: all, or as many as wanted, drawn once and for all."""
    import numpy as np

    if most is None or most >= total:
        return list(range(total))
    return sorted(int(number) for number in np.random.RandomState(0).permutation(total)[:most])
