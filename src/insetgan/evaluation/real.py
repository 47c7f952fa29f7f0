"""The real side of an evaluation: features of images, or published statistics."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor

from insetgan.evaluation.crops import BODY
from insetgan.metrics.features import FeatureExtractor
from insetgan.metrics.statistics import CleanReference
from insetgan.runtime.errors import UserError
from insetgan.runtime.reading import parse_json
from insetgan.runtime.tensors import open_tensors, tensors_digest

CLEAN = "cleanfid:"


class RealSide(Protocol):
    """What generated images are compared with."""

    @property
    def title(self) -> str:
        """For captions."""
        ...

    def count(self, region: str) -> int:
        """Images that show the region; a large number where it is unknown."""
        ...

    def side(self, region: str, key: str) -> Any:
        """What the metric of this key takes for the real side, such as features [n, d]."""
        ...


@dataclass(frozen=True)
class RealFeatures:
    """Features of real images.

    Attributes:
        title: for captions.
        features: by region, and by set of squares, float32 [n, d]; see `taken.kept_as`.
        missing: by region, images on which it was not found.
        seen: by the key of a judge, the share of them in which it sees what it knows; not kept in files.
    """

    title: str
    features: Mapping[str, Tensor]
    missing: Mapping[str, int]
    seen: Mapping[str, float] = field(default_factory=dict)

    def count(self, region: str) -> int:
        """Images that show the region."""
        return len(self.features[region])

    def side(self, region: str, key: str) -> Tensor:
        """The features, whatever the metric."""
        return self.features[region]

    def content(self, fingerprints: Mapping[str, str]) -> bytes:
        """Bytes of a file for later evaluations; `fingerprints` says by region from which network and crops they come."""
        whole = {name: values.cpu().contiguous() for name, values in self.features.items()}
        about = {"title": self.title, "missing": dict(self.missing), "fingerprints": dict(fingerprints)}
        about["sha256"] = tensors_digest(whole)
        return save(whole, metadata={"real": json.dumps(about)})


class PublishedStatistics:
    """clean-fid's reference files, which know whole images only.

    Args:
        reference: to be looked for.
    """

    def __init__(self, reference: CleanReference) -> None:
        self.reference, self.title = reference, reference.title

    def count(self, region: str) -> int:
        """Unknown for published statistics; a large number, so that checks of counts pass."""
        return 2**31

    def side(self, region: str, key: str) -> Any:
        """Moments for FID, features for everything else."""
        return self.reference.side(key)


def read_statistics(given: str, extractor: FeatureExtractor, fingerprints: Mapping[str, str]) -> RealSide:
    """Statistics instead of real images.

    Args:
        given: path of `real.safetensors`, or "cleanfid:NAME:RESOLUTION[:SPLIT]".
        extractor: describes the generated images.
        fingerprints: by region that is compared, of network and crops; they must be the same.

    Raises:
        UserError: no such file, or it is of another network, other crops, or lacks a region.
    """
    if given.startswith(CLEAN):
        return _published(given, extractor, tuple(fingerprints))
    try:
        with open_tensors(given) as file:
            about = parse_json((file.metadata() or {})["real"])
            known, missing = dict(about["fingerprints"]), dict(about["missing"])
            features = {name: file.get_tensor(name) for name in file.keys()}
            if about["sha256"] != tensors_digest(features):
                raise ValueError("damaged")
    except FileNotFoundError as error:
        raise UserError(f"data.statistics={given}: no such file") from error
    except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
        raise UserError(f"data.statistics={given}: must be a whole real.safetensors of this version") from error
    if lacking := [region for region in fingerprints if region not in features]:
        raise UserError(f"data.statistics={given}: has no region {lacking[0]} (only {', '.join(features)})")
    if any(known.get(region) != each for region, each in fingerprints.items()):
        raise UserError(f"data.statistics={given}: of other features=, crops or detector; data.path= makes it again")
    wanted = {region: features[region] for region in fingerprints}
    return RealFeatures(about["title"], wanted, {region: missing.get(region, 0) for region in fingerprints})


def _published(given: str, extractor: FeatureExtractor, regions: tuple[str, ...]) -> PublishedStatistics:
    fields = given.removeprefix(CLEAN).split(":")
    mode = getattr(extractor, "mode", None)
    if len(fields) not in (2, 3) or not all(fields):
        raise UserError(f"data.statistics={given}: must be {CLEAN}NAME:RESOLUTION or {CLEAN}NAME:RESOLUTION:SPLIT")
    if mode is None:
        raise UserError(f"data.statistics={given}: goes with features=cleanfid only")
    if regions != (BODY,):
        raise UserError(
            f"data.statistics={given}: knows whole images by one network only; add regions=[{BODY}], and neither kfd, pfd "
            "nor more_features"
        )
    reference = CleanReference(fields[0], fields[1], mode, *fields[2:])
    reference.moments()  # a missing file is told of now
    return PublishedStatistics(reference)
