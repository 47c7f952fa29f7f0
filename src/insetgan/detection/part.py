"""A part: what draws it, what finds it, and how it is placed. Nothing here knows what the part is."""

from dataclasses import dataclass, field

from insetgan.detection.detector import Detector
from insetgan.detection.placement import PlacementRule, SquarePlacement
from insetgan.networks.synthesiser import Synthesiser


@dataclass(frozen=True)
class Part:
    """One inset.

    Attributes:
        name: what its results are called, and the name its detector knows it by.
        generator: draws the inset.
        detector: finds it on a canvas; parts that hold the same detector object share one look at the canvas.
        placement: turns what was found into a box.
        mirror: whether its images are flipped left to right, so that one generator draws both hands.
    """

    name: str
    generator: Synthesiser
    detector: Detector
    placement: PlacementRule = field(default_factory=SquarePlacement)
    mirror: bool = False
