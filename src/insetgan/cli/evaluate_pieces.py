"""What an evaluation measures with: feature extractor, distance, regions, metrics and measures."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from insetgan import __version__
from insetgan.cli.build import instantiate
from insetgan.cli.evaluate_check import chosen_measures
from insetgan.cli.evaluate_refinement import Refinements, generator_size
from insetgan.detection.detector import Detector
from insetgan.evaluation.cell import DIVERSITY, PATH
from insetgan.evaluation.crops import BODY, Crops
from insetgan.metrics.features import FeatureExtractor
from insetgan.metrics.measures import Measure
from insetgan.metrics.perceptual import Distance
from insetgan.metrics.registry import FEATURE_METRICS, FeatureMetric, feature_metrics
from insetgan.runtime.errors import UserError
from insetgan.runtime.fingerprint import files_of, fingerprint


@dataclass(frozen=True)
class Pieces:
    """What images are measured with.

    Attributes:
        size: height and width of the canvas, to which all images are brought.
        extractor: the feature extractor.
        distance: of two images; None where no metric asks for it.
        crops: the regions.
        metrics: those that work on features.
        measures: of samples, those that are columns.
        feature_fingerprints: by region, what decides the features of an image: network, size, and of crops where they are cut.
        distance_fingerprint: what decides the distance; empty where there is none.
    """

    size: tuple[int, int]
    extractor: FeatureExtractor
    distance: Distance | None
    crops: Crops
    metrics: Sequence[FeatureMetric]
    measures: Sequence[Measure]
    feature_fingerprints: dict[str, str]
    distance_fingerprint: str

    @property
    def fingerprint(self) -> str:
        """What decides the features of all regions together."""
        return fingerprint(list(self.feature_fingerprints.items()))


def build_pieces(config: DictConfig, refinements: Refinements) -> Pieces:
    """Build everything that images are measured with, so that what is missing is told of before any work.

    Args:
        config: of evaluate.py, checked.
        refinements: whose detector, placements and canvas are used.

    Raises:
        UserError: naming the setting whose file or package is missing, or whose value is wrong.
    """
    refine = refinements.settings(config.trunc[0])
    size = generator_size(refine.canvas.weights)
    extractor: FeatureExtractor = instantiate(config.features, FeatureExtractor)
    crops = _crops(config, refine, refinements, size)
    distance = _distance(config)
    extractor_mark = _component_fingerprint(config.features, extractor)
    detector_mark = _component_fingerprint(refine.detector, crops.detector)
    marks = {}
    for region in crops.names:
        placement = crops.placements.get(region)  # none of the whole image
        rule = {key: str(value) for key, value in vars(placement).items()} if placement is not None else {}
        cut = [detector_mark, rule, crops.size] if placement is not None else []
        marks[region] = fingerprint([extractor_mark, size, cut])
    return Pieces(
        size=size,
        extractor=extractor,
        distance=distance,
        crops=crops,
        metrics=_metrics(config, extractor),
        measures=chosen_measures(config, refinements.measures),
        feature_fingerprints=marks,
        distance_fingerprint="" if distance is None else _component_fingerprint(config.distance, distance),
    )


def _crops(config: DictConfig, refine: DictConfig, refinements: Refinements, size: tuple[int, int]) -> Crops:
    detector: Detector = instantiate(refine.detector, Detector)
    parts = [region for region in config.regions if region != BODY]
    for part in parts:
        if part not in detector.names:
            raise UserError(f"regions={part}: must be body or what the detector knows: {', '.join(detector.names)}")
    placements = refinements.placements(parts)
    return Crops(detector, placements, config.crop_size or max(8, min(size) // 2), body=BODY in config.regions)


def _distance(config: DictConfig) -> Distance | None:
    if not {PATH, DIVERSITY} & set(config.metrics):
        return None
    if not config.distance:
        raise UserError("distance: must not be empty for ppl and lpips_diversity; choose parts or lpips")
    distance: Distance = instantiate(config.distance, Distance)
    return distance


def _metrics(config: DictConfig, extractor: FeatureExtractor) -> list[FeatureMetric]:
    """The metrics of features, tried on a few numbers, so that a missing package is told of now."""
    metrics = feature_metrics([name for name in config.metrics if name in FEATURE_METRICS], extractor)
    for name in config.metrics:
        if "." in name:  # a class of the user's own
            node = OmegaConf.create({"metrics": {"_target_": name}}).metrics
            metrics.append(instantiate(node, FeatureMetric, extractor=extractor))
    few = torch.randn(2, 8, 4, generator=torch.Generator().manual_seed(0))
    with warnings.catch_warnings(action="ignore"):
        for metric in metrics:
            metric.measure(*few)
    return metrics


def _component_fingerprint(node: DictConfig, component: Any) -> str:
    """What decides the results of a component: its settings and the files that it reads."""
    settings: Any = OmegaConf.to_container(node, resolve=True)
    return fingerprint([settings, __version__], files=files_of(component))
