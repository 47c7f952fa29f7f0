"""What an evaluation measures with: feature extractor, distance, regions, metrics and measures."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from insetgan import __version__
from insetgan.cli.build import instantiate
from insetgan.cli.evaluate_check import chosen_measures
from insetgan.cli.evaluate_optional import build_named
from insetgan.cli.evaluate_refinement import Refinements
from insetgan.detection.detector import Detector
from insetgan.evaluation.cell import DIVERSITY, PATH
from insetgan.evaluation.crops import BODY, Crops
from insetgan.evaluation.patches import AROUND_PARTS, SETS, Patches
from insetgan.evaluation.taken import MAIN, Taken, kept_as, taken_metrics
from insetgan.metrics.features import FeatureExtractor
from insetgan.metrics.judges import SEEN, Judge
from insetgan.metrics.measures import Measure
from insetgan.metrics.perceptual import Distance
from insetgan.metrics.registry import FACES, FeatureMetric
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import files_of, fingerprint


@dataclass(frozen=True)
class Pieces:
    """What images are measured with.

    Attributes:
        size: height and width of the canvas, to which all images are brought.
        extractors: by name: `taken.MAIN` and those of more_features.
        distance: of two images; None where no metric asks for it.
        crops: the regions.
        metrics: those that work on features.
        measures: of samples, those that are columns.
        feature_fingerprints: by region, and by set of squares, what decides the features of an image: network, size, and
            of crops where they are cut; see `taken.kept_as`.
        distance_fingerprint: what decides the distance; empty where there is none.
        judges: by the key under which what they say is kept.
        judges_fingerprint: what decides that; empty where there are none.
        left_out: judges and further extractors that could not be had, by the name of their setting, and why.
    """

    size: tuple[int, int]
    extractors: Mapping[str, FeatureExtractor]
    distance: Distance | None
    crops: Crops
    metrics: Sequence[Taken]
    measures: Sequence[Measure]
    feature_fingerprints: dict[str, str]
    distance_fingerprint: str
    judges: Mapping[str, Judge] = field(default_factory=dict)
    judges_fingerprint: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def extractor(self) -> FeatureExtractor:
        """The feature extractor that `features=` sets."""
        return self.extractors[MAIN]

    @property
    def further(self) -> dict[str, FeatureExtractor]:
        """Those that `more_features=` sets."""
        return {name: each for name, each in self.extractors.items() if name != MAIN}

    @property
    def fingerprint(self) -> str:
        """What decides the features of all regions together."""
        return fingerprint(list(self.feature_fingerprints.items()))


def build_pieces(config: DictConfig, refinements: Refinements, size: tuple[int, int]) -> Pieces:
    """Build everything that images are measured with, so that what is missing is told of before any work.

    Args:
        config: of evaluate.py, checked.
        refinements: whose detector and placements are used.
        size: height and width to which all images are brought.

    Raises:
        UserError: naming the setting whose file or package is missing, or whose value is wrong.
    """
    refine = refinements.settings(config.trunc[0])
    extractors: dict[str, FeatureExtractor] = {MAIN: instantiate(config.features, FeatureExtractor)}
    further = build_named(config, "more_features", FeatureExtractor)
    extractors |= further.made
    judges = build_named(config, "judges", Judge) if FACES in config.metrics else None
    if judges is not None and not judges.made and list(config.metrics) == [FACES]:
        raise UserError(f"metrics={FACES}: no judge is at hand: {'; '.join(judges.left_out.values())}")
    crops = _crops(config, refine, refinements, size)
    distance = _distance(config)
    nodes = {MAIN: OmegaConf.to_container(config.features, resolve=True)} | dict(further.settings)
    return Pieces(
        size=size,
        extractors=extractors,
        distance=distance,
        crops=crops,
        metrics=_metrics(config, extractors, crops),
        measures=chosen_measures(config, refinements.measures),
        feature_fingerprints=_feature_fingerprints(
            crops,
            size,
            _component_fingerprint(OmegaConf.to_container(refine.detector, resolve=True), crops.detector),
            {name: _component_fingerprint(nodes[name], each) for name, each in extractors.items()},
        ),
        distance_fingerprint=""
        if distance is None
        else _component_fingerprint(OmegaConf.to_container(config.distance, resolve=True), distance),
        judges={} if judges is None else {SEEN + name: each for name, each in judges.made.items()},
        judges_fingerprint=""
        if judges is None
        else fingerprint(
            [[name, _component_fingerprint(judges.settings[name], each)] for name, each in judges.made.items()]
        ),
        left_out={**further.left_out, **(judges.left_out if judges is not None else {})},
    )


def _feature_fingerprints(
    crops: Crops, size: tuple[int, int], detector: str, extractors: Mapping[str, str]
) -> dict[str, str]:
    """What decides the features of each region and set of squares, by each extractor."""
    marks = {}
    for name, extractor in extractors.items():
        for region in crops.names:
            placement = crops.placements.get(region)  # none of the whole image
            rule = {key: str(value) for key, value in vars(placement).items()} if placement is not None else {}
            cut = [detector, rule, crops.size] if placement is not None else []
            marks[kept_as(region, name)] = fingerprint([extractor, size, cut])
        if crops.patches is not None:
            for squares in crops.patches.sets:
                way = [detector] if squares == AROUND_PARTS else [crops.patches.number]
                marks[kept_as(squares, name)] = fingerprint([extractor, size, squares, crops.patches.size, way])
    return marks


def _crops(config: DictConfig, refine: DictConfig, refinements: Refinements, size: tuple[int, int]) -> Crops:
    detector: Detector = instantiate(refine.detector, Detector)
    parts = [region for region in config.regions if region != BODY]
    for part in parts:
        if part not in detector.names:
            raise UserError(f"regions={part}: must be body or what the detector knows: {', '.join(detector.names)}")
    placements = refinements.placements(parts)
    half = max(8, min(size) // 2)
    sets = [squares for name, squares in SETS.items() if name in config.metrics]
    patches = Patches(config.patch_size or half, sets, config.patches) if sets else None
    if patches is not None:
        patches.check(*size)
    return Crops(detector, placements, config.crop_size or half, body=BODY in config.regions, patches=patches)


def _distance(config: DictConfig) -> Distance | None:
    if not {PATH, DIVERSITY} & set(config.metrics):
        return None
    if not config.distance:
        raise UserError("distance: must not be empty for ppl and lpips_diversity; choose parts or lpips")
    distance: Distance = instantiate(config.distance, Distance)
    return distance


def _metrics(config: DictConfig, extractors: Mapping[str, FeatureExtractor], crops: Crops) -> list[Taken]:
    """The metrics of features, tried on a few numbers, so that a missing package is told of now."""
    metrics = taken_metrics(list(config.metrics), extractors, crops.patches.size if crops.patches else 0)
    for name in config.metrics:
        if "." in name:  # a class of the user's own
            node = OmegaConf.create({"metrics": {"_target_": name}}).metrics
            metrics += [Taken(instantiate(node, FeatureMetric, extractor=each), of) for of, each in extractors.items()]
    few = torch.randn(2, 8, 4, generator=torch.Generator().manual_seed(0))
    with warnings.catch_warnings(action="ignore"):
        for taken in metrics:
            taken.metric.measure(*few)
    return metrics


def _component_fingerprint(settings: Any, component: Any) -> str:
    """What decides the results of a component: its settings and the files that it reads."""
    return fingerprint([settings, __version__], files=files_of(component))
